// Package compliance declares the operations on what scans say about compliance frameworks. How scans are held against frameworks
// is internal/compliance's; here are the parameters and the documents.
package compliance

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Types of the resources.
const (
	overviewType    = "compliance-overviews"
	metadataType    = "compliance-overviews-metadata"
	requirementType = "compliance-requirements-details"
	attributesType  = "compliance-requirements-attributes"
	watchlistType   = "compliance-watchlist-overviews"
	acrossType      = "compliance-requirements-providers"
)

// overview counts the requirements of a framework.
type overview struct {
	Framework string `json:"framework"`
	Version   string `json:"version"`
	Passed    int    `json:"requirements_passed"`
	Failed    int    `json:"requirements_failed"`
	Manual    int    `json:"requirements_manual"`
	Total     int    `json:"total_requirements"`
}

// metadata are the choices of a form that filters overviews.
type metadata struct {
	Regions []string `json:"regions"`
}

// requirement is what became of a requirement, as OpenAPI describes it; template has the same members. The numbers of findings are
// those of ThreatScore frameworks alone.
type requirement struct {
	Framework      string `json:"framework"`
	Version        string `json:"version"`
	Description    string `json:"description"`
	Status         string `json:"status" enum:"PASS,FAIL,MANUAL"`
	PassedFindings *int64 `json:"passed_findings,omitempty"`
	TotalFindings  *int64 `json:"total_findings,omitempty"`
}

// description is what the catalogue says of a requirement.
type description struct {
	ComplianceName       string  `json:"compliance_name"`
	FrameworkDescription string  `json:"framework_description"`
	Name                 string  `json:"name"`
	Framework            string  `json:"framework"`
	Version              string  `json:"version"`
	Description          string  `json:"description"`
	Attributes           details `json:"attributes"`
}

// details are what frameworks of different kinds say of their requirements.
type details struct {
	Metadata  json.RawMessage `json:"metadata"`
	CheckIDs  []string        `json:"check_ids"`
	Technique *technique      `json:"technique_details,omitempty"`
}

// technique is what a framework of attacks says.
type technique struct {
	Tactics       []string `json:"tactics"`
	SubTechniques []string `json:"subtechniques"`
	Platforms     []string `json:"platforms"`
	URL           string   `json:"technique_url"`
}

// across is what became of a requirement with several providers. The status is that of all together.
type across struct {
	Framework   string       `json:"framework"`
	Version     string       `json:"version"`
	Description string       `json:"description"`
	Status      string       `json:"status" enum:"PASS,FAIL,MANUAL"`
	Providers   []ofProvider `json:"providers"`
}

// ofProvider is what the newest scan of a provider says.
type ofProvider struct {
	ID       uuid.UUID `json:"id"`
	Provider string    `json:"provider"`
	UID      string    `json:"uid"`
	Alias    *string   `json:"alias"`
	Scan     uuid.UUID `json:"scan"`
	Status   string    `json:"status" enum:"PASS,FAIL,MANUAL"`
}

// watched counts the requirements of a framework over the newest scans.
type watched struct {
	ComplianceID string `json:"compliance_id"`
	Passed       int    `json:"requirements_passed"`
	Failed       int    `json:"requirements_failed"`
	Manual       int    `json:"requirements_manual"`
	Total        int    `json:"total_requirements"`
}

// providerFilters choose the providers whose newest scans are asked for.
var providerFilters = []string{"provider_id", "provider_type", "provider_groups"}

// providerFields are those filters. A type that does not exist is refused in words of its own.
func providerFields() []filter.Field {
	shared := finding.ProviderFields()
	choice := func(lookup filter.Lookup, words string) filter.Field {
		return filter.Field{Name: "provider_type", Kind: filter.Choice, Choices: provider.TypeNames(), Column: "p.provider", Lookups: lookup,
			Refuse: func(bad []string) jsonapi.Error { return jsonapi.Invalid(words + joined(bad)) }}
	}
	return []filter.Field{shared[0], choice(filter.Exact, "Invalid choice: "), choice(filter.In, "Invalid choices: "), shared[4]}
}

// table is what results can be filtered by. Frameworks have their names and versions in memory.
func table(tolerate filter.Tolerance) filter.Table {
	text := filter.Exact | filter.IContains
	return filter.Table{
		Fields: append(providerFields(), filter.Field{Name: "scan_id", Kind: filter.UUID},
			filter.Field{Name: "compliance_id", Column: "c.compliance_id", Lookups: text},
			filter.Field{Name: "framework", Lookups: text}, filter.Field{Name: "framework__iexact"}, filter.Field{Name: "version", Lookups: text},
			filter.Field{Name: "region", Column: "c.region", Lookups: text | filter.In},
			filter.Field{Name: "inserted_at", Kind: filter.DateTime, Column: "s.completed_at",
				Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE}),
		Sorts: []filter.Sort{{Name: "compliance_id", Column: "c.compliance_id"}}, Tiebreak: "c.compliance_id",
		Search:  &filter.Search{Columns: []filter.Column{"c.compliance_id"}},
		Unpaged: true, Tolerate: tolerate,
	}
}

var (
	// Query is the allow-list of the list's parameters where it is asked for regions or providers.
	Query = filter.MustTable(table(0))
	// openQuery is the same for the operations that let unknown parameters pass.
	openQuery = filter.MustTable(table(filter.AnyQuery))
	// attributesQuery is what the catalogue can be asked by.
	attributesQuery = filter.MustTable(filter.Table{Fields: []filter.Field{{Name: "compliance_id"}, {Name: "scan_id"}}, Unpaged: true,
		Tolerate: filter.AnyQuery})
	// watchlistQuery chooses the providers.
	watchlistQuery = filter.MustTable(filter.Table{Fields: append(finding.ProviderFields()[:2:2], finding.ProviderFields()[4]), Unpaged: true,
		Tolerate: filter.AnyQuery | filter.AnyInclude | filter.NoDots | filter.PlainCodes})
)

// acrossQuery chooses the providers and the framework to compare them by.
var acrossQuery = filter.MustTable(filter.Table{Fields: append(providerFields(), filter.Field{Name: "compliance_id"},
	filter.Field{Name: "status", Kind: filter.Choice, Choices: []string{compliance.Pass, compliance.Fail, compliance.ManualWork}, Lookups: filter.Exact | filter.In}),
	Unpaged: true})

type handlers struct {
	tenants   *tenant.Executor
	templates templates
	documents documents
}

// Operations declares the operations.
func Operations(executor *tenant.Executor) []rest.Operation {
	h := handlers{tenants: executor, templates: newTemplates(), documents: newDocuments()}
	read := func(id authz.Operation, path, summary string, query *filter.Table, response rest.Schema, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: id, Method: http.MethodGet, Path: path, Tag: "Compliance", Summary: summary, Query: query, Mode: rest.Late,
			Response: response, Handle: handle}
	}
	cached := func(operation rest.Operation) rest.Operation {
		operation.Cached = true
		return operation
	}
	watchlist := read("overviews.compliance_watchlist", "/overviews/compliance-watchlist", "Count requirements over the newest scans", watchlistQuery,
		rest.Schema{Type: watchlistType, Attributes: watched{}, List: true}, h.watchlist)
	watchlist.Mode = rest.List
	list := cached(read("compliance_overviews.list", "/compliance-overviews", "Count requirements by framework", Query,
		rest.Schema{Type: overviewType, Attributes: overview{}, List: true}, h.list))
	list.Bare = "/compliance-overviews/{id}"
	return []rest.Operation{
		list,
		read("compliance_overviews.metadata", "/compliance-overviews/metadata", "What results can be filtered by", openQuery,
			rest.Schema{Type: metadataType, Attributes: metadata{}}, h.metadata),
		cached(read("compliance_overviews.requirements", "/compliance-overviews/requirements", "List the requirements of a framework with what became of them",
			openQuery, rest.Schema{Type: requirementType, Attributes: requirement{}, List: true}, h.requirements)),
		cached(read("compliance_overviews.attributes", "/compliance-overviews/attributes", "List the requirements of a framework as the catalogue has them",
			attributesQuery, rest.Schema{Type: attributesType, Attributes: description{}, List: true}, h.attributes)),
		watchlist,
		read("compliance_overviews.providers", "/compliance-overviews/providers", "Compare the newest scans of providers by a framework", acrossQuery,
			rest.Schema{Type: acrossType, Attributes: across{}, List: true}, h.across),
	}
}
