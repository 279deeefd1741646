package accounting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
)

// TestTheWallOfEveryTable reads every table as the app role under every setting, good and bad.
func TestTheWallOfEveryTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, err := pipeline.Open(t.Context(), pipeline.Config{URL: w.server.DB.URL(pgtest.App), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	providerTables := 0
	for _, one := range tables(t, w.pool) {
		if !one.has("tenant_id") {
			continue
		}
		t.Run(one.name, func(t *testing.T) {
			name := pgx.Identifier{one.name}.Sanitize()
			tenants := func(tenant, visible string) ([]string, error) {
				return collect(t, app, tenant, visible, `select distinct tenant_id::text from `+name)
			}
			for _, nobody := range []string{"", uuid.Nil.String(), uuid.NewString()} {
				if got, err := tenants(nobody, "*"); err != nil || len(got) != 0 {
					t.Errorf("tenant %q: %v, %v", nobody, got, err)
				}
			}
			for _, tenant := range []string{w.ada.Tenant, w.bob.Tenant} {
				if got, err := tenants(tenant, "*"); err != nil || !slices.Equal(got, []string{tenant}) {
					t.Errorf("tenant %q: %v, %v", tenant, got, err)
				}
			}
			for _, garbage := range []string{"*", "all", "' or true --", w.ada.Tenant + "," + w.bob.Tenant} {
				if got, err := tenants(garbage, "*"); err == nil && len(got) != 0 {
					t.Errorf("tenant %q shows %v", garbage, got)
				}
			}
			if one.provider() == "" {
				return
			}
			providers := func(visible string) ([]string, error) {
				return collect(t, app, w.ada.Tenant, visible, `select distinct `+one.provider()+`::text from `+name+` where `+one.provider()+` is not null order by 1`)
			}
			all := []string{w.open.String(), w.hidden.String()}
			slices.Sort(all)
			good := map[string][]string{"{}": nil, "": nil, "*": all, "{" + w.open.String() + "}": {w.open.String()}, "{" + w.theirs.String() + "}": nil,
				"{NULL}": nil, "{" + w.hidden.String() + "," + w.theirs.String() + "}": {w.hidden.String()}}
			for visible, want := range good {
				if got, err := providers(visible); err != nil || !slices.Equal(got, want) {
					t.Errorf("visible %q: %v, %v; want %v", visible, got, err, want)
				}
			}
			for _, garbage := range []string{"**", " *", "* ", "{*}", "all", "true", "null", "{", "}", "{" + w.hidden.String(), w.hidden.String(),
				"{" + w.hidden.String() + "},*", "{{}}", "%", "'*'", "{\"*\"}", "{x}"} {
				if got, err := providers(garbage); err == nil && len(got) != 0 {
					t.Errorf("visible %q shows %v", garbage, got)
				}
			}
			providerTables++
			// Nobody moves or makes a row behind the wall: neither into another tenant nor onto a hidden provider.
			for _, change := range []string{
				fmt.Sprintf(`update %s set tenant_id = '%s'`, name, w.bob.Tenant),
				fmt.Sprintf(`update %s set %s = '%s'`, name, one.provider(), w.hidden),
				fmt.Sprintf(`insert into %s (%s) select %s from %[1]s`, name, one.names(), moved(one, one.provider(), w.hidden.String())),
				fmt.Sprintf(`insert into %s (%s) select %s from %[1]s`, name, one.names(), moved(one, "tenant_id", w.bob.Tenant)),
			} {
				err := app.Write(t.Context(), pipeline.Settings{TenantID: w.ada.Tenant, Visible: "{" + w.open.String() + "}"}, exec(change))
				if code(err) != "42501" {
					t.Errorf("%s: %v, want a refusal by the wall", change, err)
				}
			}
		})
	}
	for tenant, want := range map[string][]string{"": nil, uuid.NewString(): nil, w.bob.Tenant: {w.bob.User}} {
		if got, err := collect(t, app, tenant, "*", `select id::text from users`); err != nil || !slices.Equal(got, want) {
			t.Errorf("people of tenant %q: %v, %v", tenant, got, err)
		}
	}
	for tenant, want := range map[string][]string{"": nil, uuid.NewString(): nil, w.bob.Tenant: {w.bob.Tenant}} {
		if got, err := collect(t, app, tenant, "*", `select id::text from tenants`); err != nil || !slices.Equal(got, want) {
			t.Errorf("tenants seen by tenant %q: %v, %v", tenant, got, err)
		}
	}
	for _, forbidden := range []string{`select password from users`, `select id from spent_refresh_tokens`, `select id from worker_leases`,
		`delete from users returning name`, `insert into tenants (id, name) values (gen_random_uuid(), 'x') returning name`, `delete from tenants returning name`,
		`insert into catalogue_checks (provider, check_id, engine_version, content) values ('a', 'b', 'c', '{}') returning check_id`,
		`create table x (y text)`, `alter table roles disable row level security`, `set role palisade_owner`, `copy roles from program 'true'`,
		`select wall.protect('roles')`, `truncate roles`} {
		if err := app.Write(t.Context(), pipeline.Settings{TenantID: w.bob.Tenant, Visible: "*"}, exec(forbidden)); err == nil {
			t.Errorf("the app role may: %s", forbidden)
		}
	}
	if providerTables < 10 {
		t.Errorf("only %d tables about providers: the look-up is wrong", providerTables)
	}
}

// moved lists the columns of a table with the value of one replaced.
func moved(one table, column, value string) string {
	text := ""
	for i, c := range one.columns {
		if i > 0 {
			text += ", "
		}
		if c.name == column {
			text += "'" + value + "'::uuid"
		} else {
			text += pgx.Identifier{c.name}.Sanitize()
		}
	}
	return text
}

func collect(t *testing.T, app *pipeline.Targets, tenant, visible, sql string) ([]string, error) {
	t.Helper()
	rows, err := app.Read(pipeline.Settings{TenantID: tenant, Visible: visible}).Query(t.Context(), sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// code is the SQLSTATE of a refusal by Postgres.
func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// constraint is the name of the constraint that refused a row.
func constraint(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.ConstraintName
	}
	return ""
}

// exec is a write of one statement.
func exec(sql string) func(context.Context, *pipeline.Tx) error {
	return func(ctx context.Context, tx *pipeline.Tx) error {
		_, err := tx.Exec(ctx, sql)
		return err
	}
}
