package secrets

import (
	"context"

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
	count, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where})).CountProviderSecrets(ctx)
	if err != nil {
		return nil, err
	}
	window, err := r.Query.Page.Resolve(count)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where, "order": r.Query.Order})).
		ListProviderSecrets(ctx, tenantdb.ListProviderSecretsParams{PageSize: int32(window.Limit), PageOffset: int32(window.Offset)})
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = linked(r, row)
	}
	return r.List(many, nil, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	row, err := find(ctx, r, h.tenants.Read(scope))
	if err != nil {
		return nil, err
	}
	return r.One(linked(r, row)), nil
}

// find is the secret of the URL when it meets the filters. One of a hidden provider or of another tenant, and none at all,
// are the same 404.
func find(ctx context.Context, r *rest.Request, db tenant.DB) (tenantdb.ListProviderSecretsRow, error) {
	that := filter.MustCondition("s.id", filter.Exact, r.ID("id"))
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": filter.And(that, r.Query.Where), "order": {}})).
		ListProviderSecrets(ctx, tenantdb.ListProviderSecretsParams{PageSize: 1})
	if err != nil {
		return tenantdb.ListProviderSecretsRow{}, err
	}
	if len(rows) == 0 {
		return tenantdb.ListProviderSecretsRow{}, notFound()
	}
	return rows[0], nil
}

func notFound() error { return jsonapi.NotFound("ProviderSecret") }

func linked(r *rest.Request, row tenantdb.ListProviderSecretsRow) jsonapi.Resource {
	one := resource(row.ID, row.ProviderID, Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, Name: row.Name, SecretType: row.SecretType})
	one.Self = r.URL("/providers/secrets/" + row.ID.String())
	return one
}
