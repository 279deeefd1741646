package migrate_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/migrations"
)

// TestSchedulesOfBeforeAreDaily: what was scheduled every 24 hours before there were other schedules keeps its time of day, and
// again when the migration is reverted.
func TestSchedulesOfBeforeAreDaily(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner, pool := db.URL(pgtest.Owner), db.Pool(t, pgtest.Superuser)
	files, err := fs.Glob(migrations.FS, "[0-9]*.sql")
	if err != nil {
		t.Fatal(err)
	}
	since := 0
	for _, file := range files {
		if file >= "0024" {
			since++
		}
	}
	if err := migrate.Down(t.Context(), owner, migrations.FS, since, nil); err != nil {
		t.Fatal(err)
	}
	const tenant, provider = "10000000-0000-4000-8000-000000000000", "20000000-0000-4000-8000-000000000000"
	for _, statement := range []string{
		`insert into tenants (id, name) values ('` + tenant + `', 'Before')`,
		`insert into providers (tenant_id, id, provider, uid) values ('` + tenant + `', '` + provider + `', 'aws', '123456789012')`,
		`insert into schedules (tenant_id, id, provider_id, next_run_at) values ('` + tenant + `', gen_random_uuid(), '` + provider + `', '2026-05-04 19:41:30+05:30')`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrate.Up(t.Context(), owner, migrations.FS, nil); err != nil {
		t.Fatal(err)
	}
	var id, frequency, zone string
	var hour, minute int
	var every *int
	var next time.Time
	if err := pool.QueryRow(t.Context(), `select id, frequency, time_zone, hour, minute, every_hours, next_run_at from schedules`).
		Scan(&id, &frequency, &zone, &hour, &minute, &every, &next); err != nil {
		t.Fatal(err)
	}
	if id != provider || frequency != "daily" || zone != "UTC" || hour != 14 || minute != 11 || every != nil || !next.Equal(time.Date(2026, 5, 4, 14, 11, 30, 0, time.UTC)) {
		t.Errorf("it became %s %s %s %d:%d %v %v", id, frequency, zone, hour, minute, every, next)
	}
	if err := migrate.Down(t.Context(), owner, migrations.FS, since, nil); err != nil {
		t.Fatal(err)
	}
	if err := pool.QueryRow(t.Context(), `select every_hours from schedules`).Scan(&every); err != nil || every == nil || *every != 24 {
		t.Errorf("it went back to every %v hours: %v", every, err)
	}
}
