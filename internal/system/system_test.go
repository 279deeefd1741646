package system_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
)

func open(t *testing.T, url string) *system.Executor {
	t.Helper()
	executor, err := system.Open(t.Context(), pipeline.Config{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(executor.Close)
	return executor
}

func TestAScopeOpensItsTablesForItsTransactionAlone(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	executor := open(t, db.URL(pgtest.System))
	person := uuid.New()
	create := func(scope system.Scope, then error) error {
		return executor.Write(t.Context(), scope, uuid.Nil, func(ctx context.Context, tx system.DB) error {
			_, err := systemdb.New(tx).CreateUser(ctx, systemdb.CreateUserParams{ID: person, Name: "Ada", Email: "ada@example.com", Password: "x"})
			return errors.Join(err, then)
		})
	}
	for _, scope := range []system.Scope{"", "nonsense", system.Catalogue, system.Upkeep, system.Queue} {
		var refused *pgconn.PgError
		if err := create(scope, nil); !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("scope %q makes people: %v", scope, err)
		}
	}
	undo := errors.New("undo")
	if err := create(system.SignUp, undo); !errors.Is(err, undo) {
		t.Fatal(err)
	}
	if err := create(system.SignUp, nil); err != nil {
		t.Fatalf("after an undone one: %v", err)
	}
	find := func(scope system.Scope) error {
		_, err := systemdb.New(executor.Read(scope, uuid.Nil)).FindLogin(t.Context(), "ada@example.com")
		return err
	}
	if err := find(system.Login); err != nil {
		t.Error(err)
	}
	// The same connection, without a scope: nothing of the last one is left.
	for _, scope := range []system.Scope{"", "nonsense", system.Catalogue} {
		if err := find(scope); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("scope %q: %v", scope, err)
		}
	}
	err := systemdb.New(executor.Read(system.Login, person)).NoteLogin(t.Context(), person)
	if err == nil {
		t.Error("a read scope changed something")
	}
}

func TestQueriesWithMarkersNeedFragments(t *testing.T) {
	t.Parallel()
	executor := open(t, pgtest.New(t).URL(pgtest.System))
	if _, err := systemdb.New(executor.Read(system.Self, uuid.New())).CountOwnTenants(t.Context(), uuid.New()); err == nil {
		t.Error("a query with a marker ran without a fragment")
	}
	shaped := executor.Read(system.Self, uuid.New()).Shaped(map[string]filter.Fragment{"where": {}})
	if count, err := systemdb.New(shaped).CountOwnTenants(t.Context(), uuid.New()); err != nil || count != 0 {
		t.Error(count, err)
	}
}

func TestRolesThatPassTheWallAreRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for role, good := range map[string]bool{pgtest.System: true, pgtest.Owner: false, pgtest.Superuser: false} {
		executor := open(t, db.URL(role))
		if err := executor.CheckRole(t.Context()); (err == nil) != good {
			t.Errorf("%s: %v", role, err)
		}
		if err := executor.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
