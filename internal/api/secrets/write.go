package secrets

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var nameRules = jsonapi.Rules{Nullable: true, Blank: true, Min: 3, Max: 100}

// create stores the credentials of a provider that the person sees and that has none.
func (h handlers) create(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	body.ReadOnly("inserted_at", "updated_at")
	wanted := request{name: body.Text("name", nameRules), kind: body.Choice("secret_type", jsonapi.Rules{Required: true}, provider.SecretTypes()...),
		secret: body.JSON("secret", jsonapi.Rules{Required: true}), provider: body.ToOne("provider", "providers", jsonapi.Rules{Required: true})}
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		holder, err := findHolder(ctx, tenantdb.New(tx), body, wanted.provider)
		if err != nil {
			return err
		}
		if err := body.Done(); err != nil {
			return err
		}
		one, err := h.store(ctx, tx, holder, wanted)
		answer = rest.Created(jsonapi.Document{One: &one})
		return err
	})
	if tenant.Violates(err, "provider_secrets_tenant_id_provider_id_key") {
		return nil, taken() // by a request that ran at the same time
	}
	return answer, err
}

// request is the checked body of a request to store credentials.
type request struct {
	name, kind jsonapi.Given[string]
	secret     jsonapi.Given[any]
	provider   jsonapi.Given[uuid.UUID]
}

// findHolder looks the provider up and adds to the body's refusals when it is hidden, missing, or has credentials.
func findHolder(ctx context.Context, queries *tenantdb.Queries, body *jsonapi.Binder, wanted jsonapi.Given[uuid.UUID]) (provider.Type, error) {
	if wanted.Value == uuid.Nil && body.Failed() {
		return "", nil // the relation itself was refused
	}
	holder, err := queries.GetSecretHolder(ctx, wanted.Value)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		body.Fail(jsonapi.DoesNotExist("provider", wanted.Value))
	case err != nil:
		return "", err
	case holder.SecretID != nil:
		body.Fail(taken())
	}
	return provider.Type(holder.Provider), nil
}

func taken() jsonapi.Error {
	return jsonapi.Relationship("provider", "unique", "provider secret with this provider already exists.")
}

// store checks the credentials, seals them and writes the row.
func (h handlers) store(ctx context.Context, tx *tenant.Tx, holder provider.Type, wanted request) (jsonapi.Resource, error) {
	credentials, err := provider.CheckSecret(holder, wanted.kind.Value, wanted.secret.Value, false)
	if err != nil {
		return jsonapi.Resource{}, err
	}
	id := uuid.New()
	sealed, err := provider.Seal(h.keys, tx.Scope().Tenant(), id, credentials)
	if err != nil {
		return jsonapi.Resource{}, err
	}
	row, err := tenantdb.New(tx).CreateProviderSecret(ctx, tenantdb.CreateProviderSecretParams{ID: id, ProviderID: wanted.provider.Value,
		Name: wanted.name.Ptr(), SecretType: wanted.kind.Value, Secret: sealed})
	if errors.Is(err, pgx.ErrNoRows) { // deleted in between
		return jsonapi.Resource{}, jsonapi.DoesNotExist("provider", wanted.provider.Value)
	}
	if err != nil {
		return jsonapi.Resource{}, err
	}
	return resource(id, wanted.provider.Value, Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, Name: wanted.name.Ptr(),
		SecretType: wanted.kind.Value}), nil
}

// update replaces the credentials whole: a part of them cannot be checked, so a change of the name needs them too.
func (h handlers) update(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	input, refusal := r.Input() // read before the transaction, so that a slow client does not hold one open
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := find(ctx, r, tx)
		if err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		body, err := input.Bind(Type, r.Param("id"))
		if err != nil {
			return err
		}
		body.ReadOnly("inserted_at", "updated_at", "provider")
		wanted := request{name: body.Text("name", nameRules), kind: body.Choice("secret_type", jsonapi.Rules{}, provider.SecretTypes()...),
			secret: body.JSON("secret", jsonapi.Rules{})}
		if err := body.Done(); err != nil {
			return err
		}
		one, err := h.replace(ctx, tx, row, wanted)
		answer = rest.OK(jsonapi.Document{One: &one, Fields: r.Query.Fields})
		return err
	})
	return answer, err
}

// replace checks the new credentials, seals them and changes the row.
func (h handlers) replace(ctx context.Context, tx *tenant.Tx, row tenantdb.ListProviderSecretsRow, wanted request) (jsonapi.Resource, error) {
	kind := wanted.kind.Or(row.SecretType)
	credentials, err := provider.CheckSecret(provider.Type(row.Provider), kind, wanted.secret.Value, true)
	if err != nil {
		return jsonapi.Resource{}, err
	}
	sealed, err := provider.Seal(h.keys, tx.Scope().Tenant(), row.ID, credentials)
	if err != nil {
		return jsonapi.Resource{}, err
	}
	changed, err := tenantdb.New(tx).ReplaceProviderSecret(ctx, tenantdb.ReplaceProviderSecretParams{ID: row.ID, SecretType: kind, Secret: sealed,
		Rename: wanted.name.Set, Name: wanted.name.Ptr()})
	if errors.Is(err, pgx.ErrNoRows) { // deleted in between
		return jsonapi.Resource{}, notFound()
	}
	if err != nil {
		return jsonapi.Resource{}, err
	}
	return resource(row.ID, row.ProviderID, Attributes{InsertedAt: changed.InsertedAt, UpdatedAt: changed.UpdatedAt, Name: changed.Name, SecretType: kind}), nil
}

func (h handlers) delete(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := find(ctx, r, tx); err != nil {
			return err
		}
		deleted, err := tenantdb.New(tx).DeleteProviderSecret(ctx, r.ID("id"))
		if err == nil && deleted == 0 {
			return notFound()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}
