package providers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// uids has a good identifier of every type.
var uids = map[provider.Type]string{
	provider.AWS: "123456789012", provider.Azure: "00000000-1111-4222-8333-444444444444", provider.GCP: "acme-project-1",
	provider.Kubernetes: "arn:aws:eks:us-east-1:123456789012:cluster/prod", provider.M365: "acme.onmicrosoft.com", provider.GitHub: "acme-org",
	provider.MongoDBAtlas: "64b1d3c0e4b03b1234567890", provider.IaC: "https://github.com/acme/infra.git",
	provider.OracleCloud:  "ocid1.tenancy.oc1..aaaaaaaa3aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	provider.AlibabaCloud: "1234567890123456", provider.Cloudflare: strings.Repeat("a", 32), provider.OpenStack: "project-1",
	provider.Image: "alpine:3.18", provider.GoogleWorkspace: "C01234abc", provider.Vercel: "team_abcdefghijklmnop", provider.Okta: "acme.okta.com",
}

func connect(t testing.TB, client *apitest.Client, kind provider.Type, uid, alias string) string {
	t.Helper()
	attributes := map[string]any{"provider": kind, "uid": uid}
	if alias != "" {
		attributes["alias"] = alias
	}
	return client.Post(t, "/providers", "providers", attributes, nil).Want(t, 201).String("/data/id")
}

// limit leaves a person one role: the permission to manage providers, and the sight of the providers of one group, which it
// makes of the given ones. It returns the group's id.
func limit(t testing.TB, server *apitest.Server, person *apitest.Client, visible ...string) string {
	t.Helper()
	group := uuid.NewString()
	pool := server.DB.Pool(t, pgtest.Superuser)
	run := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("arrange: %v", err)
		}
	}
	run(`update roles set unlimited_visibility = false, manage_providers = true where tenant_id = $1`, person.Tenant)
	run(`insert into provider_groups (tenant_id, id, name) values ($1, $2, $3)`, person.Tenant, group, "seen "+group)
	run(`insert into role_provider_groups (tenant_id, role_id, provider_group_id) select tenant_id, id, $2 from roles where tenant_id = $1`, person.Tenant, group)
	for _, id := range visible {
		run(`insert into provider_group_providers (tenant_id, provider_group_id, provider_id) values ($1, $2, $3)`, person.Tenant, group, id)
	}
	return group
}

// listed are the ids of a list, in its order.
func listed(answer *apitest.Answer) []string {
	ids := make([]string, answer.Len("/data"))
	for i := range ids {
		ids[i] = answer.String(fmt.Sprintf("/data/%d/id", i))
	}
	return ids
}

func TestEveryTypeIsConnectedAndRead(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for _, kind := range provider.Types() {
		id := connect(t, ada, kind, uids[kind], "")
		one := ada.Get(t, "/providers/"+id).Want(t, 200)
		if one.String("/data/attributes/provider") != string(kind) || one.String("/data/attributes/uid") != uids[kind] ||
			one.String("/data/links/self") != server.URL+"/providers/"+id {
			t.Errorf("%s: %s", kind, one.Raw)
		}
	}
	list := ada.Get(t, "/providers?page[disable]=true&sort=provider").Want(t, 200)
	if list.Len("/data") != len(uids) || list.At("/links") != nil || list.String("/data/0/attributes/provider") != "aws" ||
		list.String("/data/15/attributes/provider") != "okta" {
		t.Fatalf("list: %s", list.Raw)
	}
}

func TestAnAnswerHoldsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id := connect(t, ada, provider.AWS, "123456789012", "Production")
	group := limit(t, server, ada, id)
	one := ada.Get(t, "/providers/"+id+"?include=provider_groups").Want(t, 200)
	if one.String("/included/0/id") != group || one.At("/included/0/attributes/name") == nil || one.At("/included/0/links") != nil {
		t.Errorf("include: %s", one.Raw)
	}
	sparse := ada.Get(t, "/providers?include=provider_groups&fields[providers]=uid").Want(t, 200)
	if sparse.At("/included") != nil || sparse.At("/data/0/relationships") != nil || sparse.At("/data/0/attributes/alias") != nil {
		t.Errorf("a relationship that is left out was included: %s", sparse.Raw)
	}
	if got := ada.Get(t, "/providers?filter[provider_groups]="+group).Want(t, 200); got.Len("/data") != 1 {
		t.Errorf("filter by group: %s", got.Raw)
	}
	if got := ada.Get(t, "/providers?filter[search]=prod+aws").Want(t, 200); got.Len("/data") != 1 {
		t.Errorf("search: %s", got.Raw)
	}
	ada.Get(t, "/providers/"+id+"?filter[alias]=Staging").Want(t, 404)
	pool := server.DB.Pool(t, pgtest.Superuser)
	if _, err := pool.Exec(t.Context(), `update providers set connected = true, connection_last_checked_at = '2026-01-02 03:04:05.6+00'`); err != nil {
		t.Fatal(err)
	}
	checked := ada.Get(t, "/providers?filter[connected]=true").Want(t, 200)
	if checked.At("/data/0/attributes/connection/connected") != true || checked.String("/data/0/attributes/connection/last_checked_at") != "2026-01-02T03:04:05.600000Z" {
		t.Errorf("connection: %s", checked.Raw)
	}
}

func TestRefusedProviders(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	connect(t, ada, provider.AWS, "123456789012", "")
	connect(t, ada, provider.Okta, "acme.okta.com", "")
	tests := map[string]struct {
		attributes    string
		status        int
		code, pointer string
	}{
		"no uid":             {`{"provider":"aws"}`, 400, "required", "/data/attributes/uid"},
		"uid null":           {`{"uid":null}`, 400, "null", "/data/attributes/uid"},
		"uid blank":          {`{"uid":"  "}`, 400, "blank", "/data/attributes/uid"},
		"uid short":          {`{"uid":"12"}`, 400, "min_length", "/data/attributes/uid"},
		"uid long":           {`{"provider":"image","uid":"` + strings.Repeat("a", 251) + `"}`, 400, "max_length", "/data/attributes/uid"},
		"uid of other type":  {`{"provider":"gcp","uid":"123456789012"}`, 400, "gcp-uid", "/data/attributes/uid"},
		"uid with NUL":       {`{"uid":"12345678901\u0000"}`, 400, "null_characters_not_allowed", "/data/attributes/uid"},
		"uid object":         {`{"uid":{}}`, 400, "invalid", "/data/attributes/uid"},
		"type unknown":       {`{"provider":"vax","uid":"123456789012"}`, 400, "invalid_choice", "/data/attributes/provider"},
		"type null":          {`{"provider":null,"uid":"123456789012"}`, 400, "null", "/data/attributes/provider"},
		"alias short":        {`{"uid":"222222222222","alias":"ab"}`, 400, "min_length", "/data/attributes/alias"},
		"alias long":         {`{"uid":"222222222222","alias":"` + strings.Repeat("ä", 101) + `"}`, 400, "max_length", "/data/attributes/alias"},
		"unknown attribute":  {`{"uid":"222222222222","connected":true}`, 400, "invalid", "/data"},
		"duplicate":          {`{"uid":"123456789012"}`, 409, "conflict", "/data/attributes/uid"},
		"duplicate trimmed":  {`{"uid":" 123456789012 "}`, 409, "conflict", "/data/attributes/uid"},
		"duplicate by case":  {`{"provider":"okta","uid":"ACME.okta.com"}`, 409, "conflict", "/data/attributes/uid"},
		"attributes no list": {`[]`, 400, "invalid", "/data"},
	}
	for name, test := range tests {
		body := []byte(`{"data":{"type":"providers","attributes":` + test.attributes + `}}`)
		answer := ada.Do(t, "POST", "/providers", "application/vnd.api+json", body)
		if answer.Status != test.status || answer.String("/errors/0/code") != test.code || answer.String("/errors/0/source/pointer") != test.pointer {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	if count := ada.Get(t, "/providers").Len("/data"); count != 2 {
		t.Errorf("%d providers after refusals, want 2", count)
	}
	ada.Post(t, "/providers", "provider", map[string]any{"uid": "222222222222"}, nil).Want(t, 409)
	ada.Post(t, "/providers", "providers", map[string]any{"uid": "222222222222"}, map[string]any{"provider_groups": apitest.Many("provider-groups")}).Want(t, 400)
	server.Anonymous().Post(t, "/providers", "providers", map[string]any{"uid": "222222222222"}, nil).Want(t, 401)
	server.Anonymous().Get(t, "/providers").Want(t, 401)
}

func TestRefusedQueries(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for query, status := range map[string]int{
		"colour=red": 400, "sort=name": 400, "include=secret": 400, "filter[name]=x": 400, "filter[id]=12": 400, "filter[id__in]=12": 400,
		"filter[provider]=vax": 400, "filter[inserted_at]=yesterday": 400, "filter[uid]=": 400, "page[number]=2": 404, "page[number]=-1": 404,
		"filter[uid]=%00": 400, "page[size]=1000": 200, "page[number]=99999999999999999999": 404, "filter[provider_groups]=" + uuid.NewString(): 200,
	} {
		if answer := ada.Get(t, "/providers?"+query); answer.Status != status {
			t.Errorf("%s: %d, want %d: %s", query, answer.Status, status, answer.Raw)
		}
	}
	ada.Get(t, "/providers/abc").Want(t, 404)
	ada.Get(t, "/providers/"+uuid.NewString()).Want(t, 404)
}

func TestOnlyTheAliasChanges(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id := connect(t, ada, provider.AWS, "123456789012", "Production")
	path := "/providers/" + id
	before := ada.Get(t, path).Want(t, 200)
	same := ada.Patch(t, path, "providers", id, map[string]any{}, nil).Want(t, 200)
	if same.String("/data/attributes/updated_at") != before.String("/data/attributes/updated_at") {
		t.Error("a change of nothing changed updated_at")
	}
	changed := ada.Patch(t, path, "providers", id, map[string]any{"alias": " Staging "}, nil).Want(t, 200)
	if changed.String("/data/attributes/alias") != "Staging" || changed.String("/data/links/self") == "" ||
		changed.String("/data/attributes/updated_at") <= before.String("/data/attributes/updated_at") {
		t.Errorf("changed: %s", changed.Raw)
	}
	if cleared := ada.Patch(t, path, "providers", id, map[string]any{"alias": nil}, nil).Want(t, 200); cleared.At("/data/attributes/alias") != nil {
		t.Errorf("cleared: %s", cleared.Raw)
	}
	for name, attributes := range map[string]map[string]any{"uid": {"uid": "222222222222"}, "type": {"provider": "gcp"}, "short": {"alias": "ab"},
		"both": {"alias": "Good", "connected": true}} {
		if answer := ada.Patch(t, path, "providers", id, attributes, nil); answer.Status != 400 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	ada.Patch(t, path, "providers", uuid.NewString(), map[string]any{"alias": "Good"}, nil).Want(t, 409)
	ada.Patch(t, path+"?filter[alias]=Other", "providers", id, map[string]any{"alias": "Good"}, nil).Want(t, 404)
	missing := uuid.NewString()
	ada.Do(t, "PATCH", "/providers/"+missing, "text/plain", []byte("{")).Want(t, 404) // the look-up comes first
	ada.Do(t, "PATCH", path, "text/plain", []byte("{")).Want(t, 415)
	if after := ada.Get(t, path).Want(t, 200); after.At("/data/attributes/alias") != nil {
		t.Errorf("a refusal changed something: %s", after.Raw)
	}
}

func TestTenantsDoNotMeet(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	id := connect(t, ada, provider.AWS, "123456789012", "Production")
	twin := connect(t, bob, provider.AWS, "123456789012", "")
	if got := listed(bob.Get(t, "/providers").Want(t, 200)); len(got) != 1 || got[0] != twin {
		t.Errorf("bob sees %v", got)
	}
	absent := uuid.NewString()
	for _, one := range []struct{ foreign, none *apitest.Answer }{
		{bob.Get(t, "/providers/"+id), bob.Get(t, "/providers/"+absent)},
		{bob.Patch(t, "/providers/"+id, "providers", id, map[string]any{"alias": "Mine"}, nil), bob.Patch(t, "/providers/"+absent, "providers", absent, map[string]any{"alias": "Mine"}, nil)},
		{bob.Get(t, "/providers?filter[id]="+id+"&fields[providers]=uid"), nil},
	} {
		if one.none == nil {
			if one.foreign.Len("/data") != 0 {
				t.Errorf("filter by a foreign id: %s", one.foreign.Raw)
			}
			continue
		}
		if one.foreign.Status != 404 || string(one.foreign.Raw) != string(one.none.Raw) {
			t.Errorf("a foreign provider answers %d %s, one that is not there %s", one.foreign.Status, one.foreign.Raw, one.none.Raw)
		}
	}
	if alias := ada.Get(t, "/providers/"+id).String("/data/attributes/alias"); alias != "Production" {
		t.Errorf("bob renamed ada's provider to %q", alias)
	}
}

func TestAHiddenProviderDoesNotExist(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	seen, hidden := connect(t, ada, provider.AWS, "123456789012", "Seen"), connect(t, ada, provider.GCP, "acme-project-1", "Hidden")
	limit(t, server, ada, seen)
	if got := listed(ada.Get(t, "/providers").Want(t, 200)); len(got) != 1 || got[0] != seen {
		t.Errorf("list: %v", got)
	}
	if count := ada.Get(t, "/providers").At("/meta/pagination/count"); count != 1.0 {
		t.Errorf("count: %v", count)
	}
	for _, query := range []string{"filter[id]=" + hidden, "filter[uid]=acme-project-1", "filter[search]=hidden", "filter[provider]=gcp"} {
		if got := ada.Get(t, "/providers?"+query).Want(t, 200); got.Len("/data") != 0 {
			t.Errorf("%s: %s", query, got.Raw)
		}
	}
	absent := uuid.NewString()
	if a, b := ada.Get(t, "/providers/"+hidden), ada.Get(t, "/providers/"+absent); a.Status != 404 || string(a.Raw) != string(b.Raw) {
		t.Errorf("get: %d %s", a.Status, a.Raw)
	}
	ada.Patch(t, "/providers/"+hidden, "providers", hidden, map[string]any{"alias": "Mine"}, nil).Want(t, 404)
	ada.Patch(t, "/providers/"+seen, "providers", seen, map[string]any{"alias": "Mine"}, nil).Want(t, 200)
	var alias string
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select alias from providers where id = $1`, hidden).Scan(&alias); err != nil || alias != "Hidden" {
		t.Errorf("hidden provider is named %q now (%v)", alias, err)
	}
}

func TestALimitedPersonConnectsWhatTheyDoNotSee(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	hidden := connect(t, ada, provider.AWS, "123456789012", "Hidden")
	limit(t, server, ada)
	made := ada.Post(t, "/providers", "providers", map[string]any{"uid": "222222222222", "alias": "Mine"}, nil).Want(t, 201)
	if made.String("/data/attributes/uid") != "222222222222" || made.At("/data/relationships") != nil {
		t.Errorf("made: %s", made.Raw)
	}
	ada.Get(t, "/providers/"+made.String("/data/id")).Want(t, 404)
	if got := ada.Get(t, "/providers").Want(t, 200); got.Len("/data") != 0 {
		t.Errorf("list: %s", got.Raw)
	}
	ada.Get(t, "/providers/"+hidden).Want(t, 404)
	ada.Post(t, "/providers", "providers", map[string]any{"uid": "222222222222"}, nil).Want(t, 409)
	var tenant string
	if err := server.DB.Pool(t, pgtest.Superuser).QueryRow(t.Context(), `select tenant_id::text from providers where id = $1`, made.String("/data/id")).Scan(&tenant); err != nil || tenant != ada.Tenant {
		t.Errorf("the row is in tenant %q (%v)", tenant, err)
	}
}

func TestOnlyThoseWhoManageProvidersChangeThem(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id := connect(t, ada, provider.AWS, "123456789012", "Seen")
	limit(t, server, ada, id)
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update roles set manage_providers = false where tenant_id = $1`, ada.Tenant); err != nil {
		t.Fatal(err)
	}
	ada.Get(t, "/providers/"+id).Want(t, 200)
	ada.Do(t, "POST", "/providers", "application/vnd.api+json", []byte("{")).Want(t, 403) // before the body is looked at
	ada.Patch(t, "/providers/"+id, "providers", id, map[string]any{"alias": "Mine"}, nil).Want(t, 403)
}

func TestADeletedProviderIsGoneAndItsTwinMayCome(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id := connect(t, ada, provider.AWS, "123456789012", "")
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update providers set deleted_at = now() where id = $1`, id); err != nil {
		t.Fatal(err)
	}
	ada.Get(t, "/providers/"+id).Want(t, 404)
	ada.Patch(t, "/providers/"+id, "providers", id, map[string]any{"alias": "Back"}, nil).Want(t, 404)
	connect(t, ada, provider.AWS, "123456789012", "")
	if got := ada.Get(t, "/providers").Want(t, 200); got.Len("/data") != 1 {
		t.Errorf("list: %s", got.Raw)
	}
}

func TestOfManyAtOnceOneConnects(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	const people = 8
	answers := make([]*apitest.Answer, people)
	var group sync.WaitGroup
	for i := range people {
		group.Go(func() {
			answers[i] = ada.Post(t, "/providers", "providers", map[string]any{"uid": "123456789012"}, nil)
		})
	}
	group.Wait()
	made := 0
	for _, answer := range answers {
		switch {
		case answer.Status == 201:
			made++
		case answer.Status != 409 || answer.String("/errors/0/detail") != "Provider already exists.":
			t.Errorf("%d %s", answer.Status, answer.Raw)
		}
	}
	if made != 1 || ada.Get(t, "/providers").Len("/data") != 1 {
		t.Errorf("%d were made", made)
	}
}

func TestPagesDoNotOverlap(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for i := range 5 {
		connect(t, ada, provider.AWS, fmt.Sprintf("12345678901%d", i), "Same")
	}
	seen := map[string]bool{}
	for page := 1; page <= 3; page++ {
		answer := ada.Get(t, fmt.Sprintf("/providers?sort=alias&page[size]=2&page[number]=%d", page)).Want(t, 200)
		for _, id := range listed(answer) {
			seen[id] = true
		}
	}
	if len(seen) != 5 {
		encoded, _ := json.Marshal(seen)
		t.Errorf("pages hold %s", encoded)
	}
}

func TestTheScopeOfANewProviderShowsNoOther(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	hidden := connect(t, ada, provider.AWS, "123456789012", "Kept")
	wide := tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.MustParse(ada.User), tenant.SeeAll())
	narrow, id := wide.ForNewProvider()
	shape := map[string]filter.Fragment{"where": {}}
	if count, err := tenantdb.New(server.App.Tenants.Read(narrow).Shaped(shape)).CountProviders(t.Context()); err != nil || count != 0 {
		t.Fatalf("the scope shows %d providers (%v)", count, err)
	}
	err := server.App.Tenants.Write(t.Context(), narrow, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if changed, err := queries.ChangeProvider(ctx, tenantdb.ChangeProviderParams{ID: uuid.MustParse(hidden), AliasGiven: true}); err != nil || changed != 0 {
			t.Errorf("the scope changed %d existing providers (%v)", changed, err)
		}
		if err := queries.CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: narrow.Tenant(), ID: id, Provider: "aws", Uid: "222222222222"}); err != nil {
			t.Errorf("the scope cannot write the new provider: %v", err)
		}
		return queries.CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: narrow.Tenant(), ID: uuid.New(), Provider: "aws", Uid: "333333333333"})
	})
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("the scope wrote a provider with another id: %v", err)
	}
}
