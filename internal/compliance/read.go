package compliance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Scan is a scan whose results are asked for.
type Scan struct {
	ID       uuid.UUID
	Provider string // type of its provider
	Counts   bool   // it completed, within the dates asked for; another one says nothing
}

// FindScan returns the scan with the id; ok is false when the scope shows none. dates restrict scans s.
func FindScan(ctx context.Context, db tenant.DB, id uuid.UUID, dates filter.Fragment) (scan Scan, ok bool, err error) {
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"scans": dates})).ChooseScan(ctx, id)
	if err != nil {
		return Scan{}, false, fmt.Errorf("find scan: %w", err)
	}
	if len(rows) == 0 {
		return Scan{}, false, nil
	}
	return Scan(rows[0]), true, nil
}

// Newest is the newest completed scan of a provider.
type Newest = tenantdb.ChooseNewestScansRow

// NewestScans returns that of each provider p that the condition leaves; dates restrict the scans s afterwards.
func NewestScans(ctx context.Context, db tenant.DB, providers, dates filter.Fragment) ([]Newest, error) {
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"providers": providers, "scans": dates})).ChooseNewestScans(ctx)
	if err != nil {
		return nil, fmt.Errorf("choose newest scans: %w", err)
	}
	return rows, nil
}

// Outcome is a set of what became of a requirement in several places.
type Outcome uint8

// What can become of a requirement in one place.
const (
	Passed Outcome = 1 << iota
	Failed
	Manual
)

// The statuses of the wire.
const (
	Pass       = "PASS"
	Fail       = "FAIL"
	ManualWork = "MANUAL"
)

// Status sums up: FAIL where it failed somewhere, PASS where it passed everywhere, else MANUAL.
func (o Outcome) Status() string {
	switch {
	case o&Failed != 0:
		return Fail
	case o == Passed:
		return Pass
	}
	return ManualWork
}

// StrictStatus is Status but for requirements that passed in one place and are manual in another: they count as failed. The
// wire's list of requirements has it that way.
func (o Outcome) StrictStatus() string {
	if o == Passed|Manual {
		return Fail
	}
	return o.Status()
}

// Result is what scans say about a framework.
type Result struct {
	ID        string // e.g. "cis_4.0_aws"
	Framework string
	Name      string
	Version   string
	Standings []Standing
}

// Standing is what scans say about a requirement.
type Standing struct {
	*Requirement
	Outcome Outcome
	checks  []string // all that serve it in one of the scans
}

// Tally counts the requirements of a result by their Status.
type Tally struct{ Passed, Failed, Manual int }

// Tally counts.
func (r *Result) Tally() (t Tally) {
	for _, standing := range r.Standings {
		switch standing.Outcome.Status() {
		case Pass:
			t.Passed++
		case Fail:
			t.Failed++
		default:
			t.Manual++
		}
	}
	return t
}

// Where chooses the places that results are about. Conditions are on the rows c of what is stored.
type Where struct {
	Regions    filter.Fragment // zero: all together
	Frameworks filter.Fragment
	Watched    bool // only the frameworks that the tenant watches, if it watches some
}

func (w Where) fragment() filter.Fragment {
	together := filter.MustCondition("c.region", filter.Exact, everywhere)
	if w.Regions.IsZero() {
		return filter.And(together, w.Frameworks)
	}
	return filter.And(filter.Not(together), w.Regions, w.Frameworks)
}

// Results are what scans say together, by framework in the order of their ids.
func Results(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where) ([]Result, error) {
	if len(scans) == 0 {
		return nil, nil
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where.fragment()})).ListCompliance(ctx,
		tenantdb.ListComplianceParams{ScanIds: scans, Watched: where.Watched})
	if err != nil {
		return nil, fmt.Errorf("list compliance: %w", err)
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.RevisionID
	}
	known, err := load(ctx, tenantdb.New(db), ids)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row tenantdb.ListComplianceRow) bool { return known[row.RevisionID] == nil })
	var results []Result
	for len(rows) > 0 {
		same := 1
		for same < len(rows) && rows[same].ComplianceID == rows[0].ComplianceID {
			same++
		}
		results = append(results, merge(rows[:same], known))
		rows = rows[same:]
	}
	return results, nil
}

// merge puts together what was counted with different revisions of a framework, by the ids of requirements. Texts are those of the
// first.
func merge(rows []tenantdb.ListComplianceRow, known map[uuid.UUID]*Revision) Result {
	first := known[rows[0].RevisionID]
	result := Result{ID: rows[0].ComplianceID, Framework: first.Framework, Name: first.Name, Version: first.Version,
		Standings: make([]Standing, 0, len(first.Requirements))}
	index := make(map[string]int)
	for _, row := range rows {
		revision := known[row.RevisionID]
		for i := range revision.Requirements {
			requirement := &revision.Requirements[i]
			at, met := index[requirement.ID]
			if !met {
				at = len(result.Standings)
				result.Standings = append(result.Standings, Standing{Requirement: requirement})
			}
			if !met && len(rows) > 1 {
				index[requirement.ID] = at
			}
			standing := &result.Standings[at]
			standing.Outcome |= outcome(requirement, row.Failures, i)
			if met {
				standing.checks = slices.Concat(standing.checks, requirement.Checks)
			} else {
				standing.checks = requirement.Checks
			}
		}
	}
	return result
}

func outcome(requirement *Requirement, failures string, i int) Outcome {
	switch {
	case requirement.manual():
		return Manual
	case i < len(failures) && failures[i] == '1':
		return Failed
	}
	return Passed
}

// Standings are what single scans say about the requirements of a framework.
type Standings struct {
	Result              // of all scans together
	ByScan []ScanResult // in the order of the scans
}

// ScanResult is what a scan says, by the id of the requirement. A requirement that the scan was not held against is missing.
type ScanResult struct {
	Scan     uuid.UUID
	Outcomes map[string]Outcome
}

// ByScan returns what each of some scans says about a framework; ok is false when none says anything.
func ByScan(ctx context.Context, db tenant.DB, scans []uuid.UUID, complianceID string) (found Standings, ok bool, err error) {
	if len(scans) == 0 {
		return found, false, nil
	}
	rows, err := tenantdb.New(db).ListComplianceByScan(ctx, tenantdb.ListComplianceByScanParams{ScanIds: scans, ComplianceID: complianceID})
	if err != nil {
		return found, false, fmt.Errorf("list compliance by scan: %w", err)
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.RevisionID
	}
	known, err := load(ctx, tenantdb.New(db), ids)
	if err != nil {
		return found, false, err
	}
	rows = slices.DeleteFunc(rows, func(row tenantdb.ListComplianceByScanRow) bool { return known[row.RevisionID] == nil })
	if len(rows) == 0 {
		return found, false, nil
	}
	together := make([]tenantdb.ListComplianceRow, len(rows))
	of := make(map[uuid.UUID]map[string]Outcome, len(rows))
	for i, row := range rows {
		together[i] = tenantdb.ListComplianceRow{ComplianceID: complianceID, RevisionID: row.RevisionID, Failures: row.Failures}
		of[row.ScanID] = make(map[string]Outcome)
		revision := known[row.RevisionID]
		for j := range revision.Requirements {
			of[row.ScanID][revision.Requirements[j].ID] = outcome(&revision.Requirements[j], row.Failures, j)
		}
	}
	found.Result = merge(together, known)
	for _, scan := range scans {
		if of[scan] != nil {
			found.ByScan = append(found.ByScan, ScanResult{Scan: scan, Outcomes: of[scan]})
		}
	}
	return found, true, nil
}

// Region is a place with the frameworks that scans say something about there.
type Region struct {
	Name       string
	Frameworks []Result // without standings
}

// Regions are the regions that scans have something to say about, sorted.
func Regions(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where) ([]Region, error) {
	if len(scans) == 0 {
		return nil, nil
	}
	condition := filter.And(where.Regions, where.Frameworks)
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": condition})).ListComplianceRegions(ctx, scans)
	if err != nil {
		return nil, fmt.Errorf("list regions: %w", err)
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.RevisionID
	}
	known, err := load(ctx, tenantdb.New(db), ids)
	if err != nil {
		return nil, err
	}
	var regions []Region
	for _, row := range rows {
		if known[row.RevisionID] == nil {
			continue
		}
		if len(regions) == 0 || regions[len(regions)-1].Name != row.Region {
			regions = append(regions, Region{Name: row.Region})
		}
		last, revision := &regions[len(regions)-1], known[row.RevisionID]
		last.Frameworks = append(last.Frameworks, Result{ID: row.ComplianceID, Framework: revision.Framework, Name: revision.Name, Version: revision.Version})
	}
	return regions, nil
}

// Findings counts findings.
type Findings struct{ Passed, Total int64 }

// CountFindings counts the findings that count towards each requirement of a result, in its order.
func CountFindings(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where, result Result) ([]Findings, error) {
	var checks []string
	for i := range result.Standings {
		checks = append(checks, result.Standings[i].checks...)
	}
	counts := make([]Findings, len(result.Standings))
	if len(checks) == 0 {
		return counts, nil
	}
	slices.Sort(checks)
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where.Regions})).CountCheckFindings(ctx,
		tenantdb.CountCheckFindingsParams{ScanIds: scans, CheckIds: slices.Compact(checks)})
	if err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	of := make(map[string]Findings, len(rows))
	for _, row := range rows {
		of[row.CheckID] = Findings{Passed: row.Passed, Total: row.Total}
	}
	for i, standing := range result.Standings {
		own := slices.Sorted(slices.Values(standing.checks))
		for _, check := range slices.Compact(own) {
			counts[i].Passed += of[check].Passed
			counts[i].Total += of[check].Total
		}
	}
	return counts, nil
}

// FindFramework returns a framework as the catalogue, or the tenant, has it now, of the first of the provider types that have one of that id.
func FindFramework(ctx context.Context, db tenant.DB, id string, types []string) (framework catalogue.Framework, ok bool, err error) {
	if strings.Contains(id, "\x00") {
		return framework, false, nil // nothing is called that, and the database would refuse it
	}
	if strings.HasPrefix(id, "custom_") {
		return findCustom(ctx, db, id, types)
	}
	rows, err := tenantdb.New(db).FindFramework(ctx, tenantdb.FindFrameworkParams{FrameworkID: id, Providers: types})
	if err != nil {
		return framework, false, fmt.Errorf("find framework: %w", err)
	}
	if len(rows) == 0 {
		return framework, false, nil
	}
	if err := json.Unmarshal(rows[0].Content, &framework); err != nil {
		return framework, false, fmt.Errorf("read framework %s of %s: %w", id, rows[0].Provider, err)
	}
	framework.Provider, framework.ID = rows[0].Provider, id
	return framework, true, nil
}

// findCustom is FindFramework for the tenant's own.
func findCustom(ctx context.Context, db tenant.DB, id string, types []string) (framework catalogue.Framework, ok bool, err error) {
	rows, err := tenantdb.New(db).FindComplianceFramework(ctx, id)
	if err != nil {
		return framework, false, fmt.Errorf("find framework: %w", err)
	}
	if len(rows) == 0 || !slices.Contains(types, rows[0].Provider) {
		return framework, false, nil
	}
	row := rows[0]
	framework = catalogue.Framework{Provider: row.Provider, ID: id, Framework: row.Framework, Name: row.Name, Version: row.Version, Description: row.Description}
	if err := json.Unmarshal(row.Requirements, &framework.Requirements); err != nil {
		return framework, false, fmt.Errorf("read framework %s: %w", id, err)
	}
	return framework, true, nil
}
