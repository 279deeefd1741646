// Package providergroups declares the operations on provider groups. Who does not see every provider sees the groups of
// their own roles alone, and in them the providers that they see.
package providergroups

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/providergroup"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a provider group.
type Attributes struct {
	Name       string    `json:"name" maxLength:"255"`
	Tags       []string  `json:"tags,omitempty"`
	InsertedAt time.Time `json:"inserted_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

type newGroup struct {
	Name string   `json:"name" maxLength:"255"`
	Tags []string `json:"tags,omitempty"`
}

// Bounds of a group's tags.
const (
	maxTags      = 50
	maxTagLength = 100
)

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "id", Kind: filter.UUID, Column: "g.id", Lookups: filter.Exact | filter.In},
		{Name: "name", Column: "g.name", Lookups: filter.Exact | filter.In},
		{Name: "tags", Column: "pt.tag", Lookups: filter.Exact | filter.In,
			Via: []filter.Via{{Table: "provider_group_tags", Alias: "pt", On: [][2]filter.Column{{"pt.provider_group_id", "g.id"}}}}},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "g.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "updated_at", Kind: filter.DateTime, Column: "g.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{{Name: "id", Column: "g.id"}, {Name: "name", Column: "g.name", Text: true}, {Name: "tenant", Column: "g.tenant_id", Kind: filter.UUID},
		{Name: "inserted_at", Column: "g.inserted_at"}, {Name: "updated_at", Column: "g.updated_at"}},
	DefaultSort: []string{"inserted_at"}, Tiebreak: "g.id",
})

var source = listing.Source[tenantdb.ListProviderGroupsRow, tenantdb.ListProviderGroupsParams]{Name: "ProviderGroup", ID: "g.id",
	Count: (*tenantdb.Queries).CountProviderGroups, List: (*tenantdb.Queries).ListProviderGroups}

type handlers struct {
	groups  *providergroup.Service
	tenants *tenant.Executor
}

// Operations declares the operations.
func Operations(service *providergroup.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{groups: service, tenants: executor}
	related := []string{"providers", "roles"}
	one := rest.Schema{Type: "provider-groups", Attributes: Attributes{}, Relationships: related}
	many := one
	many.List = true
	body := rest.Schema{Type: "provider-groups", Attributes: newGroup{}, Relationships: related}
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "provider_groups." + id, Method: method, Path: path, Summary: summary, Tag: "Provider groups", Query: Query, Mode: rest.One, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/provider-groups", "List provider groups", h.list)
	list.Mode, list.Response = rest.List, many
	create := operation("create", http.MethodPost, "/provider-groups", "Create a provider group", h.create)
	create.Query, create.Request, create.Response, create.Status = nil, body, one, http.StatusCreated
	retrieve := operation("retrieve", http.MethodGet, "/provider-groups/{id}", "Get a provider group", h.retrieve)
	retrieve.Response = one
	update := operation("update", http.MethodPatch, "/provider-groups/{id}", "Change a provider group", h.update)
	update.Request, update.Response = body, one
	remove := operation("delete", http.MethodDelete, "/provider-groups/{id}", "Delete a provider group", rest.Remove(h.found, h.groups.Delete))
	remove.Status = http.StatusNoContent
	operations := []rest.Operation{list, create, retrieve, update, remove}
	const providers = "/provider-groups/{id}/relationships/providers"
	relate := func(change rest.Change) rest.Handler { return rest.Relate("providers", h.found, change) }
	for _, one := range []struct {
		id      authz.Operation
		method  string
		summary string
		handle  rest.Handler
	}{
		{"add", http.MethodPost, "Put more providers into a group", relate(h.groups.AddProviders)},
		{"replace", http.MethodPatch, "Replace the providers of a group", relate(h.groups.ReplaceProviders)},
		{"remove", http.MethodDelete, "Take all providers out of a group", relate(h.groups.ReplaceProviders)},
	} {
		linkage := operation("relationships.providers."+one.id, one.method, providers, one.summary, one.handle)
		linkage.HTMLIDs, linkage.Status = true, http.StatusNoContent
		operations = append(operations, linkage)
	}
	return operations
}

// open returns the scope of the request, having narrowed its query to the groups that the subject may see: those of the own
// roles, but all for who sees every provider.
func open(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	scope, err := r.Scope(ctx)
	if err != nil || scope.Unlimited() {
		return scope, err
	}
	own := []uuid.UUID{}
	for _, role := range r.Principal.Subject.Roles {
		own = append(own, role.ProviderGroups...)
	}
	r.Query.Where = filter.And(filter.MustCondition("g.id", filter.In, own), r.Query.Where)
	return scope, nil
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := open(ctx, r)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, h.tenants.Read(scope), r.Query)
	if err != nil {
		return nil, err
	}
	return rest.ListOf(r, rows, window, resource), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := open(ctx, r)
	if err != nil {
		return nil, err
	}
	row, err := source.One(ctx, h.tenants.Read(scope), r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row)), nil
}

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	change, err := bind(r, "", true)
	if err != nil {
		return nil, err
	}
	id, err := h.groups.Create(ctx, scope, change)
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	one.Self = "" // the wire sends no link with a new group
	return rest.Created(jsonapi.Document{One: &one}), nil
}

func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	change, err := bind(r, r.ID("id").String(), false)
	if err != nil {
		return nil, err
	}
	if err := h.groups.Update(ctx, scope, r.ID("id"), change); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row)), nil
}

// found makes sure that the subject reaches the group of the path before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	if _, err := open(ctx, r); err != nil {
		return tenant.Scope{}, err
	}
	return rest.Found(ctx, r, h.tenants, source.One)
}

func bind(r *rest.Request, id string, creates bool) (providergroup.Change, error) {
	body, err := r.Bind("provider-groups", id)
	if err != nil {
		return providergroup.Change{}, err
	}
	change := providergroup.Change{
		Name:      body.Text("name", jsonapi.Rules{Required: creates, Max: 255}).Ptr(),
		Tags:      tags(body),
		Providers: body.ToMany("providers", "providers", jsonapi.Rules{}).Ptr(),
		Roles:     body.ToMany("roles", "roles", jsonapi.Rules{}).Ptr(),
	}
	body.ReadOnly("inserted_at", "updated_at", "url")
	return change, body.Done()
}

// tags reads a list of texts; what is there twice counts once.
func tags(body *jsonapi.Binder) *[]string {
	given := body.JSON("tags", jsonapi.Rules{})
	if !given.Set || given.Null {
		return nil
	}
	list, ok := given.Value.([]any)
	if !ok {
		body.Fail(jsonapi.Field("tags", "not_a_list", "Expected a list of texts."))
		return nil
	}
	if len(list) > maxTags {
		body.Fail(jsonapi.Field("tags", "max_length", fmt.Sprintf("Ensure this field has no more than %d elements.", maxTags)))
		return nil
	}
	tags := []string{}
	for i, one := range list {
		text, refusals := jsonapi.CheckText(one, jsonapi.Rules{Max: maxTagLength})
		for _, refusal := range refusals {
			body.Fail(jsonapi.Field(fmt.Sprintf("tags/%d", i), refusal.Code, refusal.Detail))
		}
		if len(refusals) == 0 && !slices.Contains(tags, text) {
			tags = append(tags, text)
		}
	}
	return &tags
}

// shownTags are left out of the answer when there are none, unless they are asked for: clients that know no tags see none.
func shownTags(r *rest.Request, tags []string) []string {
	if _, sparse := r.Query.Fields["provider-groups"]; len(tags) == 0 && !sparse {
		return nil
	}
	return tags
}

func resource(r *rest.Request, row tenantdb.ListProviderGroupsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "provider-groups", ID: row.ID.String(), Self: r.URL("/provider-groups/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{Name: row.Name, Tags: shownTags(r, row.Tags), InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt}),
		Relationships: []jsonapi.Relation{
			jsonapi.ToMany("providers", "providers", jsonapi.IDs(row.ProviderIds)),
			jsonapi.ToMany("roles", "roles", jsonapi.IDs(row.RoleIds)),
		}}
}
