package schedules

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/tenant"
)

var source = listing.Source[tenantdb.ListSchedulesRow, tenantdb.ListSchedulesParams]{Name: "Schedule", ID: "c.id",
	Count: (*tenantdb.Queries).CountSchedules, List: (*tenantdb.Queries).ListSchedules}

const alreadyScheduled = "There is already a scheduled scan for this provider."

func (h handlers) daily(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	body, err := r.Bind(DailyType, "")
	if err != nil {
		return nil, err
	}
	provider := body.UUID("provider_id", jsonapi.Rules{Required: true})
	if err := body.Done(); err != nil {
		return nil, err
	}
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		first, err := h.scans.ScheduleDaily(ctx, tx, provider.Value)
		if err == nil {
			answer = tasks.Accepted(first)
		}
		return err
	})
	switch {
	case errors.Is(err, scan.ErrNoProvider):
		return nil, jsonapi.NotFound("Provider")
	case errors.Is(err, scan.ErrScheduled):
		return nil, jsonapi.Conflict("/data/attributes/provider_id", alreadyScheduled)
	}
	return answer, err
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, db, r.Query)
	if err != nil {
		return nil, err
	}
	return rest.ListOf(r, rows, window, resource, included(r, rows...)...), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := source.One(ctx, db, r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row), included(r, row)...), nil
}

func (h handlers) create(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	asked := read(body, true)
	provider := body.ToOne("provider", providers.Type, jsonapi.Rules{Required: true})
	if err := body.Done(); err != nil {
		return nil, err
	}
	schedule, err := asked.applied(scan.Schedule{Enabled: true})
	if err != nil {
		return nil, err
	}
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if err := h.scans.CreateSchedule(ctx, tx, provider.Value, schedule); err != nil {
			return err
		}
		row, err := source.One(ctx, tx, provider.Value, filter.Fragment{})
		if err != nil {
			return err
		}
		one := resource(r, row)
		answer = rest.Created(jsonapi.Document{One: &one, Included: included(r, row), Fields: r.Query.Fields})
		return nil
	})
	switch {
	case errors.Is(err, scan.ErrNoProvider):
		return nil, jsonapi.DoesNotExist("provider", provider.Value)
	case errors.Is(err, scan.ErrScheduled):
		return nil, jsonapi.Conflict("/data/relationships/provider", alreadyScheduled)
	}
	return answer, err
}

// update changes a schedule. The schedule is looked up before the body is judged.
func (h handlers) update(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	input, refusal := r.Input() // read before the transaction, so that a slow client does not hold one open
	err = h.onOne(ctx, r, func(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
		if refusal != nil {
			return refusal
		}
		body, err := input.Bind(Type, r.Param("id"))
		if err != nil {
			return err
		}
		asked := read(body, false)
		if err := body.Done(); err != nil {
			return err
		}
		if err := h.scans.ChangeSchedule(ctx, tx, provider, asked.applied); err != nil {
			return err
		}
		row, err := source.One(ctx, tx, r.ID("id"), filter.Fragment{})
		if err != nil {
			return err
		}
		answer = r.One(resource(r, row), included(r, row)...)
		return nil
	})
	return answer, err
}

func (h handlers) remove(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	err := h.onOne(ctx, r, h.scans.DeleteSchedule)
	return rest.NoContent(), err
}

func (h handlers) run(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	err = h.onOne(ctx, r, func(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error {
		started, err := h.scans.RunSchedule(ctx, tx, provider)
		if err == nil {
			answer = tasks.Accepted(started)
		}
		return err
	})
	if errors.Is(err, scan.ErrRunPending) {
		return nil, jsonapi.Conflict("/data", "A scheduled scan of this provider waits or runs already.")
	}
	return answer, err
}

// onOne does something to the schedule of the path, in one transaction. A schedule that is hidden, or ends meanwhile, is a 404.
func (h handlers) onOne(ctx context.Context, r *rest.Request, do func(ctx context.Context, tx *tenant.Tx, provider uuid.UUID) error) error {
	scope, err := r.Scope(ctx)
	if err != nil {
		return err
	}
	err = h.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := source.One(ctx, tx, r.ID("id"), r.Query.Where)
		if err != nil {
			return err
		}
		return do(ctx, tx, row.ProviderID)
	})
	if errors.Is(err, scan.ErrNoProvider) || errors.Is(err, scan.ErrNotScheduled) {
		return jsonapi.NotFound("Schedule")
	}
	return err
}
