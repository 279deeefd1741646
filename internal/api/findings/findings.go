// Package findings declares the operations on findings. Which findings exist for a reader and how they are found is
// internal/finding's; here are the documents.
package findings

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a finding.
const Type = "findings"

// Attributes are the attributes of a finding.
type Attributes struct {
	UID            string          `json:"uid" maxLength:"300"`
	Delta          *string         `json:"delta" enum:"new,changed"`
	Status         string          `json:"status" enum:"FAIL,PASS,MANUAL"`
	StatusExtended *string         `json:"status_extended"`
	Severity       string          `json:"severity" enum:"critical,high,medium,low,informational"`
	CheckID        string          `json:"check_id"`
	CheckMetadata  json.RawMessage `json:"check_metadata"`
	Categories     json.RawMessage `json:"categories"`
	ResourceGroups *string         `json:"resource_groups"`
	RawResult      json.RawMessage `json:"raw_result"`
	InsertedAt     time.Time       `json:"inserted_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
	FirstSeenAt    time.Time       `json:"first_seen_at"`
	Muted          bool            `json:"muted"`
	MutedReason    *string         `json:"muted_reason"`
}

// included are the attributes of a finding beside another resource.
type included struct {
	UID           string          `json:"uid"`
	Status        string          `json:"status"`
	Severity      string          `json:"severity"`
	CheckID       string          `json:"check_id"`
	CheckMetadata json.RawMessage `json:"check_metadata"`
	InsertedAt    time.Time       `json:"inserted_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
	FirstSeenAt   time.Time       `json:"first_seen_at"`
	Muted         bool            `json:"muted"`
	MutedReason   *string         `json:"muted_reason"`
}

// metadata are the choices of a form that filters findings.
type metadata struct {
	Services      []string `json:"services"`
	Regions       []string `json:"regions"`
	ResourceTypes []string `json:"resource_types"`
	Categories    []string `json:"categories"`
	Groups        []string `json:"groups"`
}

// places are the services and regions of findings.
type places struct {
	Services []string `json:"services"`
	Regions  []string `json:"regions"`
}

type handlers struct {
	tenants *tenant.Executor
	reader  *finding.Reader
}

// Operations declares the operations.
func Operations(executor *tenant.Executor) []rest.Operation {
	h := handlers{tenants: executor, reader: finding.NewReader(executor)}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"scan", "resources"}}
	many := one
	many.List = true
	choices := rest.Schema{Type: "findings-metadata", Attributes: metadata{}}
	const tag = "Findings"
	return []rest.Operation{
		{ID: "findings.list", Method: http.MethodGet, Path: "/findings", Tag: tag, Summary: "List findings", Query: finding.Query, Cached: true,
			Response: many, Handle: h.list},
		{ID: "findings.latest", Method: http.MethodGet, Path: "/findings/latest", Tag: tag, Summary: "List the findings of the newest scans",
			Query: finding.LatestQuery, Response: many, Handle: h.latest},
		{ID: "findings.retrieve", Method: http.MethodGet, Path: "/findings/{id}", Tag: tag, Summary: "Get a finding", Query: finding.Query,
			Mode: rest.Document, Cached: true, Response: one, Handle: h.retrieve},
		{ID: "findings.history", Method: http.MethodGet, Path: "/findings/{uid}/history", Tag: tag, TextIDs: true,
			Summary: "List the sightings of a finding in all scans, by its uid or the id of one of them", Query: finding.HistoryQuery,
			Response: many, Handle: h.history},
		{ID: "findings.metadata", Method: http.MethodGet, Path: "/findings/metadata", Tag: tag, Summary: "What findings can be filtered by",
			Query: finding.MetadataQuery, Response: choices, Handle: h.metadata},
		{ID: "findings.metadata.latest", Method: http.MethodGet, Path: "/findings/metadata/latest", Tag: tag,
			Summary: "What the findings of the newest scans can be filtered by", Query: finding.LatestMetadataQuery, Response: choices, Handle: h.latestMetadata},
		{ID: "findings.findings_services_regions", Method: http.MethodGet, Path: "/findings/findings_services_regions", Tag: tag,
			Summary: "Services and regions of findings", Query: finding.PlacesQuery,
			Response: rest.Schema{Type: "finding-dynamic-filters", Attributes: places{}}, Handle: h.places},
	}
}

// resource is the resource object of a finding.
func resource(r *rest.Request, row finding.Finding) jsonapi.Resource {
	id := row.ID.String()
	return jsonapi.Resource{Type: Type, ID: id, Self: r.URL("/findings/" + id),
		Attributes: jsonapi.Attributes(Attributes{UID: row.Uid, Delta: row.Delta, Status: row.Status, StatusExtended: row.StatusExtended,
			Severity: row.Severity, CheckID: row.CheckID, CheckMetadata: orElse(row.CheckMetadata, "{}"), Categories: orElse(row.Categories, "[]"),
			ResourceGroups: row.ResourceGroup, RawResult: orElse(row.RawResult, "{}"), InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt,
			FirstSeenAt: row.FirstSeenAt, Muted: row.Muted, MutedReason: row.MutedReason}),
		Relationships: []jsonapi.Relation{jsonapi.ToOne("scan", "scans", row.ScanID.String()),
			jsonapi.ToMany("resources", "resources", jsonapi.IDs(row.ResourceIds))}}
}

// Included is the reduced resource object of a finding beside another resource.
func Included(row finding.Finding) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Attributes: jsonapi.Attributes(included{UID: row.Uid, Status: row.Status,
		Severity: row.Severity, CheckID: row.CheckID, CheckMetadata: orElse(row.CheckMetadata, "{}"), InsertedAt: row.InsertedAt,
		UpdatedAt: row.UpdatedAt, FirstSeenAt: row.FirstSeenAt, Muted: row.Muted, MutedReason: row.MutedReason})}
}

func orElse(content json.RawMessage, empty string) json.RawMessage {
	if len(content) == 0 {
		return json.RawMessage(empty)
	}
	return content
}
