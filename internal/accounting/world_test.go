package accounting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// world is a server with two organisations that have something of everything. Ada's has two providers, one of which Dan,
// whose role sees one group alone, must never learn about.
type world struct {
	server *apitest.Server
	pool   *pgxpool.Pool // superuser: arranges and inspects

	ada   *apitest.Client // owner of A
	carol *apitest.Client // member of A without a role
	dan   *apitest.Client // member of A limited to the open provider
	bob   *apitest.Client // owner of B
	erin  *apitest.Client // limited in B, and may do everything in A; see settleErin

	open, hidden uuid.UUID // providers of A
	group        uuid.UUID // the group that Dan sees
	theirs       uuid.UUID // provider of B

	said map[string]bool // tenant and id: what requests from inside the tenant have named
}

const (
	openAccount   = "111111111111"
	hiddenAccount = "222222222222"
	theirAccount  = "333333333333"
)

// newWorld raises a world and fills the tables that nothing has filled with rows of its own.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := raiseWorld(t)
	w.fill(t)
	return w
}

// settleErin makes Erin and returns her API key in B. She is at home in A too, where the key must not take anybody.
func (w *world) settleErin(t *testing.T) (key string) {
	t.Helper()
	roles := w.bob.Get(t, "/roles?filter[name]=Limited").Want(t, 200)
	w.erin = w.bob.Member(t, "Erin", roles.String("/data/0/id"))
	w.exec(t, `insert into memberships (tenant_id, id, user_id, role) values ($1, gen_random_uuid(), $2, 'owner')`, w.ada.Tenant, w.erin.User)
	w.exec(t, `insert into role_users (tenant_id, role_id, user_id) select tenant_id, id, $2 from roles where tenant_id = $1 and name = 'admin'`,
		w.ada.Tenant, w.erin.User)
	_, key = w.erin.Key(t, "Key of Erin")
	return key
}

// raiseWorld makes the world through the API where it can.
func raiseWorld(t *testing.T) *world {
	t.Helper()
	server := apitest.StartIdle(t, "")
	// What is compared between copies of the world must not change from one copy to the next.
	defer server.Work(t)()
	w := &world{server: server, pool: server.DB.Pool(t, pgtest.Superuser), said: map[string]bool{}}
	w.loadCatalogue(t)
	w.ada, w.bob = server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	w.open = connect(t, w.ada, openAccount)
	w.hidden = connect(t, w.ada, hiddenAccount)
	w.theirs = connect(t, w.bob, theirAccount)
	for _, one := range []struct {
		client   *apitest.Client
		provider uuid.UUID
		account  string
	}{{w.ada, w.open, openAccount}, {w.ada, w.hidden, hiddenAccount}, {w.bob, w.theirs, theirAccount}} {
		attributes := map[string]any{"name": "Keys of " + one.account, "secret_type": "static",
			"secret": map[string]any{"aws_access_key_id": "AKIAEXAMPLE" + one.account[:5], "aws_secret_access_key": "secret of " + one.account}}
		one.client.Post(t, "/providers/secrets", "provider-secrets", attributes,
			map[string]any{"provider": apitest.One("providers", one.provider.String())}).Want(t, 201)
		w.ingest(t, one.client, one.account)
	}
	for _, one := range []struct {
		client   *apitest.Client
		provider uuid.UUID
	}{{w.ada, w.open}, {w.bob, w.theirs}} {
		group := one.client.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Seen"},
			map[string]any{"providers": apitest.Many("providers", one.provider.String())}).Want(t, 201).String("/data/id")
		role := one.client.Post(t, "/roles", "roles", map[string]any{"name": "Limited", "manage_users": true, "manage_account": true, "manage_providers": false,
			"manage_integrations": true, "manage_scans": true, "unlimited_visibility": false},
			map[string]any{"provider_groups": apitest.Many("provider-groups", group)}).Want(t, 201).String("/data/id")
		one.client.Post(t, "/tenants/invitations", "invitations", map[string]any{"email": "guest-of-" + strings.ToLower(one.client.Email)},
			map[string]any{"roles": apitest.Many("roles", role)}).Want(t, 201)
		one.client.Key(t, "Key of "+one.client.Email)
		one.client.Post(t, "/compliance-frameworks", "compliance-frameworks", map[string]any{"compliance_id": "custom_rules", "provider": "aws",
			"framework": "Rules", "name": "Rules of " + one.client.Email, "requirements": []map[string]any{{"id": "1"}}}, nil).Want(t, 201)
		if one.client == w.ada {
			w.group = uuid.MustParse(group)
			w.carol = w.join(t, "Carol", "")
			w.dan = w.join(t, "Dan", role)
			// Dan may do everything that a role can grant; what he sees is another matter.
			w.exec(t, `update roles set manage_providers = true, manage_billing = true where id = $1`, role)
		}
	}
	w.ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Unseen"},
		map[string]any{"providers": apitest.Many("providers", w.hidden.String())}).Want(t, 201)
	return w
}

// worldFramework is a framework with a requirement for each account, which the account's findings fail.
const worldFramework = "house_1.0_aws"

func (w *world) loadCatalogue(t *testing.T) {
	t.Helper()
	var requirements []map[string]any
	for _, account := range []string{openAccount, hiddenAccount, theirAccount} {
		requirements = append(requirements, map[string]any{"id": "of " + mark(account), "checks": []string{"iam_" + mark(account) + "_sample_check_0"},
			"attributes": []any{map[string]any{"Title": "Of " + mark(account), "Section": "House", "LevelOfRisk": 5, "Weight": 10}}})
	}
	content, err := json.Marshal(map[string]any{"engine": "sample", "version": "0.0.1", "providers": map[string]any{"aws": map[string]any{
		"frameworks": map[string]any{worldFramework: map[string]any{"framework": "House", "requirements": requirements},
			"prowler_threatscore_aws": map[string]any{"framework": "ProwlerThreatScore", "requirements": requirements}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalogue.Import(t.Context(), w.server.App.System, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

// mark is a word that no text of another account holds.
func mark(account string) string { return "mark_of_" + account[:1] }

func connect(t *testing.T, client *apitest.Client, account string) uuid.UUID {
	t.Helper()
	made := client.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": account, "alias": "Account " + account}, nil)
	return uuid.MustParse(made.Want(t, 201).String("/data/id"))
}

// ingest hands in a findings file and waits until it is a scan.
func (w *world) ingest(t *testing.T, client *apitest.Client, account string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "of-"+account+".json")
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := (ocsftest.File{Account: account, Findings: 20}).Write(&file); err != nil {
		t.Fatal(err)
	}
	// Every account has regions, checks, types and texts of its own, so that lists of them tell.
	content := bytes.ReplaceAll(file.Bytes(), []byte("eu-west-1"), []byte("xx-region-"+account[:1]))
	content = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("sample"), []byte(mark(account)+"_sample")), []byte("Sample"), []byte(mark(account)+"_Sample"))
	content = bytes.ReplaceAll(content, []byte(`"categories":[`), []byte(`"categories":["internet-exposed",`))
	_, _ = part.Write(bytes.Replace(content, []byte("["), []byte("[{\"no\":\"finding\"},"), 1))
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	id := client.Do(t, "POST", "/ingestions", form.FormDataContentType(), body.Bytes()).Want(t, 202).String("/data/id")
	for range 600 {
		switch answer := client.Get(t, "/ingestions/"+id).Want(t, 200); answer.String("/data/attributes/state") {
		case "completed":
			return
		case "failed":
			t.Fatalf("ingestion failed: %s", answer.Raw)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the ingestion did not end")
}

// join makes a person a member of Ada's organisation, with a role or without.
func (w *world) join(t *testing.T, name, role string) *apitest.Client {
	t.Helper()
	person := w.server.SignUp(t, name)
	w.exec(t, `insert into memberships (tenant_id, id, user_id) values ($1, gen_random_uuid(), $2)`, w.ada.Tenant, person.User)
	if role != "" {
		w.exec(t, `insert into role_users (tenant_id, role_id, user_id) values ($1, $2, $3)`, w.ada.Tenant, role, person.User)
	}
	member := w.server.LogIn(t, person.Email, w.ada.Tenant)
	member.User = person.User
	return member
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("arrange: %v", err)
	}
}

// table is a table of the schema public and its columns; partitions are part of their parents.
type table struct {
	name    string
	columns []column
	partial bool     // partitioned
	parents []parent // foreign keys to tables with an id
}

// parent is the row that a row hangs off.
type parent struct {
	column string // that holds the parent's id
	table  string
}

type column struct {
	name, kind string
	required   bool // not null and without a default
}

func (t table) has(name string) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return c.name == name })
}

// provider is the column that names the provider of a row; empty when the table is about none.
func (t table) provider() string {
	switch {
	case t.name == "providers":
		return "id"
	case t.has("provider_id"):
		return "provider_id"
	}
	return ""
}

// names are the columns that can be written.
func (t table) names() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = pgx.Identifier{c.name}.Sanitize()
	}
	return strings.Join(names, ", ")
}

func tables(t *testing.T, pool *pgxpool.Pool) []table {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		select c.relname, c.relkind = 'p', a.attname, format_type(a.atttypid, null), a.attnotnull and not a.atthasdef
		from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
			and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and c.relname <> 'goose_db_version'
		order by c.relname, a.attnum`)
	if err != nil {
		t.Fatal(err)
	}
	var all []table
	var name string
	var partial bool
	var one column
	if _, err := pgx.ForEachRow(rows, []any{&name, &partial, &one.name, &one.kind, &one.required}, func() error {
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, table{name: name, partial: partial})
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, one)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d tables: the look-up is wrong", len(all))
	}
	rows, err = pool.Query(t.Context(), `
		select k.conrelid::regclass::text, a.attname, k.confrelid::regclass::text
		from pg_constraint k cross join lateral unnest(k.conkey, k.confkey) as u(here, there)
		join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.here
		join pg_attribute b on b.attrelid = k.confrelid and b.attnum = u.there and b.attname = 'id'
		where k.contype = 'f' and k.conparentid = 0 and a.attname <> 'tenant_id' order by 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	var of parent
	if _, err := pgx.ForEachRow(rows, []any{&name, &of.column, &of.table}, func() error {
		if i := slices.IndexFunc(all, func(one table) bool { return one.name == name }); i >= 0 {
			all[i].parents = append(all[i].parents, of)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// fill puts one row into every tenant table that has none of A or of B, and into every table about providers that has none
// of the hidden one, so that no query can pass because there was nothing to see. Foreign keys are not looked at; a row that
// breaks a check constraint has to be made by hand above.
func (w *world) fill(t *testing.T) {
	t.Helper()
	for provider, tenant := range map[uuid.UUID]string{w.open: w.ada.Tenant, w.hidden: w.ada.Tenant, w.theirs: w.bob.Tenant} {
		w.unchecked(t, states, tenant, provider)
		w.unchecked(t, `insert into scans (tenant_id, id, provider_id, trigger, state) values ($1, gen_random_uuid(), $2, 'manual', 'expired')`, tenant, provider)
	}
	for _, one := range tables(t, w.pool) {
		if !one.has("tenant_id") {
			continue
		}
		for tenant, provider := range map[string]uuid.UUID{w.ada.Tenant: w.hidden, w.bob.Tenant: w.theirs} {
			w.fillTable(t, one, tenant, provider)
		}
		w.fillTable(t, one, w.ada.Tenant, w.open)
	}
	// Rules that mute something: the table stands before that of its rules.
	w.unchecked(t, `update mute_rule_findings m set mute_rule_id = n.rule, number = n.number, uid = n.uid, uid_hash = n.uid_hash from (
			select distinct on (f.provider_id) f.provider_id, f.uid, f.uid_hash, r.id as rule, dense_rank() over (order by f.provider_id) as number
			from findings f join scans s on s.id = f.scan_id and s.state = 'completed' join mute_rules r on r.tenant_id = f.tenant_id
			where not f.muted
		) n where n.provider_id = m.provider_id`)
}

// states makes scans, their tasks and steps, and ingestions in every state that work passes through.
const states = `
	with made as (
		select s.state, gen_random_uuid() as scan, gen_random_uuid() as task, gen_random_uuid() as step, gen_random_uuid() as ingestion
		from unnest(array['available', 'scheduled', 'executing', 'failed']) as s(state)
	), scans as (
		insert into scans (tenant_id, id, provider_id, trigger, state, task_id, scheduled_at, started_at)
		select $1::uuid, scan, $2::uuid, 'scheduled', state, task, now() - interval '1 day', now() - interval '1 day' from made
	), ingestions as (
		insert into ingestions (tenant_id, id, provider_id, scan_id, state, filename, inserted_at)
		select $1::uuid, ingestion, $2::uuid, scan, case state when 'available' then 'uploading' when 'scheduled' then 'pending'
			when 'executing' then 'processing' else state end, 'state.json', now() - interval '9 days' from made
	), tasks as (
		insert into tasks (tenant_id, id, provider_id, name, state, job_id, attempt, started_at)
		select $1::uuid, task, $2::uuid, 'scan-perform', state, 1000000 + row_number() over (), 1, now() from made
	)
	insert into flow_steps (tenant_id, id, flow_id, parent_id, provider_id, position, type, state, task_id, pending)
	select $1::uuid, step, step, case when state <> 'available' then first_value(step) over (order by state) end, $2::uuid, row_number() over (), 'job', case state when 'executing' then 'running' else 'waiting' end, task, 1 from made`

// samples are values that check constraints take, by column; a table's own come first. Each # becomes a digit of its own, for
// what is unique everywhere.
var samples = map[string]string{
	"api_keys.prefix": "pk_########", "api_keys.digest": `\x` + strings.Repeat("#", 64), "saml_tokens.digest": `\x` + strings.Repeat("#", 64),
	"processors.processor_type": "mutelist", "processors.configuration": `{"Mutelist": {"Accounts": {}}}`,
	"saml_configurations.email_domain": "filled-########.example", "saml_configurations.entity_id": "urn:filled:########",
	"compliance_watchlist.compliance_id": worldFramework,
	"tasks.state":                        "completed", "flow_steps.type": "job", "flow_steps.state": "completed",
	"schedules.frequency": "daily", "schedules.hour": "3", "schedules.time_zone": "UTC", "schedules.next_run_at": "2100-01-01", // nothing sweeps it
}

var digit = regexp.MustCompile("#")

func (w *world) fillTable(t *testing.T, one table, tenant string, provider uuid.UUID) {
	t.Helper()
	condition, args := `tenant_id = $1`, []any{tenant}
	if one.provider() != "" {
		condition, args = condition+` and `+one.provider()+` = $2`, append(args, provider)
	}
	var there bool
	name := pgx.Identifier{one.name}.Sanitize()
	if err := w.pool.QueryRow(t.Context(), `select exists (select from `+name+` where `+condition+`)`, args...).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		return
	}
	var columns, values []string
	for _, c := range one.columns {
		value := "filled-" + tenant[:8] // texts may have to be unique everywhere
		sample, known := samples[one.name+"."+c.name]
		if !known {
			sample, known = samples[c.name]
		}
		switch {
		case c.name == "tenant_id":
			value = tenant
		case c.name == one.provider():
			value = provider.String()
		case c.required && w.parentOf(t, one, c, tenant, provider) != "":
			value = w.parentOf(t, one, c, tenant, provider)
		case known:
			value = digit.ReplaceAllStringFunc(sample, func(string) string { return strconv.Itoa(2 + rand.IntN(8)) })
		case c.kind == "uuid" && (c.required || strings.HasSuffix(c.name, "_id")):
			value = uuid.Must(uuid.NewV7()).String()
		case !c.required:
			continue
		case c.kind == "boolean":
			value = "true"
		case c.kind == "jsonb":
			value = "{}"
		case c.kind == "bytea":
			value = `\x` + strings.ReplaceAll(tenant, "-", "")
		case strings.HasPrefix(c.kind, "timestamp"):
			value = "now"
		case c.kind == "integer", c.kind == "bigint", c.kind == "smallint":
			value = "1"
		case c.kind == "tsvector":
			value = "filled"
		case c.kind != "text" && c.kind != "character varying":
			t.Fatalf("no value for %s.%s (%s): add one to samples", one.name, c.name, c.kind)
		}
		columns = append(columns, pgx.Identifier{c.name}.Sanitize())
		values = append(values, "'"+strings.ReplaceAll(value, "'", "''")+"'")
	}
	w.unchecked(t, `insert into `+name+` (`+strings.Join(columns, ", ")+`) values (`+strings.Join(values, ", ")+`)`)
}

// parentOf is the id of a row of the tenant, and of the provider where it is about one, that a foreign key may name; empty
// when the column is no foreign key or there is no such row.
func (w *world) parentOf(t *testing.T, one table, c column, tenant string, provider uuid.UUID) string {
	t.Helper()
	for _, of := range one.parents {
		if of.column != c.name {
			continue
		}
		for _, other := range tables(t, w.pool) {
			if other.name != of.table || !other.has("tenant_id") {
				continue
			}
			condition, args := `tenant_id = $1`, []any{tenant}
			if other.provider() != "" {
				condition, args = condition+` and `+other.provider()+` = $2`, append(args, provider)
			}
			var id string
			if err := w.pool.QueryRow(t.Context(), `select coalesce(min(id::text), '') from `+pgx.Identifier{other.name}.Sanitize()+` where `+condition, args...).Scan(&id); err != nil {
				t.Fatal(err)
			}
			return id
		}
	}
	return ""
}

// unchecked runs a statement that foreign keys and triggers do not see.
func (w *world) unchecked(t *testing.T, sql string, args ...any) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), w.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `set local session_replication_role = replica`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), sql, args...)
		return err
	})
	if err != nil {
		t.Fatalf("arrange %s: %v", sql, err)
	}
}

// copyWithout copies the world's rows into a fresh database, all but those that a condition on the table picks ("" picks none).
func (w *world) copyWithout(t *testing.T, left func(table) string) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	to, err := db.Pool(t, pgtest.Superuser).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer to.Release()
	from, err := w.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Release()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = to.Exec(t.Context(), `set session_replication_role = replica`)
	must(err)
	_, err = to.Exec(t.Context(), `select ensure_partitions(date_trunc('month', now() - interval '1 month')::date, 4)`)
	must(err)
	for _, one := range tables(t, w.pool) {
		var rows bytes.Buffer
		name, condition := pgx.Identifier{one.name}.Sanitize(), "false"
		if text := left(one); text != "" {
			condition = text
		}
		_, err = to.Exec(t.Context(), `delete from `+name)
		must(err)
		_, err = from.Conn().PgConn().CopyTo(t.Context(), &rows, `copy (select `+one.names()+` from `+name+` where (`+condition+`) is not true) to stdout`)
		must(err)
		_, err = to.Conn().PgConn().CopyFrom(t.Context(), &rows, `copy `+name+` (`+one.names()+`) from stdin`)
		must(err)
	}
	_, err = to.Exec(t.Context(), `set session_replication_role = origin`)
	must(err)
	return db
}

// withoutA picks every row of Ada's organisation and the people who are in no other. Bob's world must look the same without.
func (w *world) withoutA(one table) string {
	switch {
	case one.has("tenant_id"):
		return fmt.Sprintf(`tenant_id = '%s'`, w.ada.Tenant)
	case one.name == "tenants":
		return fmt.Sprintf(`id = '%s'`, w.ada.Tenant)
	case one.name == "users":
		return fmt.Sprintf(`id in ('%s', '%s', '%s')`, w.ada.User, w.carol.User, w.dan.User)
	}
	return ""
}

// withoutHidden picks every row about the hidden provider. Dan's world must look the same without.
func (w *world) withoutHidden(one table) string {
	if one.provider() != "" {
		return fmt.Sprintf(`%s = '%s'`, one.provider(), w.hidden)
	}
	for _, of := range one.parents {
		if slices.Contains(aboutProviders, of.table) {
			return fmt.Sprintf(`%s in (select id from %s where provider_id = '%s')`, pgx.Identifier{of.column}.Sanitize(), of.table, w.hidden)
		}
	}
	return ""
}

// aboutProviders are tables whose rows belong to a provider and have rows hanging off them that do not name it themselves.
var aboutProviders = []string{"ingestions", "scans", "resources", "findings", "tasks", "flow_steps", "schedules", "provider_secrets"}

// ids are the uuids in the rows that a condition picks, but not in the others: what is learnt only by seeing those rows.
func (w *world) ids(t *testing.T, picked func(table) string) map[string]string {
	t.Helper()
	secret, known := make(map[string]string), make(map[string]bool)
	for _, one := range tables(t, w.pool) {
		condition := picked(one)
		if condition == "" {
			condition = "false"
		}
		for _, c := range one.columns {
			if c.kind != "uuid" {
				continue
			}
			rows, err := w.pool.Query(t.Context(), fmt.Sprintf(`select distinct %s::text, coalesce((%s), false) from %s where %[1]s is not null`,
				pgx.Identifier{c.name}.Sanitize(), condition, pgx.Identifier{one.name}.Sanitize()))
			if err != nil {
				t.Fatal(err)
			}
			var id string
			var in bool
			if _, err := pgx.ForEachRow(rows, []any{&id, &in}, func() error {
				if in {
					secret[id] = one.name + "." + c.name
				} else {
					known[id] = true
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id := range known {
		delete(secret, id)
	}
	if len(secret) < 20 {
		t.Fatalf("only %d ids to look for: the look-up is wrong", len(secret))
	}
	return secret
}
