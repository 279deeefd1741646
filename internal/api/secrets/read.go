package secrets

import (
	"context"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var source = listing.Source[tenantdb.ListProviderSecretsRow, tenantdb.ListProviderSecretsParams]{Name: "ProviderSecret", ID: "s.id",
	Count: (*tenantdb.Queries).CountProviderSecrets, List: (*tenantdb.Queries).ListProviderSecrets}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, db, r.Query)
	if err != nil {
		return nil, err
	}
	return rest.ListOf(r, rows, window, linked), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := find(ctx, r, db)
	if err != nil {
		return nil, err
	}
	return r.One(linked(r, row)), nil
}

// find is the secret of the URL when it meets the filters.
func find(ctx context.Context, r *rest.Request, db tenant.DB) (tenantdb.ListProviderSecretsRow, error) {
	return source.One(ctx, db, r.ID("id"), r.Query.Where)
}

func notFound() error { return jsonapi.NotFound(source.Name) }

func linked(r *rest.Request, row tenantdb.ListProviderSecretsRow) jsonapi.Resource {
	one := resource(row.ID, row.ProviderID, Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, Name: row.Name, SecretType: row.SecretType})
	one.Self = r.URL("/providers/secrets/" + row.ID.String())
	return one
}
