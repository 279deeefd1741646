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
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
)

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
	types, missing := provider.TypeNames(), fmt.Sprintf("Compliance framework '%s' not found.", id)
	if text, asked := r.Query.Params.Last("filter[scan_id]"); asked {
		scan, err := h.scanNamed(ctx, r, text)
		if err != nil {
			return nil, err
		}
		types, missing = []string{scan.Provider}, fmt.Sprintf("Compliance framework '%s' is not available for scan '%s'.", id, text)
	}
	framework, found, err := compliance.FindFramework(ctx, db, id, types)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound(missing)
	}
	return all(r, describe(&framework)), nil
}

// scanNamed is the scan that a parameter names.
func (h handlers) scanNamed(ctx context.Context, r *rest.Request, text string) (compliance.Scan, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return compliance.Scan{}, notFound(fmt.Sprintf("Scan '%s' not found.", text))
	}
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return compliance.Scan{}, err
	}
	scan, found, err := compliance.FindScan(ctx, db, id, filter.Fragment{})
	if err == nil && !found {
		err = notFound(fmt.Sprintf("Scan '%s' not found.", text))
	}
	return scan, err
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
