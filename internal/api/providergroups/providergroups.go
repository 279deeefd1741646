// Package providergroups declares the operations on provider groups. Who does not see every provider sees the groups of
// their own roles alone, and in them the providers that they see.
package providergroups

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/providergroup"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a provider group.
type Attributes struct {
	Name       string    `json:"name" maxLength:"255"`
	InsertedAt time.Time `json:"inserted_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

type newGroup struct {
	Name string `json:"name" maxLength:"255"`
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "id", Kind: filter.UUID, Column: "g.id", Lookups: filter.Exact | filter.In},
		{Name: "name", Column: "g.name", Lookups: filter.Exact | filter.In},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "g.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "updated_at", Kind: filter.DateTime, Column: "g.updated_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{{Name: "id", Column: "g.id"}, {Name: "name", Column: "g.name", Text: true}, {Name: "tenant", Column: "g.tenant_id"},
		{Name: "inserted_at", Column: "g.inserted_at"}, {Name: "updated_at", Column: "g.updated_at"}},
	DefaultSort: []string{"inserted_at"}, Tiebreak: "g.id",
})

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
	remove := operation("delete", http.MethodDelete, "/provider-groups/{id}", "Delete a provider group", h.delete)
	remove.Status = http.StatusNoContent
	operations := []rest.Operation{list, create, retrieve, update, remove}
	const providers = "/provider-groups/{id}/relationships/providers"
	for _, one := range []struct {
		id      authz.Operation
		method  string
		summary string
		handle  rest.Handler
	}{
		{"add", http.MethodPost, "Put more providers into a group", h.addProviders},
		{"replace", http.MethodPatch, "Replace the providers of a group", h.replaceProviders},
		{"remove", http.MethodDelete, "Take all providers out of a group", h.removeProviders},
	} {
		linkage := operation("relationships.providers."+one.id, one.method, providers, one.summary, one.handle)
		linkage.HTMLIDs, linkage.Status = true, http.StatusNoContent
		operations = append(operations, linkage)
	}
	return operations
}

// reach is the condition on the groups that the subject may see; it says nothing for who sees every provider.
func reach(r *rest.Request, scope tenant.Scope) filter.Fragment {
	if scope.SeesAll() {
		return filter.Fragment{}
	}
	own := []uuid.UUID{}
	for _, role := range r.Principal.Subject.Roles {
		own = append(own, role.ProviderGroups...)
	}
	return filter.MustCondition("g.id", filter.In, own)
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	read, where := h.tenants.Read(scope), filter.And(reach(r, scope), r.Query.Where)
	count, err := tenantdb.New(read.Shaped(map[string]filter.Fragment{"where": where})).CountProviderGroups(ctx)
	if err != nil {
		return nil, err
	}
	window, err := r.Query.Page.Resolve(count)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(read.Shaped(map[string]filter.Fragment{"where": where, "order": r.Query.Order})).
		ListProviderGroups(ctx, tenantdb.ListProviderGroupsParams{PageSize: int32(window.Limit), PageOffset: int32(window.Offset)})
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, nil, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	row, err := find(ctx, h.tenants.Read(scope), r.ID("id"), filter.And(reach(r, scope), r.Query.Where))
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
	one, err := h.written(ctx, r, scope, id)
	if err != nil {
		return nil, err
	}
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
	one, err := h.written(ctx, r, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return rest.OK(jsonapi.Document{One: &one, Fields: r.Query.Fields}), nil
}

func (h handlers) delete(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := h.groups.Delete(ctx, scope, r.ID("id")); err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}

func (h handlers) addProviders(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.relate(ctx, r, jsonapi.Input.LinkageToAdd, h.groups.AddProviders)
}

func (h handlers) replaceProviders(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.relate(ctx, r, jsonapi.Input.Linkage, h.groups.ReplaceProviders)
}

func (h handlers) removeProviders(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	none := func(jsonapi.Input, string) ([]uuid.UUID, error) { return nil, nil }
	return h.relate(ctx, r, none, h.groups.ReplaceProviders)
}

// relate changes the providers of a group.
func (h handlers) relate(ctx context.Context, r *rest.Request, read func(jsonapi.Input, string) ([]uuid.UUID, error),
	change func(context.Context, tenant.Scope, uuid.UUID, []uuid.UUID) error) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	input, err := r.Input()
	if err != nil {
		return nil, err
	}
	providers, err := read(input, "providers")
	if err != nil {
		return nil, err
	}
	if err := change(ctx, scope, r.ID("id"), providers); err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}

// found makes sure that the subject reaches the group of the path before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return scope, err
	}
	_, err = find(ctx, h.tenants.Read(scope), r.ID("id"), filter.And(reach(r, scope), r.Query.Where))
	return scope, err
}

// written is the resource as a change has left it; it is read from the primary, where the change is.
func (h handlers) written(ctx context.Context, r *rest.Request, scope tenant.Scope, id uuid.UUID) (one jsonapi.Resource, err error) {
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := find(ctx, tx, id, filter.Fragment{})
		one = resource(r, row)
		return err
	})
	return one, err
}

func find(ctx context.Context, db tenant.DB, id uuid.UUID, where filter.Fragment) (tenantdb.ListProviderGroupsRow, error) {
	that := filter.MustCondition("g.id", filter.Exact, id)
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": filter.And(that, where), "order": {}})).
		ListProviderGroups(ctx, tenantdb.ListProviderGroupsParams{PageSize: 1})
	if err == nil && len(rows) == 0 {
		err = jsonapi.NotFound("ProviderGroup")
	}
	if err != nil {
		return tenantdb.ListProviderGroupsRow{}, err
	}
	return rows[0], nil
}

func bind(r *rest.Request, id string, creates bool) (providergroup.Change, error) {
	body, err := r.Bind("provider-groups", id)
	if err != nil {
		return providergroup.Change{}, err
	}
	change := providergroup.Change{
		Name:      body.Text("name", jsonapi.Rules{Required: creates, Max: 255}).Ptr(),
		Providers: body.ToMany("providers", "providers", jsonapi.Rules{}).Ptr(),
		Roles:     body.ToMany("roles", "roles", jsonapi.Rules{}).Ptr(),
	}
	body.ReadOnly("inserted_at", "updated_at", "url")
	return change, body.Done()
}

func resource(r *rest.Request, row tenantdb.ListProviderGroupsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "provider-groups", ID: row.ID.String(), Self: r.URL("/provider-groups/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{Name: row.Name, InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt}),
		Relationships: []jsonapi.Relation{
			jsonapi.ToMany("providers", "providers", jsonapi.IDs(row.ProviderIds)),
			jsonapi.ToMany("roles", "roles", jsonapi.IDs(row.RoleIds)),
		}}
}
