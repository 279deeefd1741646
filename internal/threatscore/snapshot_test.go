package threatscore_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/threatscore"
)

func row(score, earlier string, findings int64, requirements, manual int32, sections, critical string) tenantdb.ListThreatScoresRow {
	return tenantdb.ListThreatScoresRow{OverallScore: score, EarlierScore: earlier, TotalFindings: findings, TotalRequirements: requirements,
		ManualRequirements: manual, SectionScores: json.RawMessage(sections), CriticalRequirements: json.RawMessage(critical),
		InsertedAt: time.Unix(findings, 0)}
}

// TestChangesAreExact: 85.1 - 85.05 is 0.05, not what floats make of it.
func TestChangesAreExact(t *testing.T) {
	t.Parallel()
	for _, test := range [][3]string{{"85.10", "85.05", "0.05"}, {"0.00", "100.00", "-100.00"}, {"33.33", "33.33", "0.00"}, {"10.10", "10.20", "-0.10"}} {
		if got := threatscore.Read(row(test[0], test[1], 1, 1, 0, `{}`, `[]`)).Delta; got == nil || *got != test[2] {
			t.Errorf("%s after %s: %v, want %s", test[0], test[1], got, test[2])
		}
	}
	if got := threatscore.Read(row("1.00", "", 1, 1, 0, `{}`, `[]`)).Delta; got != nil {
		t.Errorf("the first snapshot has a change: %s", *got)
	}
}

// TestTogether holds the score of several providers against figures that were worked out by hand.
func TestTogether(t *testing.T) {
	t.Parallel()
	entry := func(id, risk, weight, title string) string {
		return `{"requirement_id":"` + id + `","title":"` + title + `","section":"","subsection":"","risk_level":` + risk + `,"weight":` + weight +
			`,"passed_findings":1,"total_findings":2,"description":""}`
	}
	one := threatscore.Read(row("50.00", "40.00", 3, 10, 2, `{"A":50.00,"B":0.01}`, "["+entry("1", "4", "10", "a")+","+entry("2", "5", "1", "b")+"]"))
	// Without findings its requirements count, 8 of them.
	two := threatscore.Read(row("80.00", "", 0, 10, 2, `{"B":0.02}`, "["+entry("1", "4", "100", "c")+"]"))
	// Without those it counts as one.
	three := threatscore.Read(row("0.00", "12.00", 0, 4, 4, `{}`, `[]`))
	all, err := threatscore.Together([]threatscore.Snapshot{one, two, three})
	if err != nil {
		t.Fatal(err)
	}
	// (50*3 + 80*8 + 0*1) / 12 = 65.8333; changes (10*3 - 12*1) / 4 = 4.5; B (0.01*3 + 0.02*8) / 11 = 0.01727
	if all.Overall != "65.83" || all.Delta == nil || *all.Delta != "4.50" || string(all.Sections) != `{"A":"50.00","B":"0.02"}` {
		t.Errorf("scores %s %v %s", all.Overall, all.Delta, all.Sections)
	}
	if want := "[" + entry("2", "5", "1", "b") + "," + entry("1", "4", "100", "c") + "]"; string(all.Critical) != want {
		t.Errorf("critical %s, want %s", all.Critical, want)
	}
	if all.ScanID != nil || all.ComplianceID != "prowler_threatscore_overview" || all.Total != 3 || all.Requirements.Total != 24 || all.Requirements.Manual != 8 ||
		!all.InsertedAt.Equal(time.Unix(3, 0)) {
		t.Errorf("numbers %+v", all)
	}
	if all, err = threatscore.Together([]threatscore.Snapshot{two, two}); err != nil || all.Delta != nil {
		t.Errorf("without earlier scores: %v %v", all.Delta, err)
	}
}

// TestTogetherIsExactForAnyNumbers: scores that are no hundredths, weights that are large and negative changes are added up exactly.
func TestTogetherIsExactForAnyNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want, delta, section string
		rows                       []tenantdb.ListThreatScoresRow
	}{
		{"thirds of a hundredth", "33.34", "", "0.01", []tenantdb.ListThreatScoresRow{
			row("33.335", "", 1, 1, 0, `{"A":0.005}`, `[]`), row("33.335", "", 1, 1, 0, `{"A":0.005}`, `[]`)}},
		{"whole numbers", "12.50", "-0.25", "100.00", []tenantdb.ListThreatScoresRow{
			row("5", "5.5", 1, 1, 0, `{"A":100}`, `[]`), row("20.0", "20", 1, 1, 0, `{"A":1e2}`, `[]`)}},
		{"near zero", "0.00", "-0.50", "0.00", []tenantdb.ListThreatScoresRow{
			row("0", "0.50", 7, 1, 0, `{"A":0}`, `[]`), row("0.00", "0.5", 8, 1, 0, `{"A":0.00}`, `[]`)}},
		{"large weights", "100.00", "0.00", "99.99", []tenantdb.ListThreatScoresRow{
			row("100.00", "100.00", 1<<62, 1, 0, `{"A":99.99}`, `[]`), row("100.00", "100.00", 1<<62, 1, 0, `{"A":99.99}`, `[]`)}},
	} {
		var snapshots []threatscore.Snapshot
		for _, one := range test.rows {
			snapshots = append(snapshots, threatscore.Read(one))
		}
		for range 2 { // read, and remembered
			all, err := threatscore.Together(snapshots)
			if err != nil || all.Overall != test.want || string(all.Sections) != `{"A":"`+test.section+`"}` {
				t.Errorf("%s: %s %s (%v)", test.name, all.Overall, all.Sections, err)
			}
			if delta := all.Delta; (delta == nil) != (test.delta == "") || delta != nil && *delta != test.delta {
				t.Errorf("%s: the change is %v, want %q", test.name, delta, test.delta)
			}
		}
	}
}

// TestCriticalRequirementsOfAnyWeight: weights that are no whole numbers are ordered too.
func TestCriticalRequirementsOfAnyWeight(t *testing.T) {
	t.Parallel()
	entry := func(id, risk, weight string) string {
		return `{"requirement_id":"` + id + `","risk_level":` + risk + `,"weight":` + weight + `}`
	}
	one := threatscore.Read(row("1.00", "", 1, 1, 0, `{}`, "["+entry("a", "4", "10.5")+","+entry("b", "4.5", "1")+","+entry("c", "10", "1")+"]"))
	two := threatscore.Read(row("1.00", "", 1, 1, 0, `{}`, "["+entry("a", "4", "9")+","+entry("d", "4.0", "11")+"]"))
	all, err := threatscore.Together([]threatscore.Snapshot{two, one})
	if err != nil {
		t.Fatal(err)
	}
	var critical []threatscore.Critical
	if err := json.Unmarshal(all.Critical, &critical); err != nil || len(critical) != 4 {
		t.Fatal(err, len(critical))
	}
	for i, want := range []string{"c", "b", "d", "a"} {
		if critical[i].RequirementID != want {
			t.Errorf("%d is %+v, want %s", i, critical[i], want)
		}
	}
}
