package ingest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/recount"
)

// noAggregates are tables whose keys begin with a scan though scans are not summed up in them, and why they are there.
var noAggregates = map[string]string{}

// TestAggregatesAreAllKnown: a table of aggregates that nobody named is neither verified nor made for scans that completed before.
func TestAggregatesAreAllKnown(t *testing.T) {
	t.Parallel()
	rows, err := pgtest.New(t).Pool(t, pgtest.Superuser).Query(t.Context(), `select scan_aggregates()`)
	if err != nil {
		t.Fatal(err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, one := range ingest.Aggregates() {
		known = append(known, one.Table)
		if !slices.Contains(there, one.Table) {
			t.Errorf("the key of %s does not begin with tenant_id and scan_id, so nothing removes its rows", one.Table)
		}
	}
	for _, table := range there {
		if !slices.Contains(known, table) && noAggregates[table] == "" {
			t.Errorf("%s is not in the list of aggregates in recount.go: name it there with the next version", table)
		}
	}
}

// TestVerifyFindsWhatIsWrong spoils every table that scans are summed up in, in every way, and mends it by a recount.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	pool := server.DB.Pool(t, pgtest.Superuser)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, "111111111111", "Hers")
	ada.Ingest(t, ocsftest.File{Account: "111111111111", Findings: 60})
	scan := ada.Ingest(t, ocsftest.File{Account: "111111111111", Findings: 80})
	service := recount.New(server.App.Tenants, server.App.System, nil, nil)
	selected := recount.Selection{Tenant: uuid.MustParse(ada.Tenant), Provider: uuid.MustParse(provider)}
	verify := func() map[string]ingest.Difference {
		t.Helper()
		found := make(map[string]ingest.Difference)
		sum, err := service.Verify(t.Context(), selected, func(one recount.Outcome) error {
			if one.Scan.String() != scan {
				t.Errorf("scan %s differs: %+v", one.Scan, one.Differences)
			}
			for _, difference := range one.Differences {
				found[difference.Table] = difference
			}
			return nil
		})
		if err != nil || sum.Scans != 2 || (sum.Differ > 0) != (len(found) > 0) {
			t.Fatalf("%+v, %v", sum, err)
		}
		return found
	}
	if found := verify(); len(found) > 0 {
		t.Fatalf("just stored, and different: %v", found)
	}
	filled := 0
	for _, one := range ingest.Aggregates() {
		var rows, gone int
		if err := pool.QueryRow(t.Context(), fmt.Sprintf(`select count(*) from %s where scan_id = $1`, one.Table), scan).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows == 0 {
			continue
		}
		filled++
		err := pool.QueryRow(t.Context(), fmt.Sprintf(`with gone as (delete from %s where ctid in (select ctid from %[1]s where scan_id = $1 limit 2) returning 1)
			select count(*) from gone`, one.Table), scan).Scan(&gone)
		if err != nil {
			t.Fatal(err)
		}
		if found := verify(); len(found) != 1 || found[one.Table] != (ingest.Difference{Table: one.Table, Stored: rows - gone, Missing: gone}) {
			t.Errorf("%d rows of %s are missing: %v", gone, one.Table, found)
		}
		if sum, err := service.All(t.Context(), recount.Selection{Scan: uuid.MustParse(scan)}); err != nil || sum.Scans != 1 {
			t.Fatal(sum, err)
		}
		if found := verify(); len(found) > 0 {
			t.Fatalf("counted again, and different: %v", found)
		}
	}
	if filled < 3 {
		t.Errorf("only %d tables have rows of the scan: the test proves little", filled)
	}
	for statement, want := range map[string]ingest.Difference{
		`update scan_summaries set fail = fail + 1 where scan_id = $1`:                                                                                                   {Table: "scan_summaries"},
		`update scans set last_finding_id = first_finding_id where id = $1`:                                                                                              {Table: "scans", Stored: 1, Wrong: 1, Missing: 1},
		`update resources set failed_findings_count = 77 where provider_id = (select provider_id from scans where id = $1) and id in (select id from resources limit 1)`: {Table: "resources"},
	} {
		if _, err := pool.Exec(t.Context(), statement, scan); err != nil {
			t.Fatal(err)
		}
		found := verify()
		if one := found[want.Table]; len(found) != 1 || one.Wrong == 0 && one.Missing == 0 || want.Stored > 0 && one != want {
			t.Errorf("%s: %v", statement, found)
		}
		if _, err := service.All(t.Context(), selected); err != nil {
			t.Fatal(err)
		}
		if found := verify(); len(found) > 0 {
			t.Fatalf("%s: counted again, and different: %v", statement, found)
		}
	}
	if _, err := service.All(t.Context(), recount.Selection{Scan: uuid.New()}); err != recount.ErrNone {
		t.Errorf("a scan that is not there: %v", err)
	}
}
