package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/system"
)

// Profile is a change of what a person is called and how they log in; nil leaves a member as it is.
type Profile struct {
	Name     *string
	Email    *string
	Company  *string
	Password *string // in the clear; every token issued before stops working
}

// UpdateProfile changes a person's profile. An address that another person has is a refusal.
func (s *Service) UpdateProfile(ctx context.Context, user uuid.UUID, change Profile) (User, error) {
	var hash string
	if change.Password != nil {
		var err error
		if hash, err = password.Hash(ctx, *change.Password); err != nil {
			return User{}, fmt.Errorf("hash password: %w", err)
		}
	}
	var changed User
	err := s.system.Write(ctx, system.Self, user, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		row, err := queries.GetProfile(ctx, user)
		if errors.Is(err, pgx.ErrNoRows) {
			return jsonapi.NotFound("User")
		}
		if err != nil {
			return fmt.Errorf("get profile: %w", err)
		}
		set := func(field *string, to *string) {
			if to != nil {
				*field = *to
			}
		}
		set(&row.Name, change.Name)
		set(&row.CompanyName, change.Company)
		if change.Email != nil {
			row.Email = NormalEmail(*change.Email)
		}
		if hash != "" {
			row.Password = hash
		}
		err = queries.UpdateProfile(ctx, systemdb.UpdateProfileParams{ID: user, Name: row.Name, Email: row.Email, CompanyName: row.CompanyName, Password: row.Password})
		var violated *pgconn.PgError
		if errors.As(err, &violated) && violated.ConstraintName == "users_email_key" {
			return EmailTaken()
		}
		if err != nil {
			return fmt.Errorf("update profile: %w", err)
		}
		changed = User{ID: row.ID, Name: row.Name, Email: row.Email, CompanyName: row.CompanyName, DateJoined: row.DateJoined}
		return nil
	})
	return changed, err
}
