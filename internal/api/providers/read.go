package providers

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var source = listing.Source[tenantdb.ListProvidersRow, tenantdb.ListProvidersParams]{Name: "Provider", ID: "p.id",
	Count: (*tenantdb.Queries).CountProviders, List: (*tenantdb.Queries).ListProviders}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, db, r.Query)
	if err != nil {
		return nil, err
	}
	included, err := includeGroups(ctx, r, db, rows)
	if err != nil {
		return nil, err
	}
	return rest.ListOf(r, rows, window, resource, included...), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	return answerOne(ctx, r, db, r.Query.Where)
}

// answerOne is the answer with the provider of the URL.
func answerOne(ctx context.Context, r *rest.Request, db tenant.DB, where filter.Fragment) (*rest.Answer, error) {
	row, err := source.One(ctx, db, r.ID("id"), where)
	if err != nil {
		return nil, err
	}
	included, err := includeGroups(ctx, r, db, []tenantdb.ListProvidersRow{row})
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row), included...), nil
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
