package providers

import (
	"context"
	"errors"
	"net/http"

	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/deletion"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// DeletionOperation declares the operation that deletes a provider: gone at once for everybody, erased in the background.
func DeletionOperation(executor *tenant.Executor, service *deletion.Providers) rest.Operation {
	h := handlers{tenants: executor}
	return rest.Operation{ID: "providers.delete", Method: http.MethodDelete, Path: "/providers/{id}", Tag: "Providers",
		Summary: "Delete a provider and all that was found in it", Query: Query, Mode: rest.One, Response: tasks.Schema(), Status: http.StatusAccepted,
		Handle: func(ctx context.Context, r *rest.Request) (*rest.Answer, error) { return h.delete(ctx, r, service) }}
}

func (h handlers) delete(ctx context.Context, r *rest.Request, service *deletion.Providers) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	var started task.Task
	err = h.tenants.WriteAgain(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		row, err := source.One(ctx, tx, r.ID("id"), r.Query.Where)
		if err != nil {
			return err
		}
		started, err = service.Delete(ctx, tx, row.ID)
		return err
	})
	if errors.Is(err, deletion.ErrNoProvider) { // deleted in between
		return nil, jsonapi.NotFound("Provider")
	}
	if err != nil {
		return nil, err
	}
	return tasks.Accepted(started), nil
}
