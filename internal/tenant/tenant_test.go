package tenant_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func open(t *testing.T, db *pgtest.DB) *tenant.Executor {
	t.Helper()
	executor, err := tenant.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.App), MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(executor.Close)
	return executor
}

// seed makes a tenant with a provider of each uid and returns their ids.
func seed(t *testing.T, db *pgtest.DB, uids ...string) (organisation uuid.UUID, providers []uuid.UUID) {
	t.Helper()
	pool := db.Pool(t, pgtest.Superuser)
	organisation = uuid.New()
	if _, err := pool.Exec(t.Context(), `insert into tenants (id, name) values ($1, 'Acme')`, organisation); err != nil {
		t.Fatal(err)
	}
	for _, uid := range uids {
		id := uuid.New()
		providers = append(providers, id)
		if _, err := pool.Exec(t.Context(), `insert into providers (tenant_id, id, provider, uid) values ($1, $2, 'aws', $3)`, organisation, id, uid); err != nil {
			t.Fatal(err)
		}
	}
	return organisation, providers
}

func TestAScopeShowsWhatItSays(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	executor := open(t, db)
	ours, ids := seed(t, db, "111111111111", "222222222222")
	theirs, foreign := seed(t, db, "333333333333")
	all := slices.Concat(ids, foreign)
	where := func(uids ...string) tenant.Visible {
		return tenant.SeeWhere(filter.MustCondition("p.uid", filter.In, uids))
	}
	for name, one := range map[string]struct {
		scope tenant.Scope
		want  []uuid.UUID
	}{
		"zero scope":                {tenant.Scope{}, nil},
		"no tenant":                 {tenant.NewScope(uuid.Nil, uuid.New(), tenant.SeeAll()), nil},
		"all of no tenant, narrow":  {tenant.NewScope(uuid.Nil, uuid.Nil, where("111111111111")), nil},
		"a tenant that is not":      {tenant.NewScope(uuid.New(), uuid.Nil, tenant.SeeAll()), nil},
		"all":                       {tenant.NewScope(ours, uuid.Nil, tenant.SeeAll()), ids},
		"all of another":            {tenant.NewScope(theirs, uuid.Nil, tenant.SeeAll()), foreign},
		"none":                      {tenant.NewScope(ours, uuid.Nil, tenant.SeeNone()), nil},
		"zero sight":                {tenant.NewScope(ours, uuid.Nil, tenant.Visible{}), nil},
		"zero condition":            {tenant.NewScope(ours, uuid.Nil, tenant.SeeWhere(filter.Fragment{})), nil},
		"some":                      {tenant.NewScope(ours, uuid.Nil, where("222222222222")), ids[1:]},
		"some and another tenant's": {tenant.NewScope(ours, uuid.Nil, where("111111111111", "333333333333")), ids[:1]},
		"a condition that is true":  {tenant.NewScope(ours, uuid.Nil, tenant.SeeWhere(filter.True())), ids},
		"a condition that is false": {tenant.NewScope(ours, uuid.Nil, tenant.SeeWhere(filter.False())), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tenantdb.New(executor.Read(one.scope)).FindProviders(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			sorted := slices.SortedFunc(slices.Values(one.want), compare)
			slices.SortFunc(got, compare)
			if !slices.Equal(got, sorted) {
				t.Errorf("a read shows %v, want %v", got, sorted)
			}
			err = executor.Write(t.Context(), one.scope, func(ctx context.Context, tx *tenant.Tx) error {
				if tx.Scope().Tenant() != one.scope.Tenant() {
					t.Error("the transaction is of another scope")
				}
				got, err := tenantdb.New(tx).FindProviders(ctx, all)
				slices.SortFunc(got, compare)
				if err == nil && !slices.Equal(got, sorted) {
					t.Errorf("a write shows %v, want %v", got, sorted)
				}
				return err
			})
			if none := one.scope.Tenant() == uuid.Nil; (err != nil) != none {
				t.Errorf("write: %v", err)
			}
		})
	}
}

func compare(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

// A new provider can be written by those who will not see it, and nothing else with it.
func TestTheScopeOfANewProvider(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	executor := open(t, db)
	ours, ids := seed(t, db, "111111111111")
	blind := tenant.NewScope(ours, uuid.Nil, tenant.SeeNone())
	create := func(scope tenant.Scope, id uuid.UUID) error {
		return executor.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
			return tenantdb.New(tx).CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: ours, ID: id, Provider: "aws", Uid: "999999999999"})
		})
	}
	if err := create(blind, uuid.New()); err == nil {
		t.Error("a provider was made behind the wall")
	}
	scope, id := blind.ForNewProvider()
	if got, err := tenantdb.New(executor.Read(scope)).FindProviders(t.Context(), ids); err != nil || len(got) != 0 {
		t.Errorf("the scope of a new provider shows %v, %v", got, err)
	}
	if err := create(scope, uuid.New()); err == nil {
		t.Error("the scope of one new provider made another")
	}
	if err := create(scope, id); err != nil {
		t.Error(err)
	}
	if all, other := tenant.NewScope(ours, uuid.Nil, tenant.SeeAll()).ForNewProvider(); all.SeesAll() || other == id {
		t.Error("the scope of a new provider is wider than that, or the id is not new")
	}
}

func TestViolatesNamesTheConstraint(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	executor := open(t, db)
	ours, ids := seed(t, db, "111111111111")
	err := executor.Write(t.Context(), tenant.NewScope(ours, uuid.Nil, tenant.SeeAll()), func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).CreateProvider(ctx, tenantdb.CreateProviderParams{TenantID: ours, ID: ids[0], Provider: "aws", Uid: "999999999999"})
	})
	if !tenant.Violates(err, "providers_pkey") || tenant.Violates(err, "providers_account") || tenant.Violates(errors.New("x"), "providers_pkey") || tenant.Violates(nil, "") {
		t.Error(err)
	}
	if err := executor.CheckRole(t.Context()); err != nil {
		t.Error(err)
	}
	if err := executor.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
