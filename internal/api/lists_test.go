package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
)

// lists are the operations that answer lists.
func lists(t *testing.T) []*rest.Operation {
	t.Helper()
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(server.Operations()), func(one *rest.Operation) bool {
		return api.Pending(one) || one.Method != http.MethodGet || !one.Response.List || one.Mode != rest.List
	})
}

// hall is a tenant with so many rows in every list that they take several pages, with values that rows share and with nulls.
type hall struct {
	server    *apitest.Server
	ada       *apitest.Client
	pool      *pgxpool.Pool
	ingestion string
	check     string
	finding   string
}

const account = "123456789012"

func fill(t *testing.T) *hall {
	t.Helper()
	server := apitest.Start(t)
	h := &hall{server: server, ada: server.SignUp(t, "Ada"), pool: server.DB.Pool(t, pgtest.Superuser)}
	h.ada.Connect(t, account, "Main")
	h.ada.Ingest(t, ocsftest.File{Account: account, Findings: 300})
	scan := h.ada.Ingest(t, ocsftest.File{Account: account, Findings: 300, Flip: 3})
	for range 12 {
		h.ada.Get(t, "/roles/"+scan).Want(t, 404) // a read: not in the log
		h.ada.Post(t, "/roles", "roles", map[string]any{"name": ""}, nil).Want(t, 400)
	}
	for _, statement := range []string{
		`insert into providers (tenant_id, id, provider, uid, alias, connected, inserted_at, updated_at)
			select $1, gen_random_uuid(), (array['aws', 'azure', 'gcp'])[n % 3 + 1], 'uid-' || n, case when n % 4 > 0 then 'alias ' || n % 5 end,
			case n % 3 when 1 then true when 2 then false end, now() - n % 5 * interval '1 hour', now() - n % 7 * interval '1 hour' from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into scans (tenant_id, id, provider_id, name, trigger, state, scheduled_at, inserted_at)
			select $1, gen_random_uuid(), (select id from providers where tenant_id = $1 order by id limit 1), case when n % 3 > 0 then 'Scan ' || chr(60 + n % 9) end,
			(array['manual', 'scheduled'])[n % 2 + 1], 'failed', case when n % 4 > 0 then now() - n % 3 * interval '1 day' end, now() - n % 5 * interval '1 hour'
			from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into tasks (tenant_id, id, name, state, inserted_at)
			select $1, gen_random_uuid(), 'task ' || chr(60 + n % 4), (array['failed', 'completed', 'cancelled', 'executing'])[n % 4 + 1], now() - n % 5 * interval '1 hour'
			from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into roles (tenant_id, id, name, manage_scans, manage_users, inserted_at, updated_at)
			select $1, gen_random_uuid(), 'role ' || n, n % 2 = 0, n % 3 = 0, now() - n % 5 * interval '1 hour', now() from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into provider_groups (tenant_id, id, name, inserted_at)
			select $1, gen_random_uuid(), 'group ' || n, now() - n % 5 * interval '1 hour' from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into mute_rules (tenant_id, id, name, reason, enabled, inserted_at)
			select $1, gen_random_uuid(), 'rule ' || n, 'reason', n % 2 = 0, now() - n % 5 * interval '1 hour' from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into invitations (tenant_id, id, email, state, token, expires_at, inviter_id, inserted_at)
			select $1, gen_random_uuid(), 'guest' || n || '@example.com', (array['revoked', 'expired', 'accepted'])[n % 3 + 1], lpad(n::text, 14, 'x'),
			now() + n % 4 * interval '1 day', case when n % 3 > 0 then $2::uuid end, now() - n % 5 * interval '1 hour' from generate_series(1, 17) n`,
		`insert into api_keys (tenant_id, id, name, prefix, digest, user_id, expires_at, revoked_at, inserted_at)
			select $1, gen_random_uuid(), 'key ' || n, 'pk_' || translate(lpad(n::text, 8, '2'), '01', 'XY'), sha256(n::text::bytea), $2,
			now() + n % 4 * interval '1 day', case when n % 3 = 0 then now() end, now() - n % 5 * interval '1 hour' from generate_series(1, 17) n`,
		`insert into users (id, name, email, company_name, password, date_joined)
			select gen_random_uuid(), 'Person ' || chr(60 + n % 9), 'person' || n || '@example.com', 'company ' || n % 4, 'x', now() - n % 5 * interval '1 hour'
			from generate_series(1, 17) n where $1::uuid is not null and $2::uuid is not null`,
		`insert into memberships (tenant_id, id, user_id, role, date_joined)
			select $1, gen_random_uuid(), id, (array['owner', 'member'])[row_number() over () % 2 + 1], now() - row_number() over () % 5 * interval '1 hour'
			from users where email like 'person%' and $2::uuid is not null`,
		`insert into tenants (id, name, inserted_at)
			select gen_random_uuid(), 'Branch ' || n % 4, now() - n % 5 * interval '1 hour' from generate_series(1, 17) n where $1::uuid is not null and $2::uuid is not null`,
		`insert into memberships (tenant_id, id, user_id, role, date_joined)
			select id, gen_random_uuid(), $2, (array['owner', 'member'])[row_number() over () % 2 + 1], inserted_at from tenants where name like 'Branch%' and id <> $1`,
		`insert into ingestions (tenant_id, id, state, filename, inserted_at, completed_at)
			select $1, gen_random_uuid(), (array['pending', 'completed', 'failed'])[n % 3 + 1], 'file ' || chr(60 + n % 9), now() - n % 5 * interval '1 hour',
			case when n % 3 > 0 then now() - n % 4 * interval '1 hour' end from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into ingestion_errors (tenant_id, ingestion_id, number, code, detail)
			select $1, (select id from ingestions where tenant_id = $1 order by id limit 1), n, 'bad', 'This one.' from generate_series(1, 17) n where $2::uuid is not null`,
		`insert into provider_secrets (tenant_id, id, provider_id, name, secret_type, secret, inserted_at)
			select $1, gen_random_uuid(), id, case when row_number() over () % 3 > 0 then 'secret ' || row_number() over () % 4 end, 'static', 'x', inserted_at
			from providers where tenant_id = $1 and $2::uuid is not null`,
		`insert into schedules (tenant_id, id, provider_id, next_run_at, enabled, inserted_at)
			select $1, gen_random_uuid(), id, now() + row_number() over () % 4 * interval '1 day', false, inserted_at from providers where tenant_id = $1 and $2::uuid is not null`,
	} {
		if _, err := h.pool.Exec(t.Context(), statement, h.ada.Tenant, h.ada.User); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
	h.finding = h.ada.Get(t, "/findings/latest").Want(t, 200).String("/data/0/id")
	if err := h.pool.QueryRow(t.Context(), `select f.check_id from findings f where f.scan_id = $1
		group by 1 order by count(*) desc limit 1`, scan).Scan(&h.check); err != nil {
		t.Fatal(err)
	}
	if err := h.pool.QueryRow(t.Context(), `select id from ingestions where tenant_id = $1 order by id limit 1`, h.ada.Tenant).Scan(&h.ingestion); err != nil {
		t.Fatal(err)
	}
	return h
}

// needs are the parameters without which a list refuses to answer.
func (h *hall) needs(operation *rest.Operation) url.Values {
	switch day := time.Now().UTC().Format(time.DateOnly); operation.ID {
	case "findings.list":
		return url.Values{"filter[inserted_at.gte]": {time.Now().UTC().Add(-48 * time.Hour).Format(time.DateOnly)}}
	case "resources.list":
		return url.Values{"filter[updated_at.gte]": {time.Now().UTC().Add(-48 * time.Hour).Format(time.DateOnly)}}
	case "finding_groups.list", "finding_groups.resources":
		return url.Values{"filter[inserted_at]": {day}}
	case "overviews.findings_severity.timeseries":
		return url.Values{"filter[date_from]": {day}}
	}
	return url.Values{}
}

// few are lists that are short by their nature, and why.
var few = map[string]string{
	"saml_config.list":           "a tenant has one configuration at most",
	"compliance_frameworks.list": "the catalogue of this database is empty",
	"processors.list":            "there is one processor of each type at most",
	"findings.history":           "a finding is seen once in each scan",
}

func (h *hall) path(operation *rest.Operation, query url.Values) string {
	all := h.needs(operation)
	for key, values := range query {
		all[key] = values
	}
	path := strings.NewReplacer("{user_pk}", h.ada.User, "{tenant_pk}", h.ada.Tenant, "/ingestions/{id}", "/ingestions/"+h.ingestion,
		"/finding-groups/{id}", "/finding-groups/"+h.check, "{check_id}", h.check,
		"/findings/{uid}", "/findings/"+h.finding).Replace(operation.Path)
	return path + "?" + all.Encode()
}

func (h *hall) get(t *testing.T, operation *rest.Operation, path string) *apitest.Answer {
	t.Helper()
	answer := h.ada.Get(t, path)
	if answer.Status != http.StatusOK {
		t.Fatalf("%s: %d %s: teach needs what it needs", operation.ID, answer.Status, answer.Raw)
	}
	return answer
}

// names are type and id of the resources of an answer.
func names(t *testing.T, raw []byte) []string {
	t.Helper()
	var document struct {
		Data []struct{ Type, ID string }
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, one := range document.Data {
		all = append(all, one.Type+" "+one.ID)
	}
	return all
}

// numbered reads a list by page numbers; one without numbers in one large page.
func (h *hall) numbered(t *testing.T, operation *rest.Operation, query url.Values) []string {
	t.Helper()
	query.Set("page[size]", "100")
	if operation.Query.Cursor != nil {
		query.Set("page[size]", "1000")
		return names(t, h.get(t, operation, h.path(operation, query)).Raw)
	}
	var all []string
	for page := 1; ; page++ {
		query.Set("page[number]", fmt.Sprint(page))
		answer := h.get(t, operation, h.path(operation, query))
		all = append(all, names(t, answer.Raw)...)
		if answer.String("/links/next") == "" {
			return all
		}
	}
}

// walked reads a list by following links.next; between is called after each page.
func (h *hall) walked(t *testing.T, operation *rest.Operation, query url.Values, between func()) []string {
	t.Helper()
	query.Set("page[after]", "")
	var all []string
	for next := h.path(operation, query); next != ""; {
		answer := h.ada.Get(t, next).Want(t, 200)
		page := names(t, answer.Raw)
		if answer.At("/meta/pagination") != nil || answer.String("/links/first") == "" || len(page) == 0 && len(all) > 0 {
			t.Fatalf("%s: %s", next, answer.Raw)
		}
		all = append(all, page...)
		_, next, _ = strings.Cut(answer.String("/links/next"), rest.BasePath)
		between()
	}
	return all
}

// orders are values of the sort parameter: the standard order, each key in each direction, and keys in directions of their own.
func orders(operation *rest.Operation) []string {
	all := []string{""}
	var keys []string
	for _, one := range operation.Query.Sorts {
		if !one.Hidden {
			keys = append(keys, one.Name)
		}
	}
	for i, key := range keys {
		other := keys[(i+1)%len(keys)]
		all = append(all, key, "-"+key)
		if other != key {
			all = append(all, key+",-"+other, "-"+key+","+other)
		}
	}
	return all
}

// TestEveryListIsWalkedWhole reads every ordered list by cursor in every order: it is what the numbered pages hold, each row once.
func TestEveryListIsWalkedWhole(t *testing.T) {
	t.Parallel()
	h := fill(t)
	walks := 0
	for _, operation := range lists(t) {
		if operation.Query == nil || operation.Query.Unpaged {
			continue
		}
		for _, order := range orders(operation) {
			query := func() url.Values {
				if order == "" {
					return url.Values{}
				}
				return url.Values{"sort": {order}}
			}
			want := h.numbered(t, operation, query())
			if order == "" && len(want) < 5 && few[string(operation.ID)] == "" {
				t.Errorf("%s has %d rows: give it more in fill, or say in few why not", operation.ID, len(want))
			}
			paged := query()
			paged.Set("page[size]", fmt.Sprint(max(2, len(want)/4)))
			got := h.walked(t, operation, paged, func() {})
			if !slices.Equal(got, want) {
				t.Errorf("%s by %q: walked\n%s\nwant\n%s", operation.ID, order, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			walks++
		}
	}
	t.Logf("%d walks", walks)
	if walks < 100 {
		t.Errorf("only %d walks", walks)
	}
}

// TestWalksStandChanges: rows that come and go between the pages of a walk let it neither skip nor repeat any other.
func TestWalksStandChanges(t *testing.T) {
	t.Parallel()
	h := fill(t)
	turn := 0
	exec := func(statement string, arguments ...any) {
		t.Helper()
		if _, err := h.pool.Exec(t.Context(), statement, arguments...); err != nil {
			t.Fatal(err)
		}
	}
	for _, operation := range lists(t) {
		table, columns, values := "", "", ""
		switch operation.ID {
		case "tasks.list":
			table, columns, values = "tasks", "name, state, inserted_at", `'task ' || chr(58 + n % 6), (array['failed', 'completed', 'cancelled'])[n % 3 + 1], now() - n % 6 * interval '1 hour'`
		case "provider_groups.list":
			table, columns, values = "provider_groups", "name, inserted_at", `'group ' || n || ' ' || $2, now() - n % 6 * interval '1 hour'`
		case "providers.list":
			table, columns, values = "providers", "provider, uid, alias, connected, inserted_at", `(array['aws', 'azure', 'gcp'])[n % 3 + 1], 'new-' || n || $2,
				case when n % 2 = 0 then 'alias ' || n end, case n % 3 when 1 then true when 2 then false end, now() - n % 6 * interval '1 hour'`
		default:
			continue
		}
		exec(`create table if not exists passing (id uuid)`)
		for _, order := range orders(operation) {
			stable := h.numbered(t, operation, url.Values{"sort": {order}})
			seen := map[string]int{}
			// Each turn what the turn before added goes, so every page but the first follows a cursor whose row may be gone.
			left := 6 // else a walk that always finds new rows ahead would not end
			change := func() {
				if left--; left < 0 {
					return
				}
				turn++
				exec(`delete from ` + table + ` where id in (select id from passing)`)
				exec(`delete from passing`)
				exec(`with added as (insert into `+table+` (tenant_id, id, `+columns+`) select $1, gen_random_uuid(), `+values+`
					from generate_series(1, 12) n where $2::text is not null returning id) insert into passing select id from added`, h.ada.Tenant, fmt.Sprint(turn))
			}
			change()
			var walked []string
			for _, name := range h.walked(t, operation, url.Values{"sort": {order}, "page[size]": {"4"}}, change) {
				seen[name]++
				if slices.Contains(stable, name) {
					walked = append(walked, name)
				}
			}
			if !slices.Equal(walked, stable) {
				t.Errorf("%s by %q: of the rows that stay the walk shows\n%v\nwant\n%v", operation.ID, order, walked, stable)
			}
			for name, times := range seen {
				if times > 1 {
					t.Errorf("%s by %q: %s is shown %d times", operation.ID, order, name, times)
				}
			}
			exec(`delete from ` + table + ` where id in (select id from passing)`)
		}
		exec(`drop table passing`)
	}
}

// TestEveryListStreams compares what is sent as NDJSON and as CSV with the list itself, for every list.
func TestEveryListStreams(t *testing.T) {
	t.Parallel()
	h := fill(t)
	for _, operation := range lists(t) {
		if operation.Query == nil {
			if operation.ID != "resources.events" { // asked of the cloud, not of the database
				t.Errorf("%s has no table of parameters, so it cannot be streamed", operation.ID)
			}
			continue
		}
		var documents []json.RawMessage
		if operation.Query.Unpaged {
			documents = data(t, h.ada.Get(t, h.path(operation, nil)).Want(t, 200).Raw)
		} else {
			for next := h.path(operation, url.Values{"page[size]": {"100"}, "page[after]": {""}}); next != ""; {
				answer := h.ada.Get(t, next).Want(t, 200)
				documents = append(documents, data(t, answer.Raw)...)
				_, next, _ = strings.Cut(answer.String("/links/next"), rest.BasePath)
			}
		}
		ignored := url.Values{"page[size]": {"2"}, "page[number]": {"3"}}
		if operation.Query.Cursor != nil {
			ignored.Del("page[number]") // which such a list refuses
		}
		lines := h.ada.GetAs(t, h.path(operation, ignored), "application/x-ndjson").Want(t, 200)
		got := bytes.Split(bytes.TrimSuffix(lines.Raw, []byte("\n")), []byte("\n"))
		if len(documents) == 0 {
			got = nil
		}
		if !slices.EqualFunc(got, documents, func(a []byte, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%s: %d lines are not the %d resources:\n%s\n%s", operation.ID, len(got), len(documents), lines.Raw, bytes.Join(raws(documents), []byte("\n")))
		}
		h.compareTable(t, operation, documents)
	}
}

func (h *hall) compareTable(t *testing.T, operation *rest.Operation, documents []json.RawMessage) {
	t.Helper()
	answer := h.ada.GetAs(t, h.path(operation, nil), "text/csv").Want(t, 200)
	if kind := answer.Header.Get("Content-Type"); kind != "text/csv; charset=utf-8; header=present" {
		t.Errorf("%s is sent as %s", operation.ID, kind)
	}
	records, err := csv.NewReader(bytes.NewReader(answer.Raw)).ReadAll()
	if err != nil || len(records) != len(documents)+1 {
		t.Errorf("%s: %d records for %d resources, %v", operation.ID, len(records), len(documents), err)
		return
	}
	for i, document := range documents {
		var one struct {
			ID                        *string
			Attributes, Relationships map[string]json.RawMessage
		}
		if err := json.Unmarshal(document, &one); err != nil {
			t.Fatal(err)
		}
		cells := map[string]string{}
		for column, name := range records[0] {
			cells[name] = records[i+1][column]
		}
		if one.ID != nil && cells["id"] != *one.ID {
			t.Errorf("%s: row %d is %q, want %q", operation.ID, i, cells["id"], *one.ID)
		}
		for name, value := range one.Attributes {
			want := string(value)
			var text string
			if json.Unmarshal(value, &text) == nil {
				want = text
			}
			if cell, ok := cells[name]; !ok || strings.TrimPrefix(cell, "'") != want {
				t.Errorf("%s: %s is %q in the table (column: %v), want %q", operation.ID, name, cell, ok, want)
			}
		}
		for name := range one.Relationships {
			if _, ok := cells[name]; !ok {
				t.Errorf("%s: relationship %s has no column", operation.ID, name)
			}
		}
	}
}

func data(t *testing.T, raw []byte) []json.RawMessage {
	t.Helper()
	var document struct{ Data []json.RawMessage }
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	return document.Data
}

func raws(documents []json.RawMessage) [][]byte {
	all := make([][]byte, len(documents))
	for i, one := range documents {
		all[i] = one
	}
	return all
}
