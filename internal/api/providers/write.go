package providers

import (
	"context"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scanscope"
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
	narrowed := scanscope.Read(body, scanScope)
	if err := body.Done(); err != nil {
		return nil, err
	}
	wanted := created{Alias: alias.Ptr(), Provider: kind.Or(string(provider.AWS))}
	wanted.UID = provider.NormalizeUID(provider.Type(wanted.Provider), uid.Value)
	if err := provider.CheckUID(provider.Type(wanted.Provider), wanted.UID); err != nil {
		return nil, err
	}
	stored, err := scanscope.Encode(narrowed.Value)
	if err != nil {
		return nil, err
	}
	judge, err := h.catalogue.Judge(ctx, narrowed)
	if err != nil {
		return nil, err
	}
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	scope, id := scope.ForNewProvider()
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if err := judge.Check(ctx, tx, wanted.Provider, narrowed.Value, scanScope); err != nil {
			return err
		}
		return tenantdb.New(tx).CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: scope.Tenant(), ID: id,
			Provider: wanted.Provider, Uid: wanted.UID, Alias: wanted.Alias, ScanScope: stored})
	})
	if tenant.Violates(err, "providers_account") {
		return nil, jsonapi.Conflict("/data/attributes/uid", "Provider already exists.")
	}
	if err != nil {
		return nil, err
	}
	attributes := []jsonapi.Attribute{{Name: "alias", Value: wanted.Alias}, {Name: "provider", Value: wanted.Provider}, {Name: "uid", Value: wanted.UID}}
	if stored != nil {
		attributes = append(attributes, jsonapi.Attribute{Name: scanScope, Value: narrowed.Value})
	}
	return rest.Created(jsonapi.Document{One: &jsonapi.Resource{Type: Type, ID: id.String(), Attributes: attributes}}), nil
}

// scanScope is the attribute that says what scans of a provider look at.
const scanScope = "scan_scope"

var aliasRules = jsonapi.Rules{Nullable: true, Blank: true, Min: 3, Max: 100}

// update changes the alias and the scope of scans. The object is looked up before the body is judged; all happens in one transaction.
func (h handlers) update(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	// Read before the transaction, so that a slow client, or the catalogue, does not hold one open.
	asked, refusal := h.read(ctx, r)
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := source.One(ctx, tx, r.ID("id"), r.Query.Where)
		if err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		if err := asked.apply(ctx, tx, row); err != nil {
			return err
		}
		answer, err = answerOne(ctx, r, tx, filter.Fragment{})
		return err
	})
	return answer, err
}

// change is what a request wants a provider to be.
type change struct {
	alias jsonapi.Given[string]
	scope scanscope.Given
	judge scanscope.Judge
}

func (h handlers) read(ctx context.Context, r *rest.Request) (asked change, err error) {
	body, err := r.Bind(Type, r.Param("id"))
	if err != nil {
		return asked, err
	}
	asked.alias, asked.scope = body.Text("alias", aliasRules), scanscope.Read(body, scanScope)
	if err := body.Done(); err != nil {
		return asked, err
	}
	asked.judge, err = h.catalogue.Judge(ctx, asked.scope)
	return asked, err
}

func (c change) apply(ctx context.Context, tx *tenant.Tx, row tenantdb.ListProvidersRow) error {
	if !c.alias.Set && !c.scope.Set {
		return nil
	}
	if err := c.judge.Check(ctx, tx, row.Provider, c.scope.Value, scanScope); err != nil {
		return err
	}
	stored, err := scanscope.Encode(c.scope.Value)
	if err != nil {
		return err
	}
	changed, err := tenantdb.New(tx).ChangeProvider(ctx, tenantdb.ChangeProviderParams{ID: row.ID, AliasGiven: c.alias.Set, Alias: c.alias.Ptr(),
		ScanScopeGiven: c.scope.Set, ScanScope: stored})
	if err == nil && changed == 0 { // deleted in between
		return jsonapi.NotFound("Provider")
	}
	return err
}
