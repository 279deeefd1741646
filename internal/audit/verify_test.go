package audit_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// TestTamperingIsFound changes a log of 10 events in every way that somebody could who has power over the database.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	const shift = `update audit_events set seq = seq + 1000 where seq >= 5; update audit_events set seq = seq - 999 where seq >= 1000; `
	const forged = `insert into audit_events select (x).* from (select jsonb_populate_record(a, jsonb_build_object('seq', 5, 'id', gen_random_uuid(),
		'previous_hash', (select hash from audit_events where seq = 4))) as x from audit_events a where seq = 4) y; `
	sealed := func(where string) string {
		return `update audit_events a set hash = audit_hash(a) where ` + where + `; `
	}
	for name, one := range map[string]struct {
		sql, want  string
		needsNoted bool // found only by what was noted elsewhere
	}{
		"nothing":                         {``, "whole", false},
		"the last event taken away":       {`delete from audit_events where seq = 10`, "truncated at 10", true},
		"the end taken away":              {`delete from audit_events where seq > 6`, "truncated at 7", true},
		"everything taken away":           {`delete from audit_events`, "truncated at 1", true},
		"one in the middle taken away":    {`delete from audit_events where seq = 5`, "removed at 5", false},
		"the first taken away":            {`delete from audit_events where seq = 1`, "removed at 1", false},
		"taken away and renumbered":       {`delete from audit_events where seq = 5; update audit_events set seq = seq - 1 where seq > 5`, "reordered at 5", false},
		"two swapped":                     {`update audit_events set seq = 1000 where seq = 3; update audit_events set seq = 3 where seq = 7; update audit_events set seq = 7 where seq = 1000`, "reordered at 3", false},
		"contents of two swapped":         {`update audit_events a set user_id = b.user_id from audit_events b where (a.seq, b.seq) in ((3, 7), (7, 3))`, "changed at 3", false},
		"one put in":                      {shift + forged, "changed at 5", false},
		"one put in and sealed":           {shift + forged + sealed("seq = 5"), "inserted at 6", false},
		"one changed and sealed":          {`update audit_events set allowed = false where seq = 5; ` + sealed("seq = 5"), "inserted at 6", false},
		"the last changed and sealed":     {`update audit_events set allowed = false where seq = 10; ` + sealed("seq = 10"), "rewritten at 10", true},
		"one below the first":             {`insert into audit_events select (x).* from (select jsonb_populate_record(a, '{"seq": -3, "id": "` + uuid.NewString() + `"}') as x from audit_events a where seq = 1) y`, "inserted at -3", false},
		"another tenant's put in its own": {`update audit_events set tenant_id = (select id from tenants where id <> tenant_id limit 1) where seq > 4`, "truncated at 5", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, 2)
			h.fill(t, 10)
			before := h.verify(t, nil)
			if before.Break != nil || before.Seq != 10 {
				t.Fatalf("%+v", before)
			}
			h.tamper(t, one.sql)
			if got := describe(h.verify(t, &before.Head)); got != one.want {
				t.Errorf("%s, want %s", got, one.want)
			}
			if got := describe(h.verify(t, nil)); (got == "whole") != (one.want == "whole" || one.needsNoted) {
				t.Errorf("without what was noted: %s", got)
			}
		})
	}
}

// tamper runs statements with nothing in the way: no trigger, no constraint.
func (h *house) tamper(t *testing.T, sql string) {
	t.Helper()
	h.exec(t, `alter table audit_events drop constraint audit_events_seq_check; alter table audit_events disable trigger all; `+sql+
		`; alter table audit_events enable trigger all`)
}

// Every column is part of the hash: whichever is changed is found.
func TestEveryColumnIsSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	recorder := h.recorder(t, audit.Config{})
	event := write(h.ids[0])
	event.KeyID, event.KeyPrefix, event.Credential = uuid.New(), "pk_12345678", "api_key"
	if err := recorder.Decided(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	recorder.Answered(event, 200)
	recorder.Close()
	rows, err := h.pool.Query(t.Context(), `select attname::text, format_type(atttypid, null) from pg_attribute
		where attrelid = 'audit_events'::regclass and attnum > 0 and not attisdropped order by attnum`)
	if err != nil {
		t.Fatal(err)
	}
	type column struct{ Name, Type string }
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil || len(columns) < 20 {
		t.Fatal(len(columns), err)
	}
	others := map[string]string{"uuid": `gen_random_uuid()`, "text": `'another'`, "boolean": `not %s`, "bigint": `3`, "smallint": `418`,
		"bytea": `sha256('x')`, "timestamp with time zone": `%s + interval '1 microsecond'`}
	h.exec(t, `alter table audit_events disable trigger all; alter table audit_events drop constraint audit_events_kind_check, drop constraint audit_events_check`)
	for _, one := range columns {
		if one.Name == "tenant_id" {
			continue // the row is then of another log, and missing in this one
		}
		for _, change := range []string{fmt.Sprintf(strings.ReplaceAll(others[one.Type], "%s", "%[1]s")+"%[2]s", one.Name, ""), "null"} {
			var notNull bool
			if err := h.pool.QueryRow(t.Context(), `select attnotnull from pg_attribute where attrelid = 'audit_events'::regclass and attname = $1`, one.Name).Scan(&notNull); err != nil {
				t.Fatal(err)
			}
			if change == "null" && notNull {
				continue
			}
			h.exec(t, `create table kept as select * from audit_events`)
			h.exec(t, `update audit_events set `+one.Name+` = `+change+` where seq = 2`)
			if chain := h.verify(t, nil); chain.Break == nil {
				t.Errorf("%s = %s is not found", one.Name, change)
			}
			h.exec(t, `delete from audit_events; insert into audit_events select * from kept; drop table kept`)
			if chain := h.verify(t, nil); chain.Break != nil {
				t.Fatalf("restored wrongly after %s: %s", one.Name, describe(chain))
			}
		}
	}
}

// A chain longer than one batch, with a break far behind its beginning.
func TestLongChains(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	h.exec(t, `insert into audit_events (tenant_id, id, kind, operation, allowed, write, reason, rule, policy_revision, user_id, credential, request_id, client_address)
		select $1, gen_random_uuid(), 'decision', 'x.y', true, true, 'allowed', 'r', 'v', gen_random_uuid(), 'token', '', '' from generate_series(1, 3000)`, h.ids[0])
	chain := h.verify(t, nil)
	if chain.Break != nil || chain.Seq != 3000 {
		t.Fatal(describe(chain))
	}
	noted := audit.Head{Seq: 2000, Hash: h.hash(t, 2000)}
	if chain := h.verify(t, &noted); chain.Break != nil {
		t.Error(describe(chain))
	}
	h.tamper(t, `delete from audit_events where seq = 2000`)
	if got := describe(h.verify(t, &noted)); got != "removed at 2000" {
		t.Error(got)
	}
}

func (h *house) hash(t *testing.T, seq int) string {
	t.Helper()
	var hash []byte
	if err := h.pool.QueryRow(t.Context(), `select hash from audit_events where seq = $1`, seq).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(hash)
}

func TestVerifyAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 3)
	h.fill(t, 3)
	recorder := h.recorder(t, audit.Config{})
	if err := recorder.Decided(t.Context(), write(h.ids[1])); err != nil {
		t.Fatal(err)
	}
	missing := uuid.New()
	noted := map[uuid.UUID]audit.Head{missing: {Seq: 4, Hash: strings.Repeat("0", 64)}, h.ids[0]: {Seq: 2, Hash: h.hashOf(t, h.ids[0], 2)}}
	found := map[uuid.UUID]string{}
	err := audit.VerifyAll(t.Context(), h.tenants, h.system, noted, func(chain audit.Chain) error {
		found[chain.TenantID] = fmt.Sprint(describe(chain), " ", chain.Seq)
		return nil
	})
	want := map[uuid.UUID]string{h.ids[0]: "whole 3", h.ids[1]: "whole 1", missing: "truncated at 1 0"}
	if err != nil || fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("%v %v, want %v", found, err, want)
	}
}

func (h *house) hashOf(t *testing.T, tenantID uuid.UUID, seq int) string {
	t.Helper()
	var hash []byte
	if err := h.pool.QueryRow(t.Context(), `select hash from audit_events where tenant_id = $1 and seq = $2`, tenantID, seq).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(hash)
}

// What somebody can do who has got hold of the program's own roles: add events at the end, and nothing else.
func TestRuntimeRolesCannotRewrite(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	h.fill(t, 5)
	before := h.verify(t, nil)
	app := h.open(t, pgtest.App)
	const insert = `insert into audit_events (tenant_id, seq, id, inserted_at, kind, operation, allowed, write, reason, rule, policy_revision, user_id, credential,
		request_id, client_address, previous_hash, hash) select $1::uuid, 1, gen_random_uuid(), '2001-01-01', 'decision', 'x.y', true, true, 'allowed', 'r', 'v',
		gen_random_uuid(), %s, '', '', sha256('a'), sha256('b') `
	plain := fmt.Sprintf(insert, `'token'`)
	own := pipeline.Settings{TenantID: h.ids[0].String(), Visible: "*"}
	try := func(settings pipeline.Settings, on *pipeline.Targets, statements ...string) error {
		return on.Write(t.Context(), settings, func(ctx context.Context, tx *pipeline.Tx) error {
			for _, statement := range statements {
				var args []any
				if strings.Contains(statement, "$1") {
					args = append(args, h.ids[0])
				}
				if _, err := tx.Exec(ctx, statement, args...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	// Chosen numbers, moments and hashes are not taken over.
	if err := try(own, app, plain); err != nil {
		t.Fatal(err)
	}
	if chain := h.verify(t, &before.Head); chain.Break != nil || chain.Seq != 6 {
		t.Fatal(describe(chain))
	}
	if h.count(t, `inserted_at < now() - interval '1 day'`) != 0 {
		t.Error("an event was dated back")
	}
	other := pipeline.Settings{TenantID: h.ids[1].String(), Visible: "*"}
	system, superuser := h.open(t, pgtest.System), h.open(t, pgtest.Superuser)
	nobody := pipeline.Settings{Visible: "*"}
	inScope := func(scope string) pipeline.Settings {
		return pipeline.Settings{TenantID: h.ids[0].String(), Visible: "{}", System: scope}
	}
	const denied, taken, quietly = "42501", "23505", ""
	moving := strings.Replace(fmt.Sprintf(insert, `case n when 2 then set_config('app.tenant_id', '`+h.ids[1].String()+`', true) else 'token' end`),
		"sha256('b') ", "sha256('b') from generate_series(1, 2) n", 1)
	for name, one := range map[string]struct {
		err  error
		want string // SQLSTATE; quietly: it runs and does nothing
	}{
		"update":                    {try(own, app, `update audit_events set allowed = false`), denied},
		"delete":                    {try(own, app, `delete from audit_events`), denied},
		"truncate":                  {try(own, app, `truncate audit_events`), denied},
		"no trigger":                {try(own, app, `alter table audit_events disable trigger all`), denied},
		"replica":                   {try(own, app, `set local session_replication_role = replica`), denied},
		"update on conflict":        {try(own, app, plain+`on conflict (tenant_id, seq) do update set allowed = false`), denied},
		"another tenant":            {try(other, app, plain), denied},
		"an old snapshot":           {h.inOldSnapshot(t, own, app, plain), taken},
		"a setting that changes":    {try(own, app, moving), taken},
		"system without a scope":    {try(inScope(""), system, `delete from audit_events where tenant_id = $1`), quietly},
		"system in scope audit":     {try(inScope("audit"), system, `delete from audit_events where tenant_id = $1`), quietly},
		"system in another scope":   {try(inScope("upkeep"), system, `delete from audit_events where tenant_id = $1`), quietly},
		"a tenant that is not gone": {try(inScope("deletion"), system, `delete from audit_events where tenant_id = $1`), quietly},
		"a change in its deletion":  {try(inScope("deletion"), system, `update audit_events set allowed = false where tenant_id = $1`), denied},
		"the owner by mistake":      {try(nobody, superuser, `update audit_events set allowed = false`), denied},
		"the owner empties it":      {try(nobody, superuser, `truncate audit_events`), denied},
		"the tenant's row":          {try(nobody, superuser, `delete from tenants where id = $1`), "23503"},
	} {
		code := ""
		var refused *pgconn.PgError
		if errors.As(one.err, &refused) {
			code = refused.Code
		}
		if code != one.want || one.err != nil && refused == nil {
			t.Errorf("%s: %v, want %q", name, one.err, one.want)
		}
	}
	if chain := h.verify(t, &before.Head); chain.Break != nil || chain.Seq != 6 {
		t.Error(describe(chain))
	}
	// A table of the same name that comes first in the search path changes nothing for the trigger.
	if err := try(own, app, `create temporary table audit_events (like public.audit_events)`, strings.Replace(plain, "into audit_events", "into public.audit_events", 1)); err != nil {
		t.Fatal(err)
	}
	if chain := h.verify(t, &before.Head); chain.Break != nil || chain.Seq != 7 {
		t.Error(describe(chain))
	}
	h.exec(t, `update tenants set deleted_at = now() where id = $1`, h.ids[0])
	if err := try(inScope("deletion"), system, `delete from audit_events where tenant_id = $1`); err != nil || h.count(t, `true`) != 0 {
		t.Error("the deletion of a tenant does not remove its log:", err)
	}
}

func (h *house) open(t *testing.T, role string) *pipeline.Targets {
	t.Helper()
	targets, err := pipeline.Open(t.Context(), pipeline.Config{URL: h.db.URL(role), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(targets.Close)
	return targets
}

// inOldSnapshot inserts in a transaction that does not see the last event: it has to fail rather than to fork the chain.
func (h *house) inOldSnapshot(t *testing.T, settings pipeline.Settings, app *pipeline.Targets, insert string) error {
	t.Helper()
	return app.Write(t.Context(), settings, func(ctx context.Context, tx *pipeline.Tx) error {
		if _, err := tx.Exec(ctx, `rollback`); err != nil {
			return err
		}
		for _, statement := range []string{`begin isolation level repeatable read`, `select set_config('app.tenant_id', '` + settings.TenantID + `', true)`,
			`select count(*) from audit_events`} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		if _, err := h.pool.Exec(ctx, insert, h.ids[0]); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Exec(ctx, insert, h.ids[0])
		h.exec(t, `alter table audit_events disable trigger all`)
		h.exec(t, `delete from audit_events where seq > 6`)
		h.exec(t, `alter table audit_events enable trigger all`)
		return err
	})
}
