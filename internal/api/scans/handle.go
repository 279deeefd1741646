package scans

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/scanscope"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var nameRules = jsonapi.Rules{Nullable: true, Blank: true, Min: 3, Max: 100}

var source = listing.Source[tenantdb.ListScansRow, tenantdb.ListScansParams]{Name: "Scan", ID: "s.id",
	Count: (*tenantdb.Queries).CountScans, List: (*tenantdb.Queries).ListScans}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	if err := checkReferences(ctx, r, db); err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, db, r.Query)
	if err != nil {
		return nil, err
	}
	return rest.ListOf(r, rows, window, resource, included(r, rows)...), nil
}

// checkReferences refuses filters by providers that the subject does not see: whether they exist is not for the subject to know.
func checkReferences(ctx context.Context, r *rest.Request, db tenant.DB) error {
	for _, referred := range r.Query.References {
		known, err := tenantdb.New(db).KnownProviders(ctx, referred.IDs)
		if err != nil {
			return err
		}
		found := make(map[uuid.UUID]bool, len(known))
		for _, id := range known {
			found[id] = true
		}
		for _, id := range referred.IDs {
			if !found[id] {
				return referred.Refusal
			}
		}
	}
	return nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	return answerOne(ctx, r, db)
}

func answerOne(ctx context.Context, r *rest.Request, db tenant.DB) (*rest.Answer, error) {
	if err := checkReferences(ctx, r, db); err != nil {
		return nil, err
	}
	row, err := source.One(ctx, db, r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row), included(r, []tenantdb.ListScansRow{row})...), nil
}

// create starts a scan. That the provider exists is part of judging the body: it comes before unknown attributes.
func (h handlers) create(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	name := body.Text("name", nameRules)
	narrowed := scanscope.Read(body, "scope")
	wanted := body.ToOne("provider", providers.Type, jsonapi.Rules{Required: true})
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	if body.Failed() {
		return nil, body.Done()
	}
	judge, err := h.catalogue.Judge(ctx, narrowed)
	if err != nil {
		return nil, err
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		account, err := tenantdb.New(tx).LockProvider(ctx, wanted.Value)
		if errors.Is(err, pgx.ErrNoRows) {
			body.Fail(jsonapi.DoesNotExist("provider", wanted.Value))
		} else if err != nil {
			return err
		}
		if err := body.Done(); err != nil {
			return err
		}
		if err := judge.Check(ctx, tx, account.Provider, narrowed.Value, "scope"); err != nil {
			return err
		}
		started, err := h.scans.Start(ctx, tx, wanted.Value, scan.Wanted{Name: name.Ptr(), Scope: narrowed.Ptr()})
		if err != nil {
			return err
		}
		answer = tasks.Accepted(started)
		return nil
	})
	return answer, err
}

// update renames a scan. The scan is looked up before the body is judged.
func (h handlers) update(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	input, refusal := r.Input() // read before the transaction, so that a slow client does not hold one open
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := answerOne(ctx, r, tx); err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		body, err := input.Bind(Type, r.Param("id"))
		if err != nil {
			return err
		}
		name := body.Text("name", nameRules)
		if err := body.Done(); err != nil {
			return err
		}
		if name.Set {
			if _, err := tenantdb.New(tx).RenameScan(ctx, tenantdb.RenameScanParams{ID: r.ID("id"), Name: name.Ptr()}); err != nil {
				return err
			}
		}
		answer, err = answerOne(ctx, r, tx)
		return err
	})
	return answer, err
}
