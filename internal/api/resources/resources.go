// Package resources declares the operations on resources: what scans saw in the accounts, as it is now.
package resources

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a resource.
const Type = "resources"

// Attributes are the attributes of a resource.
type Attributes struct {
	InsertedAt          time.Time       `json:"inserted_at"`
	UpdatedAt           time.Time       `json:"updated_at"`
	UID                 string          `json:"uid"`
	Name                string          `json:"name"`
	Region              string          `json:"region"`
	Service             string          `json:"service"`
	Tags                json.RawMessage `json:"tags"`
	FailedFindingsCount int32           `json:"failed_findings_count"`
	Metadata            *string         `json:"metadata"`
	Details             *string         `json:"details"`
	Partition           *string         `json:"partition"`
	Groups              []string        `json:"groups"`
	ResourceType        string          `json:"type"`
}

// choices are what a form that filters resources can offer.
type choices struct {
	Services []string `json:"services"`
	Regions  []string `json:"regions"`
	Types    []string `json:"types"`
	Groups   []string `json:"groups"`
}

// fields are the filters of every list of resources. relationship says that refusals of filter[provider] point to the
// relationship.
func fields(relationship bool) []filter.Field {
	const text = filter.Exact | filter.In | filter.IContains
	tag := []filter.Via{{Table: "resource_tags", Alias: "rt", On: [][2]filter.Column{{"rt.resource_id", "r.id"}}}}
	return append(finding.ProviderFields(),
		filter.Field{Name: "id", Kind: filter.UUID, Column: "r.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "provider", Kind: filter.Reference, Target: "providers", Relationship: relationship, Column: "p.id", Lookups: filter.Exact | filter.In},
		filter.Field{Name: "uid", Column: "r.uid", Lookups: text},
		filter.Field{Name: "name", Column: "r.name", Lookups: text},
		filter.Field{Name: "region", Column: "r.region", Lookups: text},
		filter.Field{Name: "service", Column: "r.service", Lookups: text},
		filter.Field{Name: "type", Column: "r.type", Lookups: text},
		filter.Field{Name: "groups", Column: "rg.name", Lookups: filter.Exact | filter.In, Via: []filter.Via{{
			Table: "resource_groups", Alias: "rg", On: [][2]filter.Column{{"rg.resource_id", "r.id"}},
		}}},
		filter.Field{Name: "tag_key", Column: "rt.key", Via: tag, Bare: filter.IContains},
		filter.Field{Name: "tag_value", Column: "rt.value", Via: tag, Bare: filter.IContains},
		filter.Field{Name: "tag", Kind: filter.Words, Column: "rt.words", Via: tag},
		filter.Field{Name: "tags", Kind: filter.Words, Column: "rt.words", Via: tag},
	)
}

// table is what all lists of resources share; text sorts by code point, as the database does.
func table(relationship bool, more ...filter.Field) filter.Table {
	return filter.Table{
		Fields: append(fields(relationship), more...),
		Sorts: []filter.Sort{
			{Name: "failed_findings_count", Column: "r.failed_findings_count", Kind: filter.Integer, Hidden: true}, {Name: "uid", Column: "r.uid"},
			{Name: "name", Column: "r.name"}, {Name: "region", Column: "r.region"}, {Name: "service", Column: "r.service"},
			{Name: "type", Column: "r.type"}, {Name: "inserted_at", Column: "r.inserted_at"}, {Name: "updated_at", Column: "r.updated_at"},
		},
		DefaultSort: []string{"-failed_findings_count", "-updated_at"}, Tiebreak: "r.id",
		Search: &filter.Search{Any: []filter.Field{{Kind: filter.Words, Column: "r.words"}, {Kind: filter.Words, Column: "rt.words",
			Via: []filter.Via{{Table: "resource_tags", Alias: "rt", On: [][2]filter.Column{{"rt.resource_id", "r.id"}}}}}}},
		Includes: []string{"findings", "provider"},
	}
}

// dated are the filters by scan and dates, of which a scan or a date of change must be given. A scan stands for its provider.
func dated(relationship bool) filter.Table {
	t := table(relationship,
		filter.Field{Name: "scan", Kind: filter.UUID, Column: "rs.id", Lookups: filter.Exact | filter.In,
			Via: []filter.Via{{Table: "scans", Alias: "rs", On: [][2]filter.Column{{"rs.provider_id", "r.provider_id"}}}}},
		filter.Field{Name: "inserted_at", Kind: filter.DateTime, Column: "r.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		filter.Field{Name: "updated_at", Kind: filter.DateTime, Column: "r.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	)
	t.Required = &filter.RequiredDates{Fields: []string{"updated_at"}, Bypass: []string{"scan"}, MaxDays: 7}
	return t
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(dated(true))

// LatestQuery is the allow-list for the resources of providers that have been scanned.
var LatestQuery = filter.MustTable(table(true))

// MetadataQuery is the allow-list for the choices of a filter form: the filters of the list are checked; scans, the date of
// scans and the places are what is acted upon.
var MetadataQuery = func() *filter.Table {
	t := dated(false)
	t.Includes, t.Unpaged = nil, true
	return filter.MustTable(t)
}()

// LatestMetadataQuery is the allow-list for the same over the newest completed scans: nothing is refused.
var LatestMetadataQuery = filter.MustTable(filter.Table{
	Fields: []filter.Field{{Name: "service", Lookups: filter.Exact | filter.In}, {Name: "region", Lookups: filter.Exact | filter.In},
		{Name: "type", Lookups: filter.Exact | filter.In}},
	Unpaged: true, Tolerate: filter.AnyQuery | filter.AnyInclude,
})

type handlers struct {
	tenants *tenant.Executor
	reader  *finding.Reader
}

// Operations declares the operations.
func Operations(executor *tenant.Executor) []rest.Operation {
	h := handlers{tenants: executor, reader: finding.NewReader(executor)}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"provider", "findings"}}
	many := one
	many.List = true
	metadata := rest.Schema{Type: "resources-metadata", Attributes: choices{}}
	const tag = "Resources"
	return []rest.Operation{
		{ID: "resources.list", Method: http.MethodGet, Path: "/resources", Tag: tag, Summary: "List resources", Query: Query, Cached: true,
			Response: many, Handle: h.list},
		{ID: "resources.latest", Method: http.MethodGet, Path: "/resources/latest", Tag: tag, Summary: "List the resources of scanned providers",
			Query: LatestQuery, Response: many, Handle: h.latest},
		{ID: "resources.retrieve", Method: http.MethodGet, Path: "/resources/{id}", Tag: tag, Summary: "Get a resource", Query: Query,
			Mode: rest.Document, Cached: true, Response: one, Handle: h.retrieve},
		{ID: "resources.metadata", Method: http.MethodGet, Path: "/resources/metadata", Tag: tag, Summary: "What resources can be filtered by",
			Query: MetadataQuery, Response: metadata, Handle: h.metadata},
		{ID: "resources.metadata.latest", Method: http.MethodGet, Path: "/resources/metadata/latest", Tag: tag,
			Summary: "What the resources of the newest scans can be filtered by", Query: LatestMetadataQuery, Response: metadata, Handle: h.latestMetadata},
	}
}

// resource is the resource object of a resource.
func resource(r *rest.Request, row tenantdb.ListResourcesRow) jsonapi.Resource {
	id := row.ID.String()
	tags := row.Tags
	if len(tags) == 0 {
		tags = json.RawMessage("{}")
	}
	return jsonapi.Resource{Type: Type, ID: id, Self: r.URL("/resources/" + id),
		Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, UID: row.Uid, Name: row.Name,
			Region: row.Region, Service: row.Service, Tags: tags, FailedFindingsCount: row.FailedFindingsCount, Metadata: row.Metadata,
			Details: row.Details, Partition: row.Partition, Groups: row.Groups, ResourceType: row.Type}),
		Relationships: []jsonapi.Relation{jsonapi.ToOne("provider", "providers", row.ProviderID.String()),
			jsonapi.ToMany("findings", "findings", jsonapi.IDs(row.FindingIds))}}
}

// unique returns the ids, each once.
func unique(ids []uuid.UUID) []uuid.UUID {
	seen := make(map[uuid.UUID]bool, len(ids))
	var list []uuid.UUID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}
