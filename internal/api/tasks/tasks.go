// Package tasks declares the operations on tasks, and the answer of every operation that starts one: 202 with the task's
// document and the address where to watch it.
package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a task.
const Type = "tasks"

// Attributes are the attributes of a task.
type Attributes struct {
	InsertedAt  time.Time       `json:"inserted_at"`
	CompletedAt time.Time       `json:"completed_at"` // of a task that has not ended: when it changed last
	Name        string          `json:"name"`
	State       task.State      `json:"state" enum:"available,scheduled,executing,completed,failed,cancelled"`
	Result      json.RawMessage `json:"result"`
	TaskArgs    json.RawMessage `json:"task_args"`
	Metadata    json.RawMessage `json:"metadata"`
}

// Schema describes the document of a task, for operations that answer with one.
func Schema() rest.Schema { return rest.Schema{Type: Type, Attributes: Attributes{}} }

// Query is the allow-list of the list's parameters. The order by state is that of the wire.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "name", Column: "t.name", Lookups: filter.Exact | filter.IContains},
		{Name: "state", Kind: filter.Choice, Column: "t.state",
			Choices: []string{"available", "scheduled", "executing", "completed", "failed", "cancelled"}},
	},
	Sorts: []filter.Sort{
		{Name: "inserted_at", Column: "t.inserted_at"}, {Name: "name", Column: "t.name", Text: true},
		{Name: "state", Column: "t.state", Ranked: []string{"failed", "available", "scheduled", "cancelled", "executing", "completed"}},
	},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "t.id",
	Search: &filter.Search{Columns: []filter.Column{"t.name"}},
})

type handlers struct {
	tenants *tenant.Executor
	jobs    *jobs.Client
}

// Operations declares the operations.
func Operations(executor *tenant.Executor, client *jobs.Client) []rest.Operation {
	h := handlers{tenants: executor, jobs: client}
	many := Schema()
	many.List = true
	return []rest.Operation{
		{ID: "tasks.list", Method: http.MethodGet, Path: "/tasks", Tag: "Tasks", Summary: "List tasks", Query: Query, Response: many, Handle: h.list},
		{ID: "tasks.retrieve", Method: http.MethodGet, Path: "/tasks/{id}", Tag: "Tasks", Summary: "Get a task", Query: Query, Mode: rest.One,
			Response: Schema(), Handle: h.retrieve},
		{ID: "tasks.revoke", Method: http.MethodDelete, Path: "/tasks/{id}", Tag: "Tasks", Summary: "Cancel a task that has not ended", Query: Query, Mode: rest.One,
			Response: Schema(), Status: http.StatusAccepted, Handle: h.revoke},
	}
}

// Accepted is the answer of an operation that started a task.
func Accepted(one task.Task) *rest.Answer {
	document := Resource(one)
	return rest.Accepted(jsonapi.Document{One: &document}, one.ID.String())
}

// Resource is the resource object of a task.
func Resource(one task.Task) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: one.ID.String(), Attributes: jsonapi.Attributes(Attributes{
		InsertedAt: one.InsertedAt, CompletedAt: one.TouchedAt, Name: one.Name, State: one.State,
		Result: object(one.Result), TaskArgs: object(one.Args), Metadata: object(one.Metadata)})}
}

func object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	list, window, err := task.List(ctx, h.tenants.Read(scope), r.Query)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(list))
	for i, one := range list {
		many[i] = Resource(one)
	}
	return r.List(many, nil, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	one, err := find(ctx, r, h.tenants.Read(scope))
	if err != nil {
		return nil, err
	}
	return r.One(Resource(one)), nil
}

func (h handlers) revoke(ctx context.Context, r *rest.Request) (answer *rest.Answer, err error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	var one task.Task
	err = h.tenants.WriteAgain(ctx, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		if one, err = find(ctx, r, tx); err != nil {
			return err
		}
		cancelled, ok, err := h.jobs.Cancel(ctx, tx, one.ID)
		if err != nil {
			return err
		}
		if !ok {
			// It has ended, perhaps since it was found.
			if one, err = find(ctx, r, tx); err == nil {
				answer = refused(one, fmt.Sprintf("Status: '%s'", one.State))
			}
			return err
		}
		answer = Accepted(cancelled)
		return nil
	})
	if errors.Is(err, jobs.ErrMustEnd) {
		return refused(one, "A deletion is done to its end."), nil
	}
	return answer, err
}

func find(ctx context.Context, r *rest.Request, db tenant.DB) (task.Task, error) {
	one, err := task.Get(ctx, db, r.ID("id"), r.Query.Where)
	if errors.Is(err, task.ErrNotFound) {
		return task.Task{}, jsonapi.NotFound("Task")
	}
	return one, err
}

// refused is the answer about a task that cannot be cancelled. The wire has an object where errors are a list.
func refused(one task.Task, reason string) *rest.Answer {
	body, err := json.Marshal(map[string]any{"errors": map[string]string{"detail": "Task cannot be revoked. " + reason}})
	if err != nil {
		body = []byte(`{"errors":{}}`) // texts always encode
	}
	return &rest.Answer{Status: http.StatusBadRequest, Body: body, Header: http.Header{
		"Content-Type": {jsonapi.MediaType}, "Content-Location": {rest.BasePath + "/tasks/" + one.ID.String()}}}
}
