// Package schedules declares the operation that has a provider scanned every day.
package schedules

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a daily schedule.
const Type = "daily-schedules"

// Attributes are the attributes of a daily schedule.
type Attributes struct {
	ProviderID uuid.UUID `json:"provider_id"`
}

type handlers struct {
	tenants *tenant.Executor
	scans   *scan.Service
}

// Operations declares the operations.
func Operations(executor *tenant.Executor, service *scan.Service) []rest.Operation {
	h := handlers{tenants: executor, scans: service}
	return []rest.Operation{
		{ID: "schedules.daily", Method: http.MethodPost, Path: "/schedules/daily", Tag: "Schedules", Summary: "Scan a provider every day",
			Request: rest.Schema{Type: Type, Attributes: Attributes{}}, Response: tasks.Schema(), Status: http.StatusAccepted, Handle: h.daily},
	}
}

func (h handlers) daily(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	body, err := r.Bind(Type, "")
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
		first, err := h.scans.Schedule(ctx, tx, provider.Value)
		if err == nil {
			answer = tasks.Accepted(first)
		}
		return err
	})
	switch {
	case errors.Is(err, scan.ErrNoProvider):
		return nil, jsonapi.NotFound("Provider")
	case errors.Is(err, scan.ErrScheduled):
		return nil, jsonapi.Conflict("/data/attributes/provider_id", "There is already a scheduled scan for this provider.")
	}
	return answer, err
}
