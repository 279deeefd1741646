package secrets_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/secret"
)

// plain is what must never be seen again once it was sent.
const plain = "wJalrXUtnFEMI/never/shown"

func awsKeys() map[string]any {
	return map[string]any{"aws_access_key_id": "AKIATEST", "aws_secret_access_key": plain}
}

func connect(t testing.TB, client *apitest.Client, kind, uid string) string {
	t.Helper()
	return client.Post(t, "/providers", "providers", map[string]any{"provider": kind, "uid": uid}, nil).Want(t, 201).String("/data/id")
}

func store(t testing.TB, client *apitest.Client, providerID string, attributes map[string]any) *apitest.Answer {
	t.Helper()
	return client.Post(t, "/providers/secrets", "provider-secrets", attributes, map[string]any{"provider": apitest.One("providers", providerID)})
}

// limit leaves a person's role the permission to manage providers and the sight of one provider.
func limit(t testing.TB, server *apitest.Server, person *apitest.Client, visible string) {
	t.Helper()
	pool := server.DB.Pool(t, pgtest.Superuser)
	group := uuid.NewString()
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`update roles set unlimited_visibility = false, manage_providers = true where tenant_id = $1`, []any{person.Tenant}},
		{`insert into provider_groups (tenant_id, id, name) values ($1, $2, 'seen')`, []any{person.Tenant, group}},
		{`insert into role_provider_groups (tenant_id, role_id, provider_group_id) select tenant_id, id, $2 from roles where tenant_id = $1`, []any{person.Tenant, group}},
		{`insert into provider_group_providers (tenant_id, provider_group_id, provider_id) values ($1, $2, $3)`, []any{person.Tenant, group, visible}},
	} {
		if _, err := pool.Exec(t.Context(), step.sql, step.args...); err != nil {
			t.Fatalf("arrange: %v", err)
		}
	}
}

// stored reads a sealed secret as it lies in the database.
func stored(t testing.TB, db *pgtest.DB, id string) []byte {
	t.Helper()
	var sealed []byte
	if err := db.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select secret from provider_secrets where id = $1`, id).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestASecretGoesInAndNeverComesOut(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	aws := connect(t, ada, "aws", "123456789012")
	made := store(t, ada, aws, map[string]any{"name": "Main keys", "secret_type": "static", "secret": awsKeys()}).Want(t, 201)
	id := made.String("/data/id")
	path := "/providers/secrets/" + id
	if made.At("/data/links") != nil || made.String("/data/relationships/provider/data/id") != aws {
		t.Errorf("made: %s", made.Raw)
	}
	read := ada.Get(t, path).Want(t, 200)
	if read.String("/data/links/self") != server.URL+path || read.String("/data/attributes/name") != "Main keys" {
		t.Errorf("read: %s", read.Raw)
	}
	if holder := ada.Get(t, "/providers/"+aws).String("/data/relationships/secret/data/id"); holder != id {
		t.Errorf("the provider points at secret %q", holder)
	}
	changed := ada.Patch(t, path, "provider-secrets", id, map[string]any{"name": nil, "secret_type": "role",
		"secret": map[string]any{"role_arn": plain, "external_id": "e"}}, map[string]any{"provider": apitest.One("providers", uuid.NewString())}).Want(t, 200)
	if changed.At("/data/attributes/name") != nil || changed.String("/data/attributes/secret_type") != "role" || changed.String("/data/relationships/provider/data/id") != aws {
		t.Errorf("changed: %s", changed.Raw)
	}
	list := ada.Get(t, "/providers/secrets?filter[provider]="+aws).Want(t, 200)
	if list.Len("/data") != 1 {
		t.Errorf("list: %s", list.Raw)
	}
	sparse := ada.Get(t, path+"?fields[provider-secrets]=secret").Want(t, 200)
	refused := ada.Patch(t, path, "provider-secrets", id, map[string]any{"secret": map[string]any{"role_arn": []any{plain}}}, nil).Want(t, 400)
	for _, answer := range []*apitest.Answer{made, read, changed, list, sparse, refused} {
		if bytes.Contains(answer.Raw, []byte(plain)) || bytes.Contains(answer.Raw, []byte("AKIATEST")) {
			t.Errorf("an answer holds the secret: %s", answer.Raw)
		}
	}
	if deleted := ada.Delete(t, path).Want(t, 204); len(deleted.Raw) != 0 {
		t.Errorf("deleted: %s", deleted.Raw)
	}
	ada.Get(t, path).Want(t, 404)
	ada.Delete(t, path).Want(t, 404)
	store(t, ada, aws, map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 201)
}

func TestWhatIsStoredIsSealedAndOutlivesARotation(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id := store(t, ada, connect(t, ada, "aws", "123456789012"), map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 201).String("/data/id")
	sealed := stored(t, server.DB, id)
	if bytes.Contains(sealed, []byte(plain)) || bytes.Contains(sealed, []byte("aws_access_key_id")) {
		t.Fatal("the database holds the secret in the clear")
	}
	file := filepath.Join(server.KeyDir, secret.FileName)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := secret.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append([]byte(key+"\n"), old...), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.LoadOrCreate(server.KeyDir)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := provider.Unseal(keys, uuid.MustParse(ada.Tenant), uuid.MustParse(id), sealed)
	if err != nil {
		t.Fatal(err)
	}
	var credentials map[string]any
	if err := json.Unmarshal(opened, &credentials); err != nil || credentials["aws_secret_access_key"] != plain {
		t.Errorf("opened something else (%v)", err)
	}
	if _, err := provider.Unseal(keys, uuid.New(), uuid.MustParse(id), sealed); err == nil {
		t.Error("the secret opened for another tenant")
	}
}

// TestLogsHoldNoSecret runs the program with a logger that keeps everything.
func TestLogsHoldNoSecret(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var log lockedBuffer
	program, err := app.Open(t.Context(), app.Settings{AppURL: db.URL(pgtest.App), SystemURL: db.URL(pgtest.System), MaxConns: 4, KeyDir: t.TempDir(), TokenLimit: "off"},
		slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	listener := httptest.NewServer(program)
	t.Cleanup(listener.Close)
	server := &apitest.Server{App: program, DB: db, URL: listener.URL + "/api/v1"}
	ada := server.SignUp(t, "Ada")
	aws := connect(t, ada, "aws", "123456789012")
	store(t, ada, aws, map[string]any{"secret_type": "static", "secret": map[string]any{"aws_access_key_id": []any{plain}}}).Want(t, 400)
	ada.Do(t, "POST", "/providers/secrets", jsonapi.MediaType, []byte(`{"data": "`+plain+`" x}`)).Want(t, 400)
	id := store(t, ada, aws, map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 201).String("/data/id")
	if _, err := db.Pool(t, pgtest.Superuser).Exec(t.Context(), `alter table provider_secrets add constraint refuse_all check (false) not valid`); err != nil {
		t.Fatal(err)
	}
	ada.Patch(t, "/providers/secrets/"+id, "provider-secrets", id, map[string]any{"secret": awsKeys()}, nil).Want(t, 500)
	if text := log.String(); !strings.Contains(text, "request failed") || strings.Contains(text, plain) || strings.Contains(text, "AKIATEST") {
		t.Errorf("log: %s", text)
	}
}

type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(content []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(content)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

func TestRefusedSecrets(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	aws, azure := connect(t, ada, "aws", "123456789012"), connect(t, ada, "azure", "00000000-1111-4222-8333-444444444444")
	taken := connect(t, ada, "aws", "222222222222")
	store(t, ada, taken, map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 201)
	good := `"secret_type":"static","secret":{"aws_access_key_id":"a","aws_secret_access_key":"b"}`
	to := func(id string) string { return `{"provider":{"data":{"type":"providers","id":"` + id + `"}}}` }
	tests := map[string]struct {
		attributes, relationships string
		status                    int
		code, pointer             string
	}{
		"no secret":           {`{"secret_type":"static"}`, to(aws), 400, "required", "/data/attributes/secret"},
		"secret null":         {`{"secret_type":"static","secret":null}`, to(aws), 400, "null", "/data/attributes/secret"},
		"secret a text":       {`{"secret_type":"static","secret":"x"}`, to(aws), 400, "invalid", "/data/attributes/secret/non_field_errors"},
		"secret incomplete":   {`{"secret_type":"static","secret":{"aws_access_key_id":"a"}}`, to(aws), 400, "required", "/data/attributes/secret/aws_secret_access_key"},
		"type unknown":        {`{"secret_type":"kerberos","secret":{}}`, to(aws), 400, "invalid_choice", "/data/attributes/secret_type"},
		"role for azure":      {`{"secret_type":"role","secret":{"role_arn":"a","external_id":"b"}}`, to(azure), 400, "invalid", "/data/attributes/secret_type"},
		"name short":          {`{"name":"ab",` + good + `}`, to(aws), 400, "min_length", "/data/attributes/name"},
		"unknown attribute":   {`{"colour":"red",` + good + `}`, to(aws), 400, "invalid", "/data"},
		"no provider":         {`{` + good + `}`, `{}`, 400, "required", "/data/relationships/provider"},
		"provider null":       {`{` + good + `}`, `{"provider":{"data":null}}`, 400, "null", "/data/relationships/provider"},
		"provider nil":        {`{` + good + `}`, to(uuid.Nil.String()), 400, "does_not_exist", "/data/relationships/provider"},
		"provider unknown":    {`{` + good + `}`, to(uuid.NewString()), 400, "does_not_exist", "/data/relationships/provider"},
		"provider a word":     {`{` + good + `}`, to("abc"), 400, "invalid", "/data/relationships/provider"},
		"provider a number":   {`{` + good + `}`, `{"provider":{"data":{"type":"providers","id":5}}}`, 400, "does_not_exist", "/data/relationships/provider"},
		"provider a list":     {`{` + good + `}`, `{"provider":{"data":[]}}`, 400, "incorrect_type", "/data/relationships/provider"},
		"provider of a type":  {`{"name":"ab",` + good + `}`, `{"provider":{"data":{"type":"roles","id":"` + aws + `"}}}`, 409, "error", "/data"},
		"second":              {`{` + good + `}`, to(taken), 400, "unique", "/data/relationships/provider"},
		"second, also broken": {`{"secret_type":"static","secret":{}}`, to(taken), 400, "unique", "/data/relationships/provider"},
	}
	for name, test := range tests {
		body := []byte(`{"data":{"type":"provider-secrets","attributes":` + test.attributes + `,"relationships":` + test.relationships + `}}`)
		answer := ada.Do(t, "POST", "/providers/secrets", jsonapi.MediaType, body)
		if answer.Status != test.status || answer.Len("/errors") != 1 || answer.String("/errors/0/code") != test.code || answer.String("/errors/0/source/pointer") != test.pointer {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	if count := ada.Get(t, "/providers/secrets").Len("/data"); count != 1 {
		t.Errorf("%d secrets after refusals, want 1", count)
	}
	for query, status := range map[string]int{"include=provider": 400, "sort=secret_type": 400, "filter[provider]=abc": 400, "filter[secret_type]=static": 400, "page[number]=2": 404} {
		if answer := ada.Get(t, "/providers/secrets?"+query); answer.Status != status {
			t.Errorf("%s: %d %s", query, answer.Status, answer.Raw)
		}
	}
	if page := ada.Get(t, "/providers/secrets/abc").Want(t, 404); page.Body != nil {
		t.Errorf("an id that is no UUID: %s", page.Raw)
	}
	server.Anonymous().Get(t, "/providers/secrets").Want(t, 401)
}

func TestAChangeNeedsTheWholeSecret(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id := store(t, ada, connect(t, ada, "aws", "123456789012"), map[string]any{"name": "Kept", "secret_type": "static", "secret": awsKeys()}).Want(t, 201).String("/data/id")
	path, before := "/providers/secrets/"+id, stored(t, server.DB, id)
	for name, attributes := range map[string]map[string]any{
		"name alone": {"name": "Renamed"}, "null": {"secret": nil}, "type alone": {"secret_type": "role"}, "other type": {"secret_type": "role", "secret": awsKeys()},
		"unknown": {"secret": awsKeys(), "colour": "red"},
	} {
		if answer := ada.Patch(t, path, "provider-secrets", id, attributes, nil); answer.Status != 400 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	missing := uuid.NewString()
	ada.Patch(t, "/providers/secrets/"+missing, "provider-secrets", missing, map[string]any{"secret": awsKeys()}, nil).Want(t, 404)
	ada.Patch(t, path, "provider-secrets", missing, map[string]any{"secret": awsKeys()}, nil).Want(t, 409)
	if !bytes.Equal(stored(t, server.DB, id), before) || ada.Get(t, path).String("/data/attributes/name") != "Kept" {
		t.Error("a refusal changed something")
	}
	if changed := ada.Patch(t, path, "provider-secrets", id, map[string]any{"secret": awsKeys()}, nil).Want(t, 200); changed.String("/data/attributes/name") != "Kept" {
		t.Errorf("changed: %s", changed.Raw)
	}
	if bytes.Equal(stored(t, server.DB, id), before) {
		t.Error("the secret was not sealed anew")
	}
}

func TestOthersDoNotReachASecret(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	seen, hidden := connect(t, ada, "aws", "123456789012"), connect(t, ada, "aws", "222222222222")
	bare := connect(t, ada, "aws", "333333333333")
	attributes := map[string]any{"secret_type": "static", "secret": awsKeys()}
	seenID := store(t, ada, seen, attributes).Want(t, 201).String("/data/id")
	hiddenID := store(t, ada, hidden, attributes).Want(t, 201).String("/data/id")
	limit(t, server, ada, seen)
	absent := uuid.NewString()
	for name, person := range map[string]*apitest.Client{"another tenant": bob, "limited visibility": ada} {
		path := "/providers/secrets/" + hiddenID
		if a, b := person.Get(t, path), person.Get(t, "/providers/secrets/"+absent); a.Status != 404 || !bytes.Equal(a.Raw, b.Raw) {
			t.Errorf("%s: get %d %s", name, a.Status, a.Raw)
		}
		person.Patch(t, path, "provider-secrets", hiddenID, map[string]any{"secret": awsKeys()}, nil).Want(t, 404)
		person.Delete(t, path).Want(t, 404)
		if answer := store(t, person, bare, attributes).Want(t, 400); answer.String("/errors/0/code") != "does_not_exist" {
			t.Errorf("%s: create for a hidden provider: %s", name, answer.Raw)
		}
		if answer := store(t, person, hidden, attributes).Want(t, 400); answer.String("/errors/0/code") != "does_not_exist" {
			t.Errorf("%s: create for a hidden provider that has one: %s", name, answer.Raw)
		}
		if list := person.Get(t, "/providers/secrets?filter[provider]="+hidden).Want(t, 200); list.Len("/data") != 0 {
			t.Errorf("%s: %s", name, list.Raw)
		}
	}
	if list := ada.Get(t, "/providers/secrets").Want(t, 200); list.Len("/data") != 1 || list.String("/data/0/id") != seenID {
		t.Errorf("ada sees %s", list.Raw)
	}
	ada.Patch(t, "/providers/secrets/"+seenID, "provider-secrets", seenID, map[string]any{"secret": awsKeys()}, nil).Want(t, 200)
	stored(t, server.DB, hiddenID)
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update roles set manage_providers = false where tenant_id = $1`, ada.Tenant); err != nil {
		t.Fatal(err)
	}
	ada.Get(t, "/providers/secrets").Want(t, 403)
	ada.Get(t, "/providers/secrets/"+seenID).Want(t, 403)
	store(t, ada, seen, attributes).Want(t, 403)
	ada.Delete(t, "/providers/secrets/"+seenID).Want(t, 403)
}

func TestTheSecretOfADeletedProviderIsGone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	aws, bare := connect(t, ada, "aws", "123456789012"), connect(t, ada, "aws", "222222222222")
	id := store(t, ada, aws, map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 201).String("/data/id")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update providers set deleted_at = now()`); err != nil {
		t.Fatal(err)
	}
	ada.Get(t, "/providers/secrets/"+id).Want(t, 404)
	if list := ada.Get(t, "/providers/secrets").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("list: %s", list.Raw)
	}
	store(t, ada, bare, map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 400)
}

func TestOfManyAtOnceOneSecretIsStored(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	aws := connect(t, ada, "aws", "123456789012")
	answers := make([]*apitest.Answer, 8)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = store(t, ada, aws, map[string]any{"secret_type": "static", "secret": awsKeys()}) })
	}
	group.Wait()
	made := 0
	for _, answer := range answers {
		switch {
		case answer.Status == 201:
			made++
		case answer.Status != 400 || answer.String("/errors/0/code") != "unique":
			t.Errorf("%d %s", answer.Status, answer.Raw)
		}
	}
	if made != 1 || ada.Get(t, "/providers/secrets").Len("/data") != 1 {
		t.Errorf("%d were stored", made)
	}
}
