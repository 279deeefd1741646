package migrate_test

import (
	"io/fs"
	"testing"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/migrations"
)

// TestFindingsKeepTheirResources: findings of two organisations, in two months, keep all they had and what they are about when the
// migration puts the resource into them, and again when it is reverted.
func TestFindingsKeepTheirResources(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner, pool := db.URL(pgtest.Owner), db.Pool(t, pgtest.Superuser)
	files, err := fs.Glob(migrations.FS, "[0-9]*.sql")
	if err != nil {
		t.Fatal(err)
	}
	since := 0
	for _, file := range files {
		if file >= "0034" {
			since++
		}
	}
	down := func() {
		t.Helper()
		if err := migrate.Down(t.Context(), owner, migrations.FS, since, nil); err != nil {
			t.Fatal(err)
		}
	}
	read := func(query string) (text string) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), query).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	down()
	for _, statement := range []string{
		`insert into tenants (id, name) select md5('tenant ' || i)::uuid, 'Tenant ' || i from generate_series(1, 2) i`,
		`insert into providers (tenant_id, id, provider, uid) select t.id, t.id, 'aws', '123456789012' from tenants t`,
		`insert into scans (tenant_id, id, provider_id, trigger, state) select t.id, t.id, t.id, 'manual', 'completed' from tenants t`,
		`insert into resources (tenant_id, id, provider_id, uid, name, region, service, type)
			select t.id, md5(t.id::text || i)::uuid, t.id, 'resource ' || i, '', '', '', '' from tenants t cross join generate_series(0, 2) i`,
		`insert into findings (tenant_id, id, provider_id, scan_id, check_metadata_id, uid_hash, inserted_at, updated_at, first_seen_at, muted_at,
				muted, status, severity, delta, uid, check_id, status_extended, region, service, resource_type, resource_group, muted_reason, raw_result)
			select t.id, (left(uuidv7_floor(now() - i % 2 * interval '1 month')::text, 24) || lpad(to_hex(i), 12, '0'))::uuid, t.id, t.id, t.id, i, now(), now(),
				now() - interval '1 day', case when i % 3 = 0 then now() end, i % 3 = 0, (array['FAIL', 'PASS', 'MANUAL'])[1 + i % 3], 'high', 'new', 'uid ' || i,
				'check', 'What ' || i, 'eu-west-1', 's3', 'bucket', 'storage', case when i % 3 = 0 then 'Known' end, jsonb_build_object('i', i)
			from tenants t cross join generate_series(1, 30) i`,
		`insert into resource_finding_mappings (tenant_id, provider_id, finding_id, resource_id)
			select f.tenant_id, f.provider_id, f.id, md5(f.tenant_id::text || f.uid_hash % 3)::uuid from findings f`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
	const content = `select md5(string_agg((to_jsonb(f) - 'resource_id')::text, '' order by f.tenant_id, f.id)) from findings f`
	const wrong = `select count(*)::text from findings f where f.resource_id <> md5(f.tenant_id::text || f.uid_hash % 3)::uuid`
	before := read(content)
	for range 2 {
		if err := migrate.Up(t.Context(), owner, migrations.FS, nil); err != nil {
			t.Fatal(err)
		}
		if read(content) != before || read(wrong) != "0" || read(`select count(distinct tableoid)::text || count(*) from findings`) != "260" {
			t.Error("findings are not what they were, or about something else")
		}
		down()
		if read(content) != before || read(`select count(*)::text from resource_finding_mappings m join findings f on f.tenant_id = m.tenant_id
				and f.id = m.finding_id and f.provider_id = m.provider_id where m.resource_id = md5(f.tenant_id::text || f.uid_hash % 3)::uuid`) != "60" {
			t.Error("reverted, findings are not what they were, or about something else")
		}
	}
	if months := read(`select count(*)::text from finding_months() m where to_regclass('resource_finding_mappings_' || to_char(m, 'YYYY_MM')) is null`); months != "0" {
		t.Errorf("%s months have no partition", months)
	}
}
