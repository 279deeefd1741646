package providers

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	db := h.tenants.Read(scope)
	count, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where})).CountProviders(ctx)
	if err != nil {
		return nil, err
	}
	window, err := r.Query.Page.Resolve(count)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where, "order": r.Query.Order})).
		ListProviders(ctx, tenantdb.ListProvidersParams{PageSize: int32(window.Limit), PageOffset: int32(window.Offset)})
	if err != nil {
		return nil, err
	}
	included, err := includeGroups(ctx, r, db, rows)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, included, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	return answerOne(ctx, r, h.tenants.Read(scope), r.Query.Where)
}

// answerOne is the answer with the provider of the URL.
func answerOne(ctx context.Context, r *rest.Request, db tenant.DB, where filter.Fragment) (*rest.Answer, error) {
	row, err := find(ctx, r, db, where)
	if err != nil {
		return nil, err
	}
	included, err := includeGroups(ctx, r, db, []tenantdb.ListProvidersRow{row})
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row), included...), nil
}

// find is the provider of the URL when it meets the condition. One that is hidden, another tenant's, deleted or none at all
// is the same 404.
func find(ctx context.Context, r *rest.Request, db tenant.DB, where filter.Fragment) (tenantdb.ListProvidersRow, error) {
	that := filter.MustCondition("p.id", filter.Exact, r.ID("id"))
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": filter.And(that, where), "order": {}})).
		ListProviders(ctx, tenantdb.ListProvidersParams{PageSize: 1})
	if err != nil {
		return tenantdb.ListProvidersRow{}, err
	}
	if len(rows) == 0 {
		return tenantdb.ListProvidersRow{}, jsonapi.NotFound("Provider")
	}
	return rows[0], nil
}

// groupName is what an included provider group shows.
type groupName struct {
	Name string `json:"name"`
}

// includeGroups are the groups of the providers when the request asks for them.
func includeGroups(ctx context.Context, r *rest.Request, db tenant.DB, rows []tenantdb.ListProvidersRow) ([]jsonapi.Resource, error) {
	if !r.Includes(Type, "provider_groups") {
		return nil, nil
	}
	seen := make(map[uuid.UUID]bool)
	var ids []uuid.UUID
	for _, row := range rows {
		for _, id := range row.GroupIds {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	groups, err := tenantdb.New(db).ListNamesOfProviderGroups(ctx, ids)
	if err != nil {
		return nil, err
	}
	included := make([]jsonapi.Resource, len(groups))
	for i, group := range groups {
		included[i] = jsonapi.Resource{Type: "provider-groups", ID: group.ID.String(), Attributes: jsonapi.Attributes(groupName{Name: group.Name})}
	}
	return included, nil
}
