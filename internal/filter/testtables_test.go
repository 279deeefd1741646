package filter

import (
	"slices"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// The tables of this file are complete drafts of the resources' allow-lists; the rules of this package are tested
// against them.

var (
	providerTypes = []string{
		"aws", "azure", "gcp", "kubernetes", "m365", "github", "mongodbatlas", "iac", "oraclecloud", "alibabacloud",
		"cloudflare", "openstack", "image", "googleworkspace", "vercel", "okta",
	}
	severities = []string{"critical", "high", "medium", "low", "informational"}
	statuses   = []string{"FAIL", "PASS", "MANUAL"}
	states     = []string{"available", "scheduled", "executing", "completed", "failed", "cancelled"}
)

// providerOf are the filters by the provider that the row's provider_id names.
func providerOf(row string) []Field {
	provider := []Via{{Table: "providers", Alias: "fp", On: [][2]Column{{"fp.id", Column(row + ".provider_id")}}}}
	return []Field{
		{Name: "provider_type", Kind: Choice, Choices: providerTypes, Column: "fp.provider", Via: provider, Lookups: Exact | In},
		{Name: "provider_uid", Column: "fp.uid", Via: provider, Lookups: Exact | In | IContains},
		{Name: "provider_alias", Column: "fp.alias", Via: provider, Lookups: Exact | In | IContains},
		{Name: "provider_groups", Kind: UUID, Column: "fg.provider_group_id", Lookups: Exact | In, Via: []Via{{
			Table: "provider_group_providers", Alias: "fg", On: [][2]Column{{"fg.provider_id", Column(row + ".provider_id")}},
		}}},
	}
}

// findingFields are the filters of every list of findings.
func findingFields() []Field {
	resource := []Via{
		{Table: "resources", Alias: "fr", On: [][2]Column{{"fr.id", "f.resource_id"}}},
	}
	return append(providerOf("f"),
		Field{Name: "id", Kind: UUID, Column: "f.id", Lookups: Exact | In},
		Field{Name: "provider", Kind: UUID, Column: "f.provider_id", Lookups: Exact | In},
		Field{Name: "provider_id", Kind: UUID, Column: "f.provider_id", Lookups: Exact | In},
		Field{Name: "uid", Column: "f.uid", Lookups: Exact | In},
		Field{Name: "check_id", Column: "f.check_id", Lookups: Exact | In | IContains},
		Field{Name: "delta", Kind: Choice, Choices: []string{"new", "changed"}, Column: "f.delta", Lookups: Exact | In},
		Field{Name: "status", Kind: Choice, Choices: statuses, Column: "f.status", Lookups: Exact | In},
		Field{Name: "severity", Kind: Choice, Choices: severities, Column: "f.severity", Lookups: Exact | In},
		Field{Name: "impact", Kind: Choice, Choices: severities, Column: "f.severity", Lookups: Exact | In},
		Field{Name: "muted", Kind: Bool, Column: "f.muted", CaseSensitive: true},
		Field{Name: "region", Column: "f.region", Lookups: Exact | In | IContains},
		Field{Name: "service", Column: "f.service", Lookups: Exact | In | IContains},
		Field{Name: "resource_type", Column: "f.resource_type", Lookups: Exact | In | IContains},
		Field{Name: "resource_uid", Column: "fr.uid", Via: resource, Lookups: Exact | In | IContains},
		Field{Name: "resource_name", Column: "fr.name", Via: resource, Lookups: Exact | In | IContains},
		Field{Name: "resources", Kind: UUID, Column: "f.resource_id", List: true, Relationship: true},
		Field{Name: "resource_groups", Column: "f.resource_group", Lookups: Exact | In},
		Field{Name: "category", Column: "fc.category", Lookups: Exact | In, Via: []Via{{
			Table: "check_metadata_categories", Alias: "fc", On: [][2]Column{{"fc.check_metadata_id", "f.check_metadata_id"}},
		}}},
	)
}

// findingTable is what all lists of findings share.
func findingTable(fields ...Field) Table {
	return Table{
		Fields: append(findingFields(), fields...),
		Sorts: []Sort{
			{Name: "status", Column: "f.status_rank"},
			{Name: "severity", Column: "f.severity_rank"},
			{Name: "check_id", Column: "f.check_id", Text: true},
			{Name: "inserted_at", Column: "f.id"},
			{Name: "updated_at", Column: "f.updated_at"},
		},
		DefaultSort: []string{"-inserted_at"},
		Tiebreak:    "f.id",
		Search: &Search{Any: []Field{{Kind: Words, Column: "fw.search", Via: []Via{{
			Table: "check_metadata", Alias: "fw", On: [][2]Column{{"fw.id", "f.check_metadata_id"}},
		}}}}},
		Includes: []string{"scan", "scan.provider", "resources"},
	}
}

var findingsTable = func() *Table {
	t := findingTable(
		Field{Name: "scan", Kind: UUIDv7, Column: "f.scan_id", Floor: "f.id", Relationship: true, Lookups: Exact | In},
		Field{Name: "inserted_at", Kind: Moment, Column: "f.id", UUIDv7: true, Lookups: Exact | OnDate | GTE | LTE},
		Field{Name: "updated_at", Kind: Moment, Column: "f.updated_at", Lookups: Exact | OnDate | GTE | LTE},
	)
	t.Required = &RequiredDates{Fields: []string{"inserted_at", "updated_at"}, Bypass: []string{"scan"}, MaxDays: 7}
	return MustTable(t)
}()

var findingsLatestTable = MustTable(findingTable(Field{Name: "updated_at", Kind: Date, Column: "f.updated_at"}))

var findingsMetadataTable = func() *Table {
	t := findingTable(
		Field{Name: "scan", Kind: UUIDv7, Column: "f.scan_id", Floor: "f.id", Lookups: Exact | In},
		Field{Name: "inserted_at", Kind: Date, Column: "f.id", UUIDv7: true, Lookups: Exact | OnDate | GTE | LTE},
		Field{Name: "updated_at", Kind: DateTime, Column: "f.updated_at", Lookups: Exact | GTE | LTE},
	)
	t.Required = &RequiredDates{Fields: []string{"inserted_at"}, Bypass: []string{"scan"}, MaxDays: 7}
	t.Includes, t.Unpaged = nil, true
	return MustTable(t)
}()

// findingGroupsTable shows a tolerant endpoint, whose domain acts on most filters itself.
var findingGroupsTable = func() *Table {
	refuse := func(name string) func([]string) jsonapi.Error {
		return func(bad []string) jsonapi.Error { return jsonapi.Invalid("invalid " + name + " filter: " + bad[0]) }
	}
	sorts := []Sort{
		{Name: "check_id", Column: "check_id", Text: true}, {Name: "severity", Column: "severity_rank"},
		{Name: "status", Column: "status_rank"}, {Name: "muted", Column: "muted"},
		{Name: "delta", Column: "new_count", Also: []Column{"changed_count"}},
	}
	for _, c := range []Column{
		"fail_count", "pass_count", "manual_count", "muted_count", "new_count", "changed_count", "resources_total",
		"resources_fail", "first_seen_at", "last_seen_at", "failing_since",
	} {
		sorts = append(sorts, Sort{Name: string(c), Column: c})
	}
	return MustTable(Table{
		Fields: append(providerOf("g"),
			Field{Name: "provider", Kind: UUID, Column: "g.provider_id", Lookups: Exact | In},
			Field{Name: "provider_id", Kind: UUID, Column: "g.provider_id", Lookups: Exact | In},
			Field{Name: "check_id", Column: "g.check_id", Lookups: Exact | In | IContains},
			Field{Name: "status", Kind: Choice, Choices: statuses},
			Field{Name: "status", Kind: Choice, Choices: statuses, Lookups: In, Refuse: refuse("status")},
			Field{Name: "severity", Kind: Choice, Choices: severities},
			Field{Name: "severity", Kind: Choice, Choices: severities, Lookups: In, Refuse: refuse("severity")},
			Field{Name: "muted", Kind: Bool}, Field{Name: "include_muted", Kind: Bool},
			Field{Name: "delta", Kind: Choice, Choices: []string{"new", "changed"}},
			Field{Name: "impact", Kind: Choice, Choices: severities, Lookups: Exact | In},
			Field{Name: "scan", Kind: UUID, Lookups: Exact | In},
			Field{Name: "resources", Kind: UUID, List: true},
			Field{Name: "inserted_at", Kind: Date, Column: "g.day", Lookups: Exact | OnDate | GTE | LTE},
			Field{Name: "updated_at", Kind: Date, Lookups: Exact | GTE | LTE},
		),
		Sorts:       sorts,
		DefaultSort: []string{"-fail_count", "-severity", "check_id"},
		Tiebreak:    "check_id",
		Required:    &RequiredDates{Fields: []string{"inserted_at"}, MaxDays: 7},
		Tolerate:    AnyQuery&^AnySort | LateSort | PlainCodes,
	})
}()

func resourceFields() []Field {
	tag := []Via{{Table: "resource_tags", Alias: "rt", On: [][2]Column{{"rt.resource_id", "r.id"}}}}
	return append(providerOf("r"),
		Field{Name: "id", Kind: UUID, Column: "r.id", Lookups: Exact | In},
		Field{Name: "provider", Kind: Reference, Target: "providers", Relationship: true, Column: "r.provider_id", Lookups: Exact | In},
		Field{Name: "provider_id", Kind: UUID, Column: "r.provider_id", Lookups: Exact | In},
		Field{Name: "uid", Column: "r.uid", Lookups: Exact | In | IContains},
		Field{Name: "name", Column: "r.name", Lookups: Exact | In | IContains},
		Field{Name: "region", Column: "r.region", Lookups: Exact | In | IContains},
		Field{Name: "service", Column: "r.service", Lookups: Exact | In | IContains},
		Field{Name: "type", Column: "r.type", Lookups: Exact | In | IContains},
		Field{Name: "groups", Column: "rg.name", Lookups: Exact | In, Via: []Via{{
			Table: "resource_groups", Alias: "rg", On: [][2]Column{{"rg.resource_id", "r.id"}},
		}}},
		Field{Name: "tag_key", Column: "rt.key", Via: tag, Bare: IContains},
		Field{Name: "tag_value", Column: "rt.value", Via: tag, Bare: IContains},
		Field{Name: "tag", Kind: Words, Column: "rt.words", Via: tag},
		Field{Name: "tags", Kind: Words, Column: "rt.words", Via: tag},
	)
}

func resourceTable(fields ...Field) Table {
	return Table{
		Fields: append(resourceFields(), fields...),
		Sorts: []Sort{
			{Name: "failed_findings_count", Column: "r.failed_findings_count", Hidden: true},
			{Name: "uid", Column: "r.uid", Text: true}, {Name: "name", Column: "r.name", Text: true},
			{Name: "region", Column: "r.region", Text: true}, {Name: "service", Column: "r.service", Text: true},
			{Name: "type", Column: "r.type", Text: true},
			{Name: "inserted_at", Column: "r.inserted_at"}, {Name: "updated_at", Column: "r.updated_at"},
		},
		DefaultSort: []string{"-failed_findings_count", "-updated_at"},
		Tiebreak:    "r.id",
		Search: &Search{Any: []Field{
			{Kind: Words, Column: "r.words"},
			{Kind: Words, Column: "rt.words", Via: []Via{{
				Table: "resource_tags", Alias: "rt", On: [][2]Column{{"rt.resource_id", "r.id"}},
			}}},
		}},
		Includes: []string{"findings", "provider"},
	}
}

var resourcesTable = func() *Table {
	t := resourceTable(
		Field{Name: "scan", Kind: UUID, Column: "rs.id", Lookups: Exact | In, Via: []Via{{
			Table: "scans", Alias: "rs", On: [][2]Column{{"rs.provider_id", "r.provider_id"}},
		}}},
		Field{Name: "inserted_at", Kind: DateTime, Column: "r.inserted_at", Lookups: Exact | GTE | LTE},
		Field{Name: "updated_at", Kind: DateTime, Column: "r.updated_at", Lookups: Exact | GTE | LTE},
	)
	t.Required = &RequiredDates{Fields: []string{"updated_at"}, Bypass: []string{"scan"}, MaxDays: 7}
	return MustTable(t)
}()

var resourcesLatestTable = MustTable(resourceTable())

var providersTable = MustTable(Table{
	Fields: []Field{
		{Name: "id", Kind: UUID, Column: "p.id", Lookups: Exact | In},
		{Name: "uid", Column: "p.uid", Lookups: Exact | In | IContains},
		{Name: "alias", Column: "p.alias", Lookups: Exact | In | IContains},
		{Name: "provider", Kind: Choice, Choices: providerTypes, Column: "p.provider", Lookups: Exact | In},
		{Name: "provider_type", Kind: Choice, Choices: providerTypes, Column: "p.provider", Lookups: Exact | In},
		{Name: "provider_groups", Kind: UUID, Relationship: true, Column: "pg.provider_group_id", Lookups: Exact | In, Via: []Via{{
			Table: "provider_group_providers", Alias: "pg", On: [][2]Column{{"pg.provider_id", "p.id"}},
		}}},
		{Name: "connected", Kind: Bool, Column: "p.connected"},
		{Name: "inserted_at", Kind: DateTime, Column: "p.inserted_at", Lookups: Exact | GTE | LTE},
		{Name: "updated_at", Kind: DateTime, Column: "p.updated_at", Lookups: Exact | GTE | LTE},
	},
	Sorts: []Sort{
		{Name: "provider", Column: "p.provider_rank"}, {Name: "uid", Column: "p.uid", Text: true},
		{Name: "alias", Column: "p.alias", Text: true}, {Name: "connected", Column: "p.connected"},
		{Name: "inserted_at", Column: "p.inserted_at"}, {Name: "updated_at", Column: "p.updated_at"},
	},
	DefaultSort: []string{"-inserted_at"},
	Tiebreak:    "p.id",
	Search:      &Search{Columns: []Column{"p.provider", "p.uid", "p.alias"}},
	Includes:    []string{"provider_groups"},
	PageDisable: true,
})

var scansTable = MustTable(Table{
	Fields: append(providerOf("s"),
		Field{Name: "id", Kind: UUID, Column: "s.id", Lookups: Exact | In},
		Field{Name: "provider", Kind: Reference, Target: "providers", Relationship: true, Column: "s.provider_id", Lookups: Exact | In},
		Field{Name: "name", Column: "s.name", Lookups: Exact | IContains},
		Field{Name: "trigger", Kind: Choice, Choices: []string{"scheduled", "manual"}, Column: "s.trigger"},
		Field{Name: "state", Kind: Choice, Choices: states, Column: "s.state", Lookups: Exact | In},
		Field{Name: "inserted_at", Kind: DateTime, Column: "s.inserted_at"},
		Field{Name: "completed_at", Kind: DateTime, Column: "s.completed_at"},
		Field{Name: "started_at", Kind: DateTime, Column: "s.started_at", Lookups: Exact | GTE | LTE},
		Field{Name: "next_scan_at", Kind: DateTime, Column: "s.next_scan_at", Lookups: Exact | GTE | LTE},
	),
	Sorts: []Sort{
		{Name: "name", Column: "s.name", Text: true}, {Name: "trigger", Column: "s.trigger", Ranked: []string{"scheduled", "manual"}},
		{Name: "scheduled_at", Column: "s.scheduled_at"},
		{Name: "inserted_at", Column: "s.inserted_at"}, {Name: "updated_at", Column: "s.updated_at"},
	},
	DefaultSort: []string{"-inserted_at"},
	Tiebreak:    "s.id",
	Includes:    []string{"provider"},
})

var tasksTable = MustTable(Table{
	Fields: []Field{
		{Name: "name", Column: "t.name", Lookups: Exact | IContains},
		{Name: "state", Kind: Choice, Choices: states, Column: "t.state"},
	},
	Sorts: []Sort{
		{Name: "inserted_at", Column: "t.inserted_at"}, {Name: "name", Column: "t.name", Text: true},
		{Name: "state", Column: "t.state", Ranked: []string{"failed", "available", "executing", "cancelled", "completed"}},
	},
	DefaultSort: []string{"-inserted_at"},
	Tiebreak:    "t.id",
	Search:      &Search{Columns: []Column{"t.name"}},
})

var rolesTable = func() *Table {
	flags := []Column{"ro.manage_users", "ro.manage_account", "ro.manage_integrations", "ro.manage_providers", "ro.manage_scans"}
	var all, none []Fragment
	for _, flag := range flags {
		all = append(all, MustCondition(flag, Exact, true))
		none = append(none, MustCondition(flag, Exact, false))
	}
	sorts := []Sort{
		{Name: "id", Column: "ro.id"}, {Name: "name", Column: "ro.name", Text: true}, {Name: "unlimited_visibility", Column: "ro.unlimited_visibility"},
		{Name: "inserted_at", Column: "ro.inserted_at"}, {Name: "updated_at", Column: "ro.updated_at"},
	}
	for _, flag := range flags {
		sorts = append(sorts, Sort{Name: string(flag[len("ro."):]), Column: flag})
	}
	return MustTable(Table{
		Fields: []Field{
			{Name: "id", Kind: UUID, Column: "ro.id", Lookups: Exact | In},
			{Name: "name", Column: "ro.name", Lookups: Exact | In},
			{Name: "permission_state", Kind: Choice, Choices: []string{"unlimited", "limited", "none"}, Cases: map[string]Fragment{
				"unlimited": And(all...), "none": And(none...), "limited": Not(Or(And(all...), And(none...))),
			}},
			{Name: "inserted_at", Kind: DateTime, Column: "ro.inserted_at", Lookups: Exact | GTE | LTE},
			{Name: "updated_at", Kind: DateTime, Column: "ro.updated_at", Lookups: Exact | GTE | LTE},
		},
		Sorts: sorts, DefaultSort: []string{"inserted_at"}, Tiebreak: "ro.id",
	})
}()

var usersTable = MustTable(Table{
	Fields: []Field{
		{Name: "name", Column: "u.name", Lookups: Exact | IContains},
		{Name: "email", Column: "u.email", Lookups: Exact | IContains},
		{Name: "company_name", Column: "u.company_name", Lookups: Exact | IContains},
		{Name: "date_joined", Kind: DateTime, Column: "u.date_joined", Lookups: Exact | OnDate | GTE | LTE},
		{Name: "is_active", Kind: Bool, Column: "u.is_active"},
	},
	Sorts: []Sort{
		{Name: "name", Column: "u.name", Text: true}, {Name: "email", Column: "u.email", Text: true},
		{Name: "company_name", Column: "u.company_name", Text: true}, {Name: "date_joined", Column: "u.date_joined"},
		{Name: "is_active", Column: "u.is_active"},
	},
	DefaultSort: []string{"-date_joined"}, Tiebreak: "u.id",
	Includes: []string{"roles", "memberships", "memberships.tenant"},
})

var tenantsTable = MustTable(Table{
	Fields: []Field{
		{Name: "name", Column: "te.name", Lookups: Exact | IContains},
		{Name: "inserted_at", Kind: DateTime, Column: "te.inserted_at", Lookups: Exact | OnDate | GTE | LTE},
		{Name: "updated_at", Kind: DateTime, Column: "te.updated_at", Lookups: Exact | GTE | LTE},
	},
	Sorts: []Sort{
		{Name: "name", Column: "te.name", Text: true},
		{Name: "inserted_at", Column: "te.inserted_at"}, {Name: "updated_at", Column: "te.updated_at"},
	},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "te.id",
	Search: &Search{Columns: []Column{"te.name"}},
})

var allTables = map[string]*Table{
	"findings": findingsTable, "findings/latest": findingsLatestTable, "findings/metadata": findingsMetadataTable,
	"finding-groups": findingGroupsTable, "resources": resourcesTable, "resources/latest": resourcesLatestTable,
	"providers": providersTable, "scans": scansTable, "tasks": tasksTable, "roles": rolesTable, "users": usersTable,
	"tenants": tenantsTable, "audit-events": eventsTable,
}

func tableNames() []string {
	var names []string
	for name := range allTables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
