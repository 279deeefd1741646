package scans

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var nameRules = jsonapi.Rules{Nullable: true, Blank: true, Min: 3, Max: 100}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	db := h.tenants.Read(scope)
	if err := checkReferences(ctx, r, db); err != nil {
		return nil, err
	}
	count, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where})).CountScans(ctx)
	if err != nil {
		return nil, err
	}
	window, err := r.Query.Page.Resolve(count)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where, "order": r.Query.Order})).
		ListScans(ctx, tenantdb.ListScansParams{PageSize: int32(window.Limit), PageOffset: int32(window.Offset)})
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, included(r, rows), window), nil
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
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	return answerOne(ctx, r, h.tenants.Read(scope))
}

func answerOne(ctx context.Context, r *rest.Request, db tenant.DB) (*rest.Answer, error) {
	if err := checkReferences(ctx, r, db); err != nil {
		return nil, err
	}
	row, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{"where": r.Query.Where})).GetScan(ctx, r.ID("id"))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, jsonapi.NotFound("Scan")
	}
	if err != nil {
		return nil, err
	}
	one := tenantdb.ListScansRow(row)
	return r.One(resource(r, one), included(r, []tenantdb.ListScansRow{one})...), nil
}

// create starts a scan. That the provider exists is part of judging the body: it comes before unknown attributes.
func (h handlers) create(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	name := body.Text("name", nameRules)
	wanted := body.ToOne("provider", providers.Type, jsonapi.Rules{Required: true})
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	if body.Failed() {
		return nil, body.Done()
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		known, err := tenantdb.New(tx).KnownProviders(ctx, []uuid.UUID{wanted.Value})
		if err != nil {
			return err
		}
		if len(known) == 0 {
			body.Fail(jsonapi.DoesNotExist("provider", wanted.Value))
		}
		if err := body.Done(); err != nil {
			return err
		}
		started, err := h.scans.Start(ctx, tx, wanted.Value, name.Ptr())
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
