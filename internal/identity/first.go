package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/password"
	"github.com/palisade-sec/palisade/internal/system"
)

// CreateFirst makes the first person of an installation, with an organisation of their own in which they may do everything,
// whether sign-up is open or not. Where there is anybody already it does nothing; made says which. Of several that try at
// once, one makes the person. The error says which rule an address or a password breaks, not what they are.
func (s *Service) CreateFirst(ctx context.Context, email, plain string) (made bool, err error) {
	there, err := systemdb.New(s.system.Read(system.SignUp, uuid.Nil)).AnybodyThere(ctx)
	if err != nil {
		return false, fmt.Errorf("look for people: %w", err)
	}
	if there {
		return false, nil
	}
	address := NormalEmail(email)
	if _, broken := jsonapi.CheckText(address, jsonapi.Rules{Max: 254, Email: true}); len(broken) > 0 {
		return false, fmt.Errorf("first administrator's address: %w", jsonapi.Errors(broken))
	}
	if broken := password.Check(plain, address); len(broken) > 0 {
		return false, fmt.Errorf("first administrator's password: %w", broken)
	}
	hash, err := password.Hash(ctx, plain)
	if err != nil {
		return false, fmt.Errorf("hash password: %w", err)
	}
	err = s.system.Write(ctx, system.SignUp, uuid.Nil, func(ctx context.Context, db system.DB) error {
		queries := systemdb.New(db)
		if err := queries.HoldSignUps(ctx); err != nil {
			return fmt.Errorf("hold sign-ups: %w", err)
		}
		if there, err = queries.AnybodyThere(ctx); err != nil || there {
			return err
		}
		user, err := createUser(ctx, queries, NewUser{Name: "Administrator", Email: address}, hash)
		if err != nil {
			return err
		}
		_, err = foundOwn(ctx, queries, user)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("create first administrator: %w", err)
	}
	return !there, nil
}
