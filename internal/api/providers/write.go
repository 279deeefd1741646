package providers

import (
	"context"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// create connects a provider. Who may create may do so whatever they see: the new provider is hidden from a person with
// limited visibility until it joins one of their groups.
func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	alias := body.Text("alias", aliasRules)
	kind := body.Choice("provider", jsonapi.Rules{}, provider.TypeNames()...)
	uid := body.Text("uid", jsonapi.Rules{Required: true, Min: 3, Max: 250})
	if err := body.Done(); err != nil {
		return nil, err
	}
	wanted := created{Alias: alias.Ptr(), Provider: kind.Or(string(provider.AWS))}
	wanted.UID = provider.NormalizeUID(provider.Type(wanted.Provider), uid.Value)
	if err := provider.CheckUID(provider.Type(wanted.Provider), wanted.UID); err != nil {
		return nil, err
	}
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	scope, id := scope.ForNewProvider()
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: scope.Tenant(), ID: id,
			Provider: wanted.Provider, Uid: wanted.UID, Alias: wanted.Alias})
	})
	if tenant.Violates(err, "providers_account") {
		return nil, jsonapi.Conflict("/data/attributes/uid", "Provider already exists.")
	}
	if err != nil {
		return nil, err
	}
	return rest.Created(jsonapi.Document{One: &jsonapi.Resource{Type: Type, ID: id.String(), Attributes: []jsonapi.Attribute{
		{Name: "alias", Value: wanted.Alias}, {Name: "provider", Value: wanted.Provider}, {Name: "uid", Value: wanted.UID}}}}), nil
}

var aliasRules = jsonapi.Rules{Nullable: true, Blank: true, Min: 3, Max: 100}

// update changes the alias. The object is looked up before the body is judged; all happens in one transaction.
func (h handlers) update(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	input, refusal := r.Input() // read before the transaction, so that a slow client does not hold one open
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := source.One(ctx, tx, r.ID("id"), r.Query.Where); err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		body, err := input.Bind(Type, r.Param("id"))
		if err != nil {
			return err
		}
		alias := body.Text("alias", aliasRules)
		if err := body.Done(); err != nil {
			return err
		}
		if alias.Set {
			changed, err := tenantdb.New(tx).RenameProvider(ctx, tenantdb.RenameProviderParams{ID: r.ID("id"), Alias: alias.Ptr()})
			if err != nil {
				return err
			}
			if changed == 0 { // deleted in between
				return jsonapi.NotFound("Provider")
			}
		}
		answer, err = answerOne(ctx, r, tx, filter.Fragment{})
		return err
	})
	return answer, err
}
