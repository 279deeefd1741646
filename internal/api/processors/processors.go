// Package processors declares the operations on the tenant's processors, of which there is one type: the mute list.
package processors

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/mutelist"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of processors.
const Type = "processors"

// Attributes are the attributes of a processor.
type Attributes struct {
	InsertedAt    time.Time       `json:"inserted_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
	ProcessorType string          `json:"processor_type" enum:"mutelist"`
	Configuration json.RawMessage `json:"configuration"`
}

// configured are the attributes in the answer to a change.
type configured struct {
	InsertedAt    time.Time       `json:"inserted_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
	Configuration json.RawMessage `json:"configuration"`
}

type newProcessor struct {
	ProcessorType string `json:"processor_type" enum:"mutelist"`
	Configuration any    `json:"configuration" doc:"An object, or a text that holds one in YAML."`
}

type newConfiguration struct {
	Configuration any `json:"configuration" doc:"An object, or a text that holds one in YAML."`
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{{Name: "processor_type", Kind: filter.Choice, Choices: []string{mutelist.Processor}, Column: "p.processor_type",
		Lookups: filter.Exact | filter.In}},
	Sorts: []filter.Sort{{Name: "processor_type", Column: "p.processor_type"}, {Name: "inserted_at", Column: "p.inserted_at"},
		{Name: "updated_at", Column: "p.updated_at"}, {Name: "id", Column: "p.id"}},
	DefaultSort: []string{"processor_type", "-inserted_at"}, Tiebreak: "p.id",
})

var source = listing.Source[tenantdb.ListProcessorsRow, tenantdb.ListProcessorsParams]{Name: "Processor", ID: "p.id",
	Count: (*tenantdb.Queries).CountProcessors, List: (*tenantdb.Queries).ListProcessors}

type handlers struct {
	lists   *mutelist.Service
	tenants *tenant.Executor
}

// Operations declares the operations.
func Operations(service *mutelist.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{lists: service, tenants: executor}
	one := rest.Schema{Type: Type, Attributes: Attributes{}}
	many := one
	many.List = true
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "processors." + id, Method: method, Path: path, Summary: summary, Tag: "Processors",
			Query: Query, Mode: rest.One, Response: one, Handle: handle}
	}
	list := operation("list", http.MethodGet, "/processors", "List processors", source.Pages(executor, resource, nil))
	list.Mode, list.Cached, list.Response = rest.List, true, many
	create := operation("create", http.MethodPost, "/processors", "Create the mute list", h.create)
	create.Query, create.Status, create.Request = nil, http.StatusCreated, rest.Schema{Type: Type, Attributes: newProcessor{}}
	retrieve := operation("retrieve", http.MethodGet, "/processors/{id}", "Get a processor", source.Single(executor, resource, nil))
	retrieve.Cached = true
	update := operation("update", http.MethodPatch, "/processors/{id}", "Replace the configuration of a processor", h.update)
	update.Request, update.Response.Attributes = rest.Schema{Type: Type, Attributes: newConfiguration{}}, configured{}
	remove := operation("delete", http.MethodDelete, "/processors/{id}", "Delete a processor", rest.Remove(h.found, service.Delete))
	remove.Status, remove.Response = http.StatusNoContent, rest.Schema{}
	return []rest.Operation{list, create, retrieve, update, remove}
}

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	body.Choice("processor_type", jsonapi.Rules{Required: true}, mutelist.Processor)
	configuration := configuration(body, jsonapi.Rules{Required: true})
	body.ReadOnly("inserted_at", "updated_at")
	if err := body.Done(); err != nil {
		return nil, err
	}
	id, err := h.lists.Create(ctx, scope, configuration)
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	one.Self = ""
	return rest.Created(jsonapi.Document{One: &one}), nil
}

func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, r.ID("id").String())
	if err != nil {
		return nil, err
	}
	configuration := configuration(body, jsonapi.Rules{})
	body.ReadOnly("inserted_at", "updated_at")
	if err := body.Done(); err != nil {
		return nil, err
	}
	if err := h.lists.Configure(ctx, scope, r.ID("id"), configuration); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: Type, ID: row.ID.String(), Attributes: jsonapi.Attributes(configured{InsertedAt: row.InsertedAt,
		UpdatedAt: row.UpdatedAt, Configuration: row.Configuration})}), nil
}

// configuration reads the field that is an object or a text; nil when it is not there.
func configuration(body *jsonapi.Binder, rules jsonapi.Rules) any {
	given := body.JSON("configuration", rules)
	if !given.Set || given.Value == nil {
		return nil
	}
	document, refusal, ok := mutelist.Read(given.Value)
	if !ok {
		body.Fail(refusal)
	}
	return document
}

// found makes sure that the processor of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

func resource(r *rest.Request, row tenantdb.ListProcessorsRow) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Self: r.URL("/processors/" + row.ID.String()),
		Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, ProcessorType: row.ProcessorType,
			Configuration: row.Configuration})}
}
