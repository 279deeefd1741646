package accounting

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/deletion"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// goesAlong are the tables of tenants whose rows are few, because people make each by hand or they are soon purged, and which hang
// off the tenant or off what is erased in batches. Every other table needs wall.admit_deletion.
var goesAlong = map[string]string{
	"memberships":                    "ended by the request that deletes the tenant",
	"role_users":                     "goes with memberships",
	"roles":                          "made by hand",
	"role_provider_groups":           "goes with roles",
	"provider_groups":                "made by hand",
	"provider_group_providers":       "goes with providers",
	"provider_group_tags":            "goes with provider_groups, which have few",
	"provider_secrets":               "one a provider, goes with it",
	"schedules":                      "one a provider, goes with it",
	"resource_counts":                "one a provider, goes with it",
	"invitations":                    "made by hand",
	"invitation_roles":               "goes with invitations",
	"api_keys":                       "made by hand",
	"processors":                     "one of a type in a tenant",
	"mute_rules":                     "made by hand",
	"scan_recounts":                  "goes with scans, and is soon gone",
	"compliance_frameworks":          "made by hand",
	"compliance_framework_revisions": "made by hand, goes with compliance_frameworks",
	"compliance_watchlist":           "made by hand",
	"saml_configurations":            "one a tenant",
	"saml_requests":                  "purged when they expire",
	"saml_assertions":                "purged when they expire",
	"saml_tokens":                    "purged when they expire",
}

// forgotten are the tables of tenants for which nobody has said how their rows go when a tenant is deleted.
func forgotten(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select erasable_tables()`)
	if err != nil {
		t.Fatal(err)
	}
	erasable, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range tables(t, pool) {
		if one.has("tenant_id") && goesAlong[one.name] == "" && !slices.Contains(erasable, one.name) {
			names = append(names, one.name)
		}
	}
	return names
}

// TestDeletionForgetsNoTable: the rows of every table go when a tenant is deleted, and somebody has thought of how.
func TestDeletionForgetsNoTable(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t, pgtest.Superuser)
	if names := forgotten(t, pool); len(names) > 0 {
		t.Errorf("nothing erases %v: call wall.admit_deletion, or say in goesAlong why not", names)
	}
	known := tables(t, pool)
	for name := range goesAlong {
		if !slices.ContainsFunc(known, func(one table) bool { return one.name == name }) {
			t.Errorf("goesAlong names %s, which is no table", name)
		}
	}
	if _, err := pool.Exec(t.Context(), `create table lamps (tenant_id uuid, id uuid, primary key (tenant_id, id))`); err != nil {
		t.Fatal(err)
	}
	if names := forgotten(t, pool); !slices.Equal(names, []string{"lamps"}) {
		t.Errorf("forgotten is %v, want the new table", names)
	}
}

// TestDeletionLeavesNothing deletes an organisation that has rows in every table: none of them is left, in any table, and the rows
// of the other one are as they were.
func TestDeletionLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(tenant string) map[string]string {
		found := make(map[string]string)
		for _, one := range tables(t, w.pool) {
			if !one.has("tenant_id") {
				continue
			}
			var count, digest string
			err := w.pool.QueryRow(t.Context(), fmt.Sprintf(`select count(*)::text, coalesce(md5(string_agg(x::text, '' order by x::text)), '')
				from %s x where tenant_id = $1`, pgx.Identifier{one.name}.Sanitize()), tenant).Scan(&count, &digest)
			if err != nil {
				t.Fatal(err)
			}
			if count != "0" {
				found[one.name] = count + " " + digest
			}
		}
		return found
	}
	before := of(w.bob.Tenant)
	if there := of(w.ada.Tenant); len(there) != len(before) {
		t.Fatalf("the tenants have rows in %d and %d tables: they prove nothing", len(there), len(before))
	}
	// Rows that only fill a table may hang off nothing, as no real row does; those are not what deletion is about.
	w.unchecked(t, `delete from saml_tokens where tenant_id = $1 and not exists (select from memberships m where m.tenant_id = saml_tokens.tenant_id and m.user_id = saml_tokens.user_id)`, w.ada.Tenant)
	w.ada.Delete(t, "/tenants/"+w.ada.Tenant).Want(t, 204)
	eraser := deletion.New(w.server.App.System, nil, slog.New(slog.DiscardHandler))
	for done := false; !done; {
		var err error
		if done, err = eraser.Erase(t.Context(), uuid.MustParse(w.ada.Tenant)); err != nil {
			t.Fatal(err)
		}
	}
	if left := of(w.ada.Tenant); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	after := of(w.bob.Tenant)
	for name := range maps.Keys(before) {
		if before[name] != after[name] {
			t.Errorf("%s of the other tenant was %s and is %s", name, before[name], after[name])
		}
	}
}
