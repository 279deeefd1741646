package compliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
	Revision  uuid.UUID // that the scans were held against; uuid.Nil for several
	Standings []Standing
}

// Standing is what scans say about a requirement.
type Standing struct {
	*Requirement
	Outcome Outcome
	checks  []string // all that serve it in one of the scans
}

// Tally is how the requirements of a framework did, counted by Status.
type Tally struct {
	ID                     string
	Framework              string
	Name                   string
	Version                string
	Passed, Failed, Manual int
}

// Total is how many requirements there are.
func (t *Tally) Total() int { return t.Passed + t.Failed + t.Manual }

func (r *Result) tally() Tally {
	t := Tally{ID: r.ID, Framework: r.Framework, Name: r.Name, Version: r.Version}
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
func Results(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where) (results []Result, err error) {
	groups, known, err := list(ctx, db, scans, where, true)
	for _, rows := range groups {
		results = append(results, merge(rows, known))
	}
	return results, err
}

// Tallies count what Results lists.
func Tallies(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where) (tallies []Tally, err error) {
	read := list
	if len(scans) > 1 && where.Regions.IsZero() && where.Frameworks.IsZero() {
		read = listSheets
	}
	groups, known, err := read(ctx, db, scans, where, false)
	for _, rows := range groups {
		tallies = append(tallies, count(rows, known))
	}
	return tallies, err
}

// count is the tally of a framework, from the numbers of the only row or from the bits.
func count(rows []tenantdb.ListComplianceRow, known map[uuid.UUID]*Revision) Tally {
	if len(rows) > 1 {
		result := merge(rows, known)
		return result.tally()
	}
	row, revision := rows[0], known[rows[0].RevisionID]
	tally := Tally{ID: row.ComplianceID, Framework: revision.Framework, Name: revision.Name, Version: revision.Version,
		Passed: int(row.Passed), Failed: int(row.Failed), Manual: int(row.Manual)}
	if row.Failures == "" {
		return tally
	}
	tally.Passed, tally.Failed, tally.Manual = 0, 0, 0
	for i := range revision.Requirements {
		switch outcome(&revision.Requirements[i], row.Failures, i) {
		case Manual:
			tally.Manual++
		case Failed:
			tally.Failed++
		default:
			tally.Passed++
		}
	}
	return tally
}

// list returns what scans say, by framework, with the revisions.
func list(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where, detailed bool) (groups [][]tenantdb.ListComplianceRow, known map[uuid.UUID]*Revision, err error) {
	if len(scans) == 0 {
		return nil, nil, nil
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where.fragment()})).ListCompliance(ctx,
		tenantdb.ListComplianceParams{ScanIds: scans, Watched: where.Watched, Detailed: detailed})
	if err != nil {
		return nil, nil, fmt.Errorf("list compliance: %w", err)
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.RevisionID
	}
	if known, err = load(ctx, tenantdb.New(db), ids); err != nil {
		return nil, nil, err
	}
	rows = slices.DeleteFunc(rows, func(row tenantdb.ListComplianceRow) bool { return known[row.RevisionID] == nil })
	for len(rows) > 0 {
		same := 1
		for same < len(rows) && rows[same].ComplianceID == rows[0].ComplianceID {
			same++
		}
		groups, rows = append(groups, rows[:same]), rows[same:]
	}
	return groups, known, nil
}

// merge puts together what was counted with different revisions of a framework, by the ids of requirements. Texts are those of the
// first.
func merge(rows []tenantdb.ListComplianceRow, known map[uuid.UUID]*Revision) Result {
	first := known[rows[0].RevisionID]
	result := Result{ID: rows[0].ComplianceID, Framework: first.Framework, Name: first.Name, Version: first.Version,
		Standings: make([]Standing, 0, len(first.Requirements))}
	if len(rows) == 1 {
		result.Revision = first.ID
	}
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

// CheckFindings are the findings that count, by check.
type CheckFindings map[string]Findings

// CountFindings counts those of some scans.
func CountFindings(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where) (CheckFindings, error) {
	if len(scans) == 0 {
		return nil, nil
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": where.Regions})).CountCheckFindings(ctx, scans)
	if err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	counts := make(CheckFindings, len(rows))
	for _, row := range rows {
		counts[row.CheckID] = Findings{Passed: row.Passed, Total: row.Total}
	}
	return counts, nil
}

// Of are those that count towards a requirement.
func (c CheckFindings) Of(standing *Standing) (sum Findings) {
	own := slices.Sorted(slices.Values(standing.checks))
	for _, check := range slices.Compact(own) {
		sum.Passed += c[check].Passed
		sum.Total += c[check].Total
	}
	return sum
}

// Edition names what a framework says now. What stands under one Content never changes.
type Edition struct {
	ID, Provider string
	Content      string

	own uuid.UUID // id of a framework of the tenant's own
}

// Editions are those of the frameworks of an id, of the catalogue or the tenant's own, in the order of the provider types that have
// one.
func Editions(ctx context.Context, db tenant.DB, id string, types []string) (editions []Edition, err error) {
	if strings.Contains(id, "\x00") {
		return nil, nil // nothing is called that, and the database would refuse it
	}
	if strings.HasPrefix(id, OwnPrefix) {
		rows, err := tenantdb.New(db).FindComplianceFrameworks(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("find framework: %w", err)
		}
		for _, row := range rows {
			editions = append(editions, Edition{ID: id, Provider: row.Provider, Content: row.RevisionID.String(), own: row.ID})
		}
	} else {
		rows, err := tenantdb.New(db).FindFrameworks(ctx, tenantdb.FindFrameworksParams{FrameworkID: id, Providers: types})
		if err != nil {
			return nil, fmt.Errorf("find framework: %w", err)
		}
		for _, row := range rows {
			editions = append(editions, Edition{ID: id, Provider: row.Provider, Content: since(row.UpdatedAt)})
		}
	}
	editions = slices.DeleteFunc(editions, func(one Edition) bool { return !slices.Contains(types, one.Provider) })
	slices.SortFunc(editions, func(a, b Edition) int { return slices.Index(types, a.Provider) - slices.Index(types, b.Provider) })
	return editions, nil
}

func since(moment time.Time) string { return moment.UTC().Format(time.RFC3339Nano) }

// Read returns what the framework says now, and the edition that it is: it may have changed since e was found. ok is false when it
// is gone.
func (e Edition) Read(ctx context.Context, db tenant.DB) (framework catalogue.Framework, now Edition, ok bool, err error) {
	now = e
	if e.own != uuid.Nil {
		row, err := tenantdb.New(db).GetComplianceFramework(ctx, e.own)
		if err != nil {
			return framework, e, false, absent(err)
		}
		now.Content = row.RevisionID.String()
		framework = catalogue.Framework{Framework: row.Framework, Name: row.Name, Version: row.Version, Description: row.Description}
		err = json.Unmarshal(row.Requirements, &framework.Requirements)
		return named(framework, now, err)
	}
	row, err := tenantdb.New(db).GetFrameworkContent(ctx, tenantdb.GetFrameworkContentParams{Provider: e.Provider, FrameworkID: e.ID})
	if err != nil {
		return framework, e, false, absent(err)
	}
	now.Content = since(row.UpdatedAt)
	err = json.Unmarshal(row.Content, &framework)
	return named(framework, now, err)
}

func named(framework catalogue.Framework, now Edition, err error) (catalogue.Framework, Edition, bool, error) {
	if err != nil {
		return framework, now, false, fmt.Errorf("read framework %s of %s: %w", now.ID, now.Provider, err)
	}
	framework.Provider, framework.ID = now.Provider, now.ID
	return framework, now, true, nil
}

func absent(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return fmt.Errorf("get framework: %w", err)
}
