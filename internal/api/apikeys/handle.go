package apikeys

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/users"
	"github.com/palisade-sec/palisade/internal/apikey"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// create makes a key that acts for the requester. Its text is in this answer alone.
func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	name := body.Text("name", jsonapi.Rules{Required: true, Min: 3, Max: 100})
	expires := body.Time("expires_at", jsonapi.Rules{})
	body.ReadOnly("prefix", "revoked", "inserted_at", "last_used_at", "api_key", "entity")
	if err := body.Done(); err != nil {
		return nil, err
	}
	id, text, err := h.keys.Create(ctx, scope, apikey.Wanted{Name: name.Value, ExpiresAt: expires.Ptr()})
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	one.Attributes = jsonapi.Attributes(created{Name: row.Name, Prefix: row.Prefix, ExpiresAt: row.ExpiresAt, Revoked: row.Revoked,
		InsertedAt: row.InsertedAt, LastUsedAt: row.LastUsedAt, APIKey: text})
	return rest.Created(jsonapi.Document{One: &one}), nil
}

// update renames a key, whoever made it. When a key ends is settled once.
func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, r.ID("id").String())
	if err != nil {
		return nil, err
	}
	name := body.Text("name", jsonapi.Rules{Min: 3, Max: 100})
	body.ReadOnly("prefix", "expires_at", "inserted_at", "last_used_at", "entity")
	if err := body.Done(); err != nil {
		return nil, err
	}
	if name.Set {
		if err := h.keys.Rename(ctx, scope, r.ID("id"), name.Value); err != nil {
			return nil, err
		}
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	one.Attributes = jsonapi.Attributes(renamed{Name: row.Name, Prefix: row.Prefix, ExpiresAt: row.ExpiresAt, InsertedAt: row.InsertedAt,
		LastUsedAt: row.LastUsedAt})
	return r.One(one), nil
}

// revoke ends a key, whoever made it.
func (h handlers) revoke(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := h.keys.Revoke(ctx, scope, r.ID("id")); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row)), nil
}

// found makes sure that the key of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

// include reads the people that the keys act for, where the request wants them.
func include(ctx context.Context, r *rest.Request, read tenant.DB, rows ...tenantdb.ListAPIKeysRow) ([]jsonapi.Resource, error) {
	if !r.Includes(Type, "entity") {
		return nil, nil
	}
	var owners []uuid.UUID
	for _, row := range rows {
		if row.UserID != nil {
			owners = append(owners, *row.UserID)
		}
	}
	return users.Included(ctx, r, read, "entity", owners)
}

func resource(_ *rest.Request, row tenantdb.ListAPIKeysRow) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Relationships: []jsonapi.Relation{jsonapi.ToOptional("entity", "users", row.UserID)},
		Attributes: jsonapi.Attributes(Attributes{Name: row.Name, Prefix: row.Prefix, ExpiresAt: row.ExpiresAt, Revoked: row.Revoked,
			InsertedAt: row.InsertedAt, LastUsedAt: row.LastUsedAt})}
}
