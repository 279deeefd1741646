package compliance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/memo"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// documents are answers about frameworks, by what they say and the members that are wanted.
type documents struct {
	made *memo.Memo[documentKey, []byte]
}

type documentKey struct{ framework, provider, content, members string }

func newDocuments() documents {
	return documents{made: memo.New[documentKey, []byte](32 << 20)}
}

// attributes lists what the catalogue says of a framework: that of the scan's provider type, or else of the first type that has it.
func (h handlers) attributes(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	id, ok := given(r.Query.Params, "compliance_id")
	if !ok {
		return nil, refusal("compliance_id", "required", "This query parameter is required.")
	}
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	edition, err := find(ctx, db, r, id)
	if err != nil {
		return nil, err
	}
	key := documentKey{framework: id, provider: edition.Provider, content: edition.Content, members: members(r)}
	body, known := h.documents.made.Get(key)
	if !known {
		framework, now, found, err := edition.Read(ctx, db)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, notFound(fmt.Sprintf("Compliance framework '%s' not found.", id))
		}
		if body, err = (jsonapi.Document{Many: describe(&framework), Fields: r.Query.Fields}).Encode(); err != nil {
			return nil, err
		}
		key.content = now.Content
		h.documents.made.Put(key, body, len(body))
	}
	return &rest.Answer{Status: http.StatusOK, Body: body, Header: http.Header{"Content-Type": {jsonapi.MediaType}}}, nil
}

// find looks up which framework a request is about.
func find(ctx context.Context, db tenant.DB, r *rest.Request, id string) (compliance.Edition, error) {
	var editions []compliance.Edition
	frameworks := func(db tenant.DB) (err error) {
		editions, err = compliance.Editions(ctx, db, id, provider.TypeNames())
		return err
	}
	text, asked := r.Query.Params.Last("filter[scan_id]")
	if !asked {
		if err := frameworks(db); err != nil {
			return compliance.Edition{}, err
		}
		if len(editions) == 0 {
			return compliance.Edition{}, notFound(fmt.Sprintf("Compliance framework '%s' not found.", id))
		}
		return editions[0], nil
	}
	noScan := notFound(fmt.Sprintf("Scan '%s' not found.", text))
	scanID, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return compliance.Edition{}, noScan
	}
	var scan compliance.Scan
	var found bool
	err = tenant.Together(ctx, db, frameworks, func(db tenant.DB) (err error) {
		scan, found, err = compliance.FindScan(ctx, db, scanID, filter.Fragment{})
		return err
	})
	if err != nil {
		return compliance.Edition{}, err
	}
	if !found {
		return compliance.Edition{}, noScan
	}
	for _, one := range editions {
		if one.Provider == scan.Provider {
			return one, nil
		}
	}
	return compliance.Edition{}, notFound(fmt.Sprintf("Compliance framework '%s' is not available for scan '%s'.", id, text))
}

// members are those of the answer that its sparse fields leave; "*" are all.
func members(r *rest.Request) string {
	if _, sparse := r.Query.Fields[attributesType]; !sparse {
		return "*"
	}
	var left []string
	for _, one := range jsonapi.Attributes(description{}) {
		if r.Shows(attributesType, one.Name) {
			left = append(left, one.Name)
		}
	}
	return joined(left)
}

func notFound(detail string) jsonapi.Error {
	return jsonapi.Error{Status: http.StatusNotFound, Code: "not_found", Detail: detail, Pointer: "/data"}
}

// describe makes the resources of a framework's requirements. One that stands twice is the last of its name, in the place of the
// first.
func describe(framework *catalogue.Framework) []jsonapi.Resource {
	at := make(map[string]int, len(framework.Requirements))
	many := make([]jsonapi.Resource, 0, len(framework.Requirements))
	for i := range framework.Requirements {
		one := &framework.Requirements[i]
		resource := jsonapi.Resource{Type: attributesType, ID: one.ID, Attributes: jsonapi.Attributes(description{ComplianceName: framework.Name,
			FrameworkDescription: framework.Description, Name: one.Name, Framework: framework.Framework, Version: framework.Version,
			Description: one.Description, Attributes: detailsOf(framework.ID, one)})}
		if place, twice := at[one.ID]; twice {
			many[place] = resource
			continue
		}
		at[one.ID] = len(many)
		many = append(many, resource)
	}
	return many
}

func detailsOf(framework string, one *catalogue.Requirement) details {
	made := details{Metadata: one.Attributes, CheckIDs: distinct(one.Checks)}
	if len(made.Metadata) == 0 {
		made.Metadata = json.RawMessage("[]")
	}
	if strings.Contains(framework, "mitre_attack") {
		made.Technique = &technique{Tactics: orEmpty(one.Tactics), SubTechniques: orEmpty(one.SubTechniques), Platforms: orEmpty(one.Platforms),
			URL: one.TechniqueURL}
	}
	return made
}

// distinct keeps each check once, in the order of the file.
func distinct(checks []string) []string {
	kept := make([]string, 0, len(checks))
	for _, check := range checks {
		if !slices.Contains(kept, check) {
			kept = append(kept, check)
		}
	}
	return kept
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
