package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// update changes a profile: one's own, or that of another member where policy allows it, but never another person's address
// or password, with which one could become them in every tenant. For the same reason a confined credential changes neither, not
// even its own person's.
func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	read, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := source.One(ctx, read, r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	other := r.ID("id") != r.User()
	if other {
		allowed, err := r.May(ctx, "users.update_others")
		if err != nil {
			return nil, err
		}
		if !allowed {
			return nil, jsonapi.Invalid("Only users with manage users permission can update other users.")
		}
	}
	change, err := bind(r, other || r.Confined(), row.Email)
	if err != nil {
		return nil, err
	}
	changed, err := h.identity.UpdateProfile(ctx, r.ID("id"), change)
	if err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: "users", ID: changed.ID.String(),
		Attributes: jsonapi.Attributes(profile{Name: changed.Name, Email: changed.Email, CompanyName: changed.CompanyName})}), nil
}

// bind reads a change; barred says that the address and the password are not the requester's to change.
func bind(r *rest.Request, barred bool, email string) (identity.Profile, error) {
	body, err := r.Bind("users", r.ID("id").String())
	if err != nil {
		return identity.Profile{}, err
	}
	change := identity.Profile{
		Name:     body.Text("name", jsonapi.Rules{Min: 3, Max: 150}).Ptr(),
		Email:    body.Text("email", jsonapi.Rules{Max: 254, Email: true}).Ptr(),
		Company:  body.Text("company_name", jsonapi.Rules{Max: 150, Blank: true}).Ptr(),
		Password: body.Text("password", jsonapi.Rules{}).Ptr(),
	}
	if barred {
		const refusal = "Only the person can change this."
		if change.Email != nil {
			body.Fail(jsonapi.Field("email", "invalid", refusal))
		}
		if change.Password != nil {
			body.Fail(jsonapi.Field("password", "invalid", refusal))
		}
	} else if change.Password != nil && *change.Password != "" {
		if change.Email != nil {
			email = *change.Email
		}
		body.Fail(password.Check(*change.Password, email)...)
	}
	return change, body.Done()
}

// delete closes the requester's own account.
func (h handlers) delete(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if id, err := uuid.Parse(r.Param("id")); err != nil || id != r.User() {
		return nil, jsonapi.Invalid("Only the current user can be deleted.")
	}
	if err := h.identity.Close(ctx, r.User()); err != nil {
		return nil, err
	}
	return rest.NoContent(), nil
}

// found makes sure that the member of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

// takeRoles takes all roles from a member.
func (h handlers) takeRoles(ctx context.Context, scope tenant.Scope, user uuid.UUID, _ []uuid.UUID) error {
	return h.roles.TakeFrom(ctx, scope, user)
}
