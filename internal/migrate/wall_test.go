package migrate_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// TestTheWallStands is the proof that every table of the product is behind the wall.
func TestTheWallStands(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t).URL(pgtest.App) // the catalogue is open to every role
	lines, err := migrate.AllFaults(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if _, meant := migrate.Exceptions[line]; !meant {
			t.Error(line)
		}
	}
	for line, reason := range migrate.Exceptions {
		if !slices.Contains(lines, line) {
			t.Errorf("the exception %q (%s) is not needed any more", line, reason)
		}
	}
}

// TestWallFaultsAreFound breaks the wall in every way and looks whether it is noticed.
func TestWallFaultsAreFound(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]string{
		`alter table findings disable row level security`:                                                                  "findings: row level security is not enabled",
		`alter table findings no force row level security`:                                                                 "findings: row level security is not forced",
		`drop policy tenant on findings`:                                                                                   "findings: has no tenant policy as wall.protect makes it",
		`alter policy tenant on findings with check (true)`:                                                                "findings: has no tenant policy as wall.protect makes it",
		`alter policy tenant on findings using (true)`:                                                                     "findings: its tenant policy is worded unlike the others",
		`alter policy tenant on findings to public`:                                                                        "findings: policy tenant is for everybody",
		`create policy more on findings for select to palisade_app using (true)`:                                           "findings: policy more lets palisade_app in beside the tenant policy",
		`create policy more on findings for select to palisade_system using (true)`:                                        "findings: policy more lets palisade_system in outside a scope",
		`drop policy provider_visibility on scans`:                                                                         "scans: has no provider policy as wall.protect_provider makes it",
		`drop policy provider_visibility on providers`:                                                                     "providers: has no provider policy as wall.protect_provider makes it",
		`alter policy provider_visibility on scans with check (true)`:                                                      "scans: has no provider policy as wall.protect_provider makes it",
		`create table lamps (id uuid primary key)`:                                                                         "lamps: row level security is not enabled",
		`create table lamps (tenant_id uuid, id uuid primary key)`:                                                         "lamps: key lamps_pkey does not begin with tenant_id",
		`create table lamps (tenant_id uuid, id uuid)`:                                                                     "lamps: has no primary key",
		`create index lamps on scans (inserted_at)`:                                                                        "scans: index lamps does not begin with tenant_id",
		`create unique index lamps on scans ((tenant_id is null))`:                                                         "scans: index lamps does not begin with tenant_id",
		`create table lamps (tenant_id uuid, id uuid references users, primary key (tenant_id, id))`:                       "lamps: foreign key lamps_id_fkey does not lead to the same tenant",
		`create view lamps as select * from findings`:                                                                      "public.lamps: the view does not run as its caller",
		`create materialized view lamps as select * from users`:                                                            "public.lamps: a materialised view has no row level security",
		`create function lamps() returns int language sql security definer as 'select 1'`:                                  "lamps(): runs as its owner and may be called by palisade_app",
		`create function lamps() returns int language sql security definer as 'select 2'`:                                  "lamps(): runs as its owner without a search_path of its own",
		`grant select on findings to public`:                                                                               "public.findings: everybody has SELECT",
		`grant truncate on findings to palisade_app`:                                                                       "public.findings: palisade_app has TRUNCATE",
		`grant create on schema public to palisade_app`:                                                                    "public: palisade_app may create in the schema",
		`grant usage on schema wall to palisade_system`:                                                                    "schema wall: palisade_system may use it",
		`alter table scans owner to palisade_app`:                                                                          "palisade_app: owns scans",
		`alter table river.river_job disable row level security`:                                                           "river.river_job: has no wall",
		`grant select on river.river_queue to palisade_app`:                                                                "river.river_queue: palisade_app has SELECT on a table of the queue",
		`grant select (leader_id) on river.river_leader to public`:                                                         "river.river_leader: everybody has SELECT",
		`do $$ begin perform ensure_partitions('2031-01-01', 1); grant select on findings_2031_01 to palisade_app; end $$`: "findings_2031_01: a partition is granted to palisade_app",
	} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			conn, err := pgx.Connect(t.Context(), db.URL(pgtest.Superuser))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			faults, err := migrate.WallFaults(t.Context(), db.URL(pgtest.App))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(faults, want) {
				t.Errorf("not found; found: %q", faults)
			}
		})
	}
}
