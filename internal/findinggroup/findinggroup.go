// Package findinggroup reads groups of findings: what scans found with one check is a group. What belongs here are the parameters
// of lists of groups and of a group's resources, and the choice of what answers one: the counts of whole checks, those of their
// places, or the findings.
//
// What does not belong here: documents (internal/api/findinggroups), counting (internal/ingest), and lists of findings
// (internal/finding).
package findinggroup

import (
	"slices"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Statuses, severities and deltas have weights in lists of groups: the worse, the greater.
var (
	statusWeights   = weights(finding.Statuses)
	severityWeights = weights(finding.Severities)
)

// weights counts down to 1, from the first value.
func weights(values []string) map[string]int64 {
	of := make(map[string]int64, len(values))
	for i, value := range values {
		of[value] = int64(len(values) - i)
	}
	return of
}

// ranks count up from 1, as findings have them.
func ranks(values []string) map[string]int64 {
	of := make(map[string]int64, len(values))
	for i, value := range values {
		of[value] = int64(i) + 1
	}
	return of
}

// valueOf is the value of a weight; empty for none.
func valueOf(values []string, weight int16) string {
	if weight < 1 || int(weight) > len(values) {
		return ""
	}
	return values[len(values)-int(weight)]
}

var deltas = []string{"new", "changed"}

const (
	oneOrMany = filter.Exact | filter.In
	text      = filter.Exact | filter.In | filter.IContains
	maxDays   = 7
)

// content and categories lead from a row f that has a check_metadata_id.
var (
	content    = []filter.Via{{Table: "check_metadata", Alias: "fm", On: [][2]filter.Column{{"fm.id", "f.check_metadata_id"}}}}
	categories = []filter.Via{{Table: "check_metadata_categories", Alias: "fc", On: [][2]filter.Column{{"fc.check_metadata_id", "f.check_metadata_id"}}}}
)

// checkFields are the filters by the check itself, of findings, places and whole checks alike.
func checkFields() []filter.Field {
	return []filter.Field{
		{Name: "check_id", Column: "f.check_id", Lookups: text},
		{Name: "check_title", Column: "fm.title", Via: content, Lookups: filter.IContains},
	}
}

// findingFields are filters by findings that lists of groups and of their resources share.
func findingFields() []filter.Field {
	return []filter.Field{
		{Name: "delta", Kind: filter.Choice, Choices: deltas, Column: "f.delta"},
		{Name: "impact", Kind: filter.Choice, Choices: finding.Severities, Codes: ranks(finding.Severities), Column: "f.severity_rank"},
		{Name: "category", Column: "fc.category", Via: categories, Lookups: oneOrMany},
		{Name: "resource_groups", Column: "f.resource_group", Lookups: oneOrMany},
		{Name: "scan", Kind: filter.UUID, Column: "s.id", Lookups: oneOrMany},
		{Name: "updated_at", Kind: filter.Date, Column: "f.updated_at"},
	}
}

// providerFilters are the filters by the provider of a scan.
var providerFilters = append([]string{"provider"}, finding.ProviderFilters()...)

// Names of the filters of groups by what they ask.
var (
	// liveFilters are about findings: with one of them the findings that are left are counted, those of every scan that the
	// dates touch.
	liveFilters = []string{"provider_uid", "provider_alias", "region", "service", "resource_type", "resource_type__icontains", "resource_uid",
		"resource_name", "resources", "resource_groups", "delta", "impact", "category", "scan", "uid", "updated_at"}
	// soughtFilters are those of them that choose resources as they are now.
	soughtFilters = []string{"resource_uid", "resource_name", "resource_type__icontains", "resources"}
	checkFilters  = []string{"check_id", "check_title"}
	// placeFilters are those that places can answer.
	placeFilters = []string{"check_id", "check_title", "region", "service", "resource_type", "resource_groups", "delta", "impact", "category"}
	// computedFilters are about groups, after they are summed.
	computedFilters = []string{"status", "severity", "muted", "include_muted"}
	dateFilters     = []string{"inserted_at"}
	scanFilters     = []string{"scan"}
)

// computedFields are the filters by what a group is.
func computedFields() []filter.Field {
	refuse := func(name string) func([]string) jsonapi.Error {
		return func(bad []string) jsonapi.Error { return jsonapi.Invalid("invalid " + name + " filter: " + bad[0]) }
	}
	choice := func(name string, values []string, codes map[string]int64, column filter.Column) []filter.Field {
		one := filter.Field{Name: name, Kind: filter.Choice, Choices: values, Codes: codes, Column: column}
		several := one
		several.Lookups, several.Refuse = filter.In, refuse(name)
		return []filter.Field{one, several}
	}
	return slices.Concat(choice("status", finding.Statuses, statusWeights, "g.status_weight"),
		choice("severity", finding.Severities, severityWeights, "g.severity_weight"),
		[]filter.Field{{Name: "muted", Kind: filter.Bool, Column: "g.muted"}, {Name: "include_muted", Kind: filter.Bool}})
}

// counts are the counters of a group by which lists can be sorted, and their columns.
var counts = []struct {
	name   string
	column filter.Column
}{
	{"fail_count", "g.fail"}, {"pass_count", "g.pass"}, {"manual_count", "g.manual"}, {"muted_count", "g.muted_count"},
	{"fail_muted_count", "g.fail_muted"}, {"pass_muted_count", "g.pass_muted"}, {"manual_muted_count", "g.manual_muted"},
	{"new_count", "g.new_count"}, {"changed_count", "g.changed_count"},
	{"new_fail_count", "g.new_fail"}, {"new_fail_muted_count", "g.new_fail_muted"}, {"new_pass_count", "g.new_pass"},
	{"new_pass_muted_count", "g.new_pass_muted"}, {"new_manual_count", "g.new_manual"}, {"new_manual_muted_count", "g.new_manual_muted"},
	{"changed_fail_count", "g.changed_fail"}, {"changed_fail_muted_count", "g.changed_fail_muted"},
	{"changed_pass_count", "g.changed_pass"}, {"changed_pass_muted_count", "g.changed_pass_muted"},
	{"changed_manual_count", "g.changed_manual"}, {"changed_manual_muted_count", "g.changed_manual_muted"},
	{"resources_total", "g.resources_total"}, {"resources_fail", "g.resources_fail"},
}

// table is what lists of groups share: names that they do not know are ignored.
func table(more ...filter.Field) filter.Table {
	t := filter.Table{
		Fields: slices.Concat(finding.ProviderFields(), checkFields(), findingFields(), computedFields(), []filter.Field{
			{Name: "provider", Kind: filter.UUID, Column: "p.id", Lookups: oneOrMany},
			{Name: "uid", Column: "f.uid"},
			{Name: "region", Column: "f.region", Lookups: text},
			{Name: "service", Column: "f.service", Lookups: text},
			{Name: "resource_type", Column: "f.resource_type", Lookups: oneOrMany},
			// About the resource as it is now, not as the finding has it: a field of its own.
			{Name: "resource_type__icontains", Column: "o.type", Bare: filter.IContains},
			{Name: "resource_uid", Column: "o.uid", Lookups: text},
			{Name: "resource_name", Column: "o.name", Lookups: text},
			{Name: "resources", Kind: filter.UUID, Column: "o.id", List: true},
		}, more),
		Sorts: []filter.Sort{
			{Name: "check_id", Column: "g.check_id", Text: true}, {Name: "severity", Column: "g.severity_weight", Kind: filter.Integer},
			{Name: "status", Column: "g.status_weight", Kind: filter.Integer}, {Name: "muted", Column: "g.muted", Kind: filter.Bool},
			{Name: "delta", Column: "g.new_count", Also: []filter.Column{"g.changed_count"}, Kind: filter.Integer},
			{Name: "first_seen_at", Column: "g.first_seen_at", Kind: filter.DateTime, Nullable: true},
			{Name: "last_seen_at", Column: "g.last_seen_at", Kind: filter.DateTime},
			{Name: "failing_since", Column: "g.failing_since", Kind: filter.DateTime, Nullable: true},
		},
		DefaultSort: []string{"-fail_count", "-severity", "check_id"}, Tiebreak: "g.check_id",
		Tolerate: filter.AnyParameter | filter.AnyFilter | filter.LateSort | filter.PlainCodes,
	}
	for _, count := range counts {
		t.Sorts = append(t.Sorts, filter.Sort{Name: count.name, Column: count.column, Kind: filter.Integer})
	}
	return t
}

// day is the filter by the day of findings. Whole checks are asked for by the day on which their scan ended.
var day = filter.Field{Name: "inserted_at", Kind: filter.Date, Column: "f.id", UUIDv7: true,
	Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE}

// Query is the allow-list for the groups of a range of days.
var Query = func() *filter.Table {
	t := table(day)
	t.Required = &filter.RequiredDates{Fields: dateFilters, MaxDays: maxDays}
	return filter.MustTable(t)
}()

// LatestQuery is the allow-list for the groups of the newest scans.
var LatestQuery = func() *filter.Table {
	t := table()
	t.Ended = ended
	return filter.MustTable(t)
}()

// ended is the column with the end of a scan.
const ended filter.Column = "s.completed_at"

// resourceFilters are those filters of a group's resources that choose resources as they are now.
var resourceFilters = []string{"id", "uid", "name", "region", "service", "type", "resource_uid", "resource_name", "resource_type", "resources"}

// resourceTable is what lists of a group's resources share.
func resourceTable(more ...filter.Field) filter.Table {
	refuse := func([]string) jsonapi.Error { return jsonapi.Field("id__in", "invalid", "Enter a valid UUID.") }
	t := filter.Table{
		Fields: slices.Concat(finding.ProviderFields(), checkFields(), findingFields(), []filter.Field{
			{Name: "provider", Kind: filter.Reference, Target: "providers", Column: "p.id", Lookups: oneOrMany},
			{Name: "status", Kind: filter.Choice, Choices: finding.Statuses, Codes: ranks(finding.Statuses), Column: "f.status_rank"},
			{Name: "severity", Kind: filter.Choice, Choices: finding.Severities, Codes: ranks(finding.Severities), Column: "f.severity_rank"},
			{Name: "muted", Kind: filter.Bool, Column: "f.muted", CaseSensitive: true},
			{Name: "id", Kind: filter.UUID, Column: "r.id", Lookups: oneOrMany},
			{Name: "resources", Kind: filter.UUID, Column: "r.id", List: true, Refuse: refuse},
			{Name: "uid", Column: "r.uid", Lookups: text}, {Name: "resource_uid", Column: "r.uid", Lookups: text},
			{Name: "name", Column: "r.name", Lookups: text}, {Name: "resource_name", Column: "r.name", Lookups: text},
			{Name: "region", Column: "r.region", Lookups: text}, {Name: "service", Column: "r.service", Lookups: text},
			{Name: "type", Column: "r.type", Lookups: text}, {Name: "resource_type", Column: "r.type", Lookups: text},
		}, more),
		Sorts: []filter.Sort{
			{Name: "id", Column: "g.resource_id", Hidden: true},
			{Name: "status", Column: "g.status_weight", Kind: filter.Integer}, {Name: "severity", Column: "g.severity_weight", Kind: filter.Integer},
			{Name: "delta", Column: "g.delta_weight", Kind: filter.Integer},
			{Name: "first_seen_at", Column: "g.first_seen_at"}, {Name: "last_seen_at", Column: "g.last_seen_at"},
			{Name: "resource.uid", Column: "g.uid"}, {Name: "resource.name", Column: "g.name"}, {Name: "resource.region", Column: "g.region"},
			{Name: "resource.service", Column: "g.service"}, {Name: "resource.type", Column: "g.type"},
			{Name: "provider.uid", Column: "g.provider_uid"}, {Name: "provider.alias", Column: "g.provider_alias", Nullable: true},
		},
		DefaultSort: []string{"id"}, Tiebreak: "g.resource_id",
		Tolerate: filter.AnyParameter | filter.AnyFilter | filter.AnyInclude | filter.LateSort | filter.PlainCodes,
	}
	return t
}

// ResourcesQuery is the allow-list for the resources of a group in a range of days.
var ResourcesQuery = func() *filter.Table {
	t := resourceTable(day)
	t.Required = &filter.RequiredDates{Fields: dateFilters, MaxDays: maxDays}
	return filter.MustTable(t)
}()

// LatestResourcesQuery is the allow-list for the resources of a group in the newest scans.
var LatestResourcesQuery = func() *filter.Table {
	t := resourceTable()
	t.Ended = ended
	return filter.MustTable(t)
}()
