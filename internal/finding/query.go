// Package finding reads findings: which exist for readers, which a query asks for, and how many they are.
//
// A reader sees the findings of completed scans only, never those of a scan that runs or failed, and none of a provider that
// is being deleted. What belongs here are the parameters of every list of findings and the choice of the statement that
// answers one; documents are internal/api/findings' affair, storing is internal/ingest's.
package finding

import (
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/provider"
)

// Values of a finding on the wire, in the order in which lists sort them.
var (
	Statuses   = []string{"FAIL", "PASS", "MANUAL"}
	Severities = []string{"critical", "high", "medium", "low", "informational"}
)

var (
	statusRanks   = ranks(Statuses)
	severityRanks = ranks(Severities)
)

// ranks are the small integers that stand for values in the database, from 1.
func ranks(values []string) map[string]int64 {
	of := make(map[string]int64, len(values))
	for i, value := range values {
		of[value] = int64(i) + 1
	}
	return of
}

// ProviderFields are the filters by the provider of a row, for queries that join providers p. The bare name "provider" is
// not among them: what it takes differs from list to list.
func ProviderFields() []filter.Field {
	types := make([]string, 0, 16)
	for _, one := range provider.Types() {
		types = append(types, string(one))
	}
	return []filter.Field{
		{Name: "provider_id", Kind: filter.UUID, Column: "p.id", Lookups: filter.Exact | filter.In},
		{Name: "provider_type", Kind: filter.Choice, Choices: types, Column: "p.provider", Lookups: filter.Exact | filter.In},
		{Name: "provider_uid", Column: "p.uid", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "provider_alias", Column: "p.alias", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "provider_groups", Kind: filter.UUID, Column: "fg.provider_group_id", Lookups: filter.Exact | filter.In,
			Via: []filter.Via{{Table: "provider_group_providers", Alias: "fg", On: [][2]filter.Column{{"fg.provider_id", "p.id"}}}}},
	}
}

// ProviderFilters are the names of ProviderFields.
func ProviderFilters() []string {
	fields := ProviderFields()
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name
	}
	return names
}

// Names of the filters by what they restrict; all others restrict findings alone.
var (
	providerFilters = append([]string{"provider"}, ProviderFilters()...)
	scanFilters     = []string{"scan"}
	// rankFilters are the filters by the leading columns of the index of a scan's findings.
	rankFilters = []string{"status", "severity", "impact"}
	// summaryFilters are the filters that scan_summaries can answer row by row.
	summaryFilters = []string{"check_id", "service", "region", "severity", "impact"}
	// summaryFlags are the filters that choose among the counters of a row of scan_summaries.
	summaryFlags = []string{"status", "muted"}
	// placeFilters are the filters that the places of checks can answer row by row; they have the columns of findings.
	placeFilters = append([]string{"delta", "resource_type", "resource_groups", "category"}, summaryFilters...)
	// resourceFilters are about what the resource of a finding is now.
	resourceFilters = []string{"resource_uid", "resource_name", "resources"}
	// lookedUp are the filters by other tables than that of the findings.
	lookedUp = append([]string{"category"}, resourceFilters...)
)

// fields are the filters of every list of findings. relationship says that refusals of filter[resources] point to the
// relationship.
func fields(relationship bool) []filter.Field {
	resource := []filter.Via{{Table: "resources", Alias: "fr", On: [][2]filter.Column{{"fr.id", "f.resource_id"}}}}
	const text = filter.Exact | filter.In | filter.IContains
	return append(ProviderFields(),
		filter.Field{Name: "provider", Kind: filter.UUID, Column: "p.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "id", Kind: filter.UUID, Column: "f.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "uid", Column: "f.uid", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "check_id", Column: "f.check_id", Lookups: text},
		filter.Field{Name: "delta", Kind: filter.Choice, Choices: []string{"new", "changed"}, Column: "f.delta", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "status", Kind: filter.Choice, Choices: Statuses, Codes: statusRanks, Column: "f.status_rank", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "severity", Kind: filter.Choice, Choices: Severities, Codes: severityRanks, Column: "f.severity_rank", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "impact", Kind: filter.Choice, Choices: Severities, Codes: severityRanks, Column: "f.severity_rank", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "muted", Kind: filter.Bool, Column: "f.muted", CaseSensitive: true},
		filter.Field{Name: "region", Column: "f.region", Lookups: text},
		filter.Field{Name: "service", Column: "f.service", Lookups: text},
		filter.Field{Name: "resource_type", Column: "f.resource_type", Lookups: text},
		filter.Field{Name: "resource_uid", Column: "fr.uid", Via: resource, Lookups: text},
		filter.Field{Name: "resource_name", Column: "fr.name", Via: resource, Lookups: text},
		filter.Field{Name: "resources", Kind: filter.UUID, Column: "fr.id", Via: resource, List: true, Relationship: relationship},
		filter.Field{Name: "resource_groups", Column: "f.resource_group", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "category", Column: "fc.category", Lookups: filter.Exact | filter.In, Via: []filter.Via{{
			Table: "check_metadata_categories", Alias: "fc", On: [][2]filter.Column{{"fc.check_metadata_id", "f.check_metadata_id"}},
		}}},
	)
}

// table is what all lists of findings share. Text sorts as the database does, which is by code point, so that an index can
// give the order.
func table(relationship bool, more ...filter.Field) filter.Table {
	return filter.Table{
		Fields: append(fields(relationship), more...),
		Sorts: []filter.Sort{
			{Name: "status", Column: "f.status_rank", Kind: filter.Integer}, {Name: "severity", Column: "f.severity_rank", Kind: filter.Integer},
			{Name: "check_id", Column: "f.check_id"}, {Name: "inserted_at", Column: "f.id"}, {Name: "updated_at", Column: "f.updated_at"},
		},
		DefaultSort: []string{"-inserted_at"}, Tiebreak: "f.id",
		Search: &filter.Search{Any: []filter.Field{{Kind: filter.Words, Func: &filter.SearchFunc{Sets: []filter.SearchSet{
			{Name: "sought_whole_kinds", Keys: []filter.Column{"f.scan_id", "f.check_metadata_id", "f.status_rank"}, Within: "chosen.id"},
			{Name: "sought_findings", Keys: []filter.Column{"f.id"}, Within: "chosen.id"},
		}}}}},
		Includes: []string{"scan", "scan.provider", "resources"},
	}
}

// maxDays is the longest range of dates that a list may ask for.
const maxDays = 7

const dates = filter.Exact | filter.OnDate | filter.GTE | filter.LTE

// Query is the allow-list of the list's parameters: a date or a scan must be given.
var Query = func() *filter.Table {
	t := table(true,
		filter.Field{Name: "scan", Kind: filter.UUIDv7, Column: "s.id", Relationship: true, Lookups: filter.Exact | filter.In},
		filter.Field{Name: "inserted_at", Kind: filter.Moment, Column: "f.id", UUIDv7: true, Lookups: dates},
		filter.Field{Name: "updated_at", Kind: filter.Moment, Column: "f.updated_at", Lookups: dates},
	)
	t.Required = &filter.RequiredDates{Fields: []string{"inserted_at", "updated_at"}, Bypass: []string{"scan"}, MaxDays: maxDays}
	return filter.MustTable(t)
}()

// LatestQuery is the allow-list for the findings of the newest completed scans.
var LatestQuery = func() *filter.Table {
	t := table(true, filter.Field{Name: "updated_at", Kind: filter.Date, Column: "f.updated_at"})
	t.Ended = "s.completed_at"
	return filter.MustTable(t)
}()

// HistoryQuery is the allow-list for the sightings of one finding, in all scans.
var HistoryQuery = filter.MustTable(filter.Table{
	Fields: append(ProviderFields(),
		filter.Field{Name: "provider", Kind: filter.UUID, Column: "p.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "scan", Kind: filter.UUIDv7, Column: "s.id", Relationship: true, Lookups: filter.Exact | filter.In},
		filter.Field{Name: "delta", Kind: filter.Choice, Choices: []string{"new", "changed"}, Column: "f.delta", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "status", Kind: filter.Choice, Choices: Statuses, Codes: statusRanks, Column: "f.status_rank", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "severity", Kind: filter.Choice, Choices: Severities, Codes: severityRanks, Column: "f.severity_rank", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "muted", Kind: filter.Bool, Column: "f.muted", CaseSensitive: true},
		filter.Field{Name: "inserted_at", Kind: filter.Moment, Column: "f.id", UUIDv7: true, Lookups: dates},
	),
	Sorts:       []filter.Sort{{Name: "inserted_at", Column: "f.id"}},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "f.id",
	Includes: []string{"scan", "scan.provider", "resources"},
})

// PlacesQuery is the allow-list for the services and regions of findings.
var PlacesQuery = func() *filter.Table {
	t := table(false,
		filter.Field{Name: "scan", Kind: filter.UUIDv7, Column: "s.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "inserted_at", Kind: filter.Moment, Column: "f.id", UUIDv7: true, Lookups: dates},
		filter.Field{Name: "updated_at", Kind: filter.Moment, Column: "f.updated_at", Lookups: dates},
	)
	t.Required = &filter.RequiredDates{Fields: []string{"inserted_at", "updated_at"}, Bypass: []string{"scan"}, MaxDays: maxDays}
	t.Includes, t.Unpaged = nil, true
	return filter.MustTable(t)
}()

// MetadataQuery is the allow-list for the choices of a filter form. All filters of the list are checked, and the scans and
// the places are what is acted upon.
var MetadataQuery = func() *filter.Table {
	t := table(false,
		filter.Field{Name: "scan", Kind: filter.UUIDv7, Column: "s.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "inserted_at", Kind: filter.Date, Column: "s.id", UUIDv7: true, Lookups: dates},
		filter.Field{Name: "updated_at", Kind: filter.DateTime, Column: "f.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	)
	t.Required = &filter.RequiredDates{Fields: []string{"inserted_at"}, Bypass: []string{"scan"}, MaxDays: maxDays}
	t.Includes, t.Unpaged = nil, true
	return filter.MustTable(t)
}()

// LatestMetadataQuery is the allow-list for the same over the newest completed scans: nothing is refused.
var LatestMetadataQuery = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "service", Lookups: filter.Exact | filter.In}, {Name: "region", Lookups: filter.Exact | filter.In},
		{Name: "resource_type", Lookups: filter.Exact | filter.In},
	},
	Unpaged: true, Tolerate: filter.AnyQuery | filter.AnyInclude,
})
