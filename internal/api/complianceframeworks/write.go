package complianceframeworks

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/customframework"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var complianceIDs = regexp.MustCompile(`^custom_[a-z0-9][a-z0-9_.-]{0,92}$`)

// longest texts of a requirement.
const (
	longestID          = 100
	longestName        = 200
	longestDescription = 4000
	longestCheck       = 100
)

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	id := body.Text("compliance_id", jsonapi.Rules{Required: true, Max: 100})
	if id.Value != "" && !complianceIDs.MatchString(id.Value) {
		body.Fail(jsonapi.Field("compliance_id", "invalid",
			"Enter an id that begins with "+customframework.Prefix+" and has lower-case letters, digits, dots, hyphens and underscores."))
	}
	of := body.Choice("provider", jsonapi.Rules{Required: true}, provider.TypeNames()...)
	framework, name := body.Text("framework", jsonapi.Rules{Required: true, Max: 100}), body.Text("name", jsonapi.Rules{Required: true, Max: 200})
	version, description := body.Text("version", jsonapi.Rules{Blank: true, Max: 50}), body.Text("description", jsonapi.Rules{Blank: true, Max: longestDescription})
	requirements := readRequirements(body, jsonapi.Rules{Required: true})
	body.ReadOnly("inserted_at", "updated_at", "requirements_count")
	if err := body.Done(); err != nil {
		return nil, err
	}
	if err := checksExist(ctx, h.tenants.Read(scope), of.Value, requirements); err != nil {
		return nil, err
	}
	made, err := h.frameworks.Create(ctx, scope, id.Value, of.Value, customframework.Content{Framework: framework.Value, Name: name.Value,
		Version: version.Value, Description: description.Value, Requirements: requirements})
	if err != nil {
		return nil, err
	}
	one, err := h.written(ctx, r, scope, made)
	if err != nil {
		return nil, err
	}
	return rest.Created(jsonapi.Document{One: &one}), nil
}

// written reads a framework as a change has left it: from the primary, where the change is.
func (h handlers) written(ctx context.Context, r *rest.Request, scope tenant.Scope, id uuid.UUID) (one jsonapi.Resource, err error) {
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := customframework.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		one, err = resource(r, row)
		return err
	})
	return one, err
}

func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	row, err := customframework.Get(ctx, h.tenants.Read(scope), r.ID("id"))
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, r.ID("id").String())
	if err != nil {
		return nil, err
	}
	framework, name := body.Text("framework", jsonapi.Rules{Max: 100}), body.Text("name", jsonapi.Rules{Max: 200})
	version, description := body.Text("version", jsonapi.Rules{Blank: true, Max: 50}), body.Text("description", jsonapi.Rules{Blank: true, Max: longestDescription})
	requirements := readRequirements(body, jsonapi.Rules{})
	body.ReadOnly("inserted_at", "updated_at", "requirements_count")
	if err := body.Done(); err != nil {
		return nil, err
	}
	if err := checksExist(ctx, h.tenants.Read(scope), row.Provider, requirements); err != nil {
		return nil, err
	}
	err = h.frameworks.Update(ctx, scope, r.ID("id"), func(content *customframework.Content) {
		content.Framework, content.Name = framework.Or(content.Framework), name.Or(content.Name)
		content.Version, content.Description = version.Or(content.Version), description.Or(content.Description)
		if requirements != nil {
			content.Requirements = requirements
		}
	})
	if err != nil {
		return nil, err
	}
	one, err := h.written(ctx, r, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(one), nil
}

// checksExist refuses checks that the catalogue does not have for the provider type: no scan would ever serve them.
func checksExist(ctx context.Context, db tenant.DB, of string, requirements []customframework.Requirement) error {
	var checks []string
	for _, one := range requirements {
		checks = append(checks, one.Checks...)
	}
	if len(checks) == 0 {
		return nil
	}
	unknown, err := customframework.UnknownChecks(ctx, db, of, checks)
	if err != nil || len(unknown) == 0 {
		return err
	}
	var refusals jsonapi.Errors
	for i, one := range requirements {
		for j, check := range one.Checks {
			if len(refusals) < 100 && slices.Contains(unknown, check) {
				refusals = append(refusals, jsonapi.Field(fmt.Sprintf("requirements/%d/checks/%d", i, j), "does_not_exist",
					fmt.Sprintf("The catalogue has no check %q for %s.", check, of)))
			}
		}
	}
	return refusals
}

// readRequirements reads the list; nil when it is not there.
func readRequirements(body *jsonapi.Binder, rules jsonapi.Rules) []customframework.Requirement {
	const field = "requirements"
	given := body.JSON(field, rules)
	if !given.Set || given.Value == nil {
		return nil
	}
	list, ok := given.Value.([]any)
	switch {
	case !ok:
		body.Fail(jsonapi.NotAList(field, given.Value))
		return nil
	case len(list) == 0:
		body.Fail(jsonapi.Field(field, "empty", "This list may not be empty."))
		return nil
	case len(list) > customframework.MostRequirements:
		body.Fail(jsonapi.Field(field, "max_length", fmt.Sprintf("Ensure this field has no more than %d elements.", customframework.MostRequirements)))
		return nil
	}
	requirements, seen := make([]customframework.Requirement, len(list)), make(map[string]bool, len(list))
	for i, one := range list {
		at := fmt.Sprintf("%s/%d", field, i)
		members, ok := one.(map[string]any)
		if !ok {
			body.Fail(jsonapi.Field(at, "invalid", "Enter an object."))
			continue
		}
		requirements[i] = readRequirement(body, at, members)
		if id := requirements[i].ID; id != "" && seen[id] {
			body.Fail(jsonapi.Field(at+"/id", "unique", "Another requirement has this id."))
		}
		seen[requirements[i].ID] = true
	}
	return requirements
}

func readRequirement(body *jsonapi.Binder, at string, members map[string]any) customframework.Requirement {
	for name := range members {
		if !slices.Contains([]string{"id", "name", "description", "checks"}, name) {
			body.Fail(jsonapi.Field(at, "invalid", "A requirement has an id, a name, a description and checks, and nothing else."))
			break
		}
	}
	one := customframework.Requirement{ID: text(body, at+"/id", members["id"], longestID), Checks: []string{}}
	if one.ID == "" && !refused(members["id"]) {
		body.Fail(jsonapi.Field(at+"/id", "required", "This field is required."))
	}
	one.Name, one.Description = text(body, at+"/name", members["name"], longestName), text(body, at+"/description", members["description"], longestDescription)
	if members["checks"] == nil {
		return one
	}
	list, ok := members["checks"].([]any)
	if !ok {
		body.Fail(jsonapi.NotAList(at+"/checks", members["checks"]))
		return one
	}
	if len(list) > customframework.MostChecks {
		body.Fail(jsonapi.Field(at+"/checks", "max_length", fmt.Sprintf("Ensure this field has no more than %d elements.", customframework.MostChecks)))
		return one
	}
	for i, check := range list {
		place := fmt.Sprintf("%s/checks/%d", at, i)
		id := text(body, place, check, longestCheck)
		if id == "" && !refused(check) {
			body.Fail(jsonapi.Field(place, "blank", "This field may not be blank."))
		}
		one.Checks = append(one.Checks, id)
	}
	return one
}

// refused reports whether text has refused a value already.
func refused(value any) bool {
	_, isText := value.(string)
	return value != nil && !isText
}

// text reads a text of bounded length; absent and null are empty.
func text(body *jsonapi.Binder, at string, value any, longest int) string {
	if value == nil {
		return ""
	}
	given, ok := value.(string)
	switch given = strings.TrimSpace(given); {
	case !ok:
		body.Fail(jsonapi.Field(at, "invalid", "Not a valid string."))
	case strings.ContainsRune(given, 0):
		body.Fail(jsonapi.Field(at, "null_characters_not_allowed", "Null characters are not allowed."))
	case utf8.RuneCountInString(given) > longest:
		body.Fail(jsonapi.Field(at, "max_length", fmt.Sprintf("Ensure this field has no more than %d characters.", longest)))
	}
	return given
}

func (h handlers) watch(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(WatchlistType, r.Tenant().String())
	if err != nil {
		return nil, err
	}
	ids := readWatched(body)
	if err := body.Done(); err != nil {
		return nil, err
	}
	unknown, err := customframework.Unknown(ctx, h.tenants.Read(scope), ids)
	if err != nil {
		return nil, err
	}
	var refusals jsonapi.Errors
	for i, id := range ids {
		if slices.Contains(unknown, id) {
			refusals = append(refusals, jsonapi.Field(fmt.Sprintf("compliance_ids/%d", i), "does_not_exist", fmt.Sprintf("There is no framework %q.", id)))
		}
	}
	if len(refusals) > 0 {
		return nil, refusals
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if err := h.frameworks.Watch(ctx, scope, ids); err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: WatchlistType, ID: r.Tenant().String(), Attributes: jsonapi.Attributes(watchlist{ComplianceIDs: ids})}), nil
}

func readWatched(body *jsonapi.Binder) []string {
	const field = "compliance_ids"
	given := body.JSON(field, jsonapi.Rules{Required: true})
	if !given.Set || given.Value == nil {
		return nil
	}
	list, ok := given.Value.([]any)
	if !ok {
		body.Fail(jsonapi.NotAList(field, given.Value))
		return nil
	}
	if len(list) > customframework.MostWatched {
		body.Fail(jsonapi.Field(field, "max_length", fmt.Sprintf("Ensure this field has no more than %d elements.", customframework.MostWatched)))
		return nil
	}
	ids := make([]string, len(list))
	for i, one := range list {
		place := fmt.Sprintf("%s/%d", field, i)
		if ids[i] = text(body, place, one, longestID); ids[i] == "" && !refused(one) {
			body.Fail(jsonapi.Field(place, "blank", "This field may not be blank."))
		}
	}
	return ids
}
