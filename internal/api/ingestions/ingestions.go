// Package ingestions declares the operations on findings files that are handed in.
package ingestions

import (
	"context"
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of an ingestion.
type Attributes struct {
	State         string     `json:"state" enum:"pending,processing,completed,failed"`
	Status        string     `json:"status" enum:"pending,processing,completed,failed" doc:"The same as state."`
	Filename      string     `json:"filename"`
	Bytes         int64      `json:"bytes" doc:"Size as sent."`
	FindingsCount int64      `json:"findings_count" doc:"Findings that were stored."`
	ErrorsCount   int64      `json:"errors_count" doc:"Findings that could not be stored, and what is wrong with the file."`
	InsertedAt    time.Time  `json:"inserted_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
	CompletedAt   *time.Time `json:"completed_at"`
}

// ErrorAttributes are the attributes of one thing that could not be stored.
type ErrorAttributes struct {
	Code         string  `json:"code"`
	Detail       string  `json:"detail"`
	FindingIndex *int64  `json:"finding_index" doc:"Position in the file, from 0; null when it is about the whole file."`
	FindingUID   *string `json:"finding_uid"`
}

var states = []string{ingestion.Pending, ingestion.Processing, ingestion.Completed, ingestion.Failed}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "id", Kind: filter.UUID, Column: "i.id", Lookups: filter.Exact | filter.In},
		{Name: "state", Kind: filter.Choice, Column: "i.state", Choices: states, Lookups: filter.Exact | filter.In},
		{Name: "status", Kind: filter.Choice, Column: "i.state", Choices: states, Lookups: filter.Exact | filter.In},
		{Name: "provider", Kind: filter.UUID, Relationship: true, Column: "i.provider_id", Lookups: filter.Exact | filter.In},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "i.inserted_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "completed_at", Kind: filter.DateTime, Column: "i.completed_at", Lookups: filter.Exact | filter.GTE | filter.LTE},
	},
	Sorts: []filter.Sort{{Name: "inserted_at", Column: "i.inserted_at"}, {Name: "completed_at", Column: "i.completed_at", Nullable: true},
		{Name: "state", Column: "i.state", Text: true}, {Name: "filename", Column: "i.filename", Text: true}},
	DefaultSort: []string{"-inserted_at"}, Tiebreak: "i.id",
	Search: &filter.Search{Columns: []filter.Column{"i.filename"}},
})

var errorsQuery = filter.MustTable(filter.Table{
	Sorts: []filter.Sort{{Name: "number", Column: "e.number", Kind: filter.Integer, Hidden: true}}, DefaultSort: []string{"number"}, Tiebreak: "e.number",
})

var source = listing.Source[tenantdb.ListIngestionsRow, tenantdb.ListIngestionsParams]{Name: "Ingestion", ID: "i.id",
	Count: (*tenantdb.Queries).CountIngestions, List: (*tenantdb.Queries).ListIngestions}

type handlers struct {
	executor *tenant.Executor
	service  *ingestion.Service
	enqueue  ingestion.Enqueue
}

// Operations declares the operations.
func Operations(executor *tenant.Executor, service *ingestion.Service, client *jobs.Client) []rest.Operation {
	h := handlers{executor: executor, service: service, enqueue: ingestion.EnqueueWith(client)}
	one := rest.Schema{Type: "ingestions", Attributes: Attributes{}, Relationships: []string{"provider", "scan", "task"}}
	many := one
	many.List = true
	return []rest.Operation{
		{ID: "ingestions.create", Method: http.MethodPost, Path: "/ingestions", Tag: "Ingestions", Summary: "Hand a findings file in", Status: http.StatusAccepted,
			Request: rest.Schema{Media: "multipart/form-data"}, Response: one, Slow: true, Handle: h.create},
		{ID: "ingestions.list", Method: http.MethodGet, Path: "/ingestions", Tag: "Ingestions", Summary: "List the files that were handed in", Query: Query, Response: many, Handle: h.list},
		{ID: "ingestions.retrieve", Method: http.MethodGet, Path: "/ingestions/{id}", Tag: "Ingestions", Summary: "Get one file that was handed in", Query: Query, Mode: rest.Document,
			Response: one, Handle: h.retrieve},
		{ID: "ingestions.errors", Method: http.MethodGet, Path: "/ingestions/{id}/errors", Tag: "Ingestions", Summary: "List what could not be stored of a file", Query: errorsQuery,
			Response: rest.Schema{Type: "ingestion-errors", Attributes: ErrorAttributes{}, List: true}, Handle: h.errors},
	}
}

// create reads the part "file" of a form as it arrives; nothing is held in memory but a piece.
func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	part, err := filePart(r.HTTP)
	if err != nil {
		return nil, err
	}
	id, err := h.service.Receive(ctx, scope, part.FileName(), part, h.enqueue)
	if err != nil {
		return nil, err
	}
	row, err := tenantdb.New(h.executor.Read(scope)).GetIngestion(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) { // its provider was deleted meanwhile
		return nil, jsonapi.NotFound("Ingestion")
	}
	if err != nil {
		return nil, err
	}
	one := resource(row)
	return &rest.Answer{Status: http.StatusAccepted, Document: &jsonapi.Document{One: &one},
		Header: http.Header{"Content-Location": {rest.BasePath + "/ingestions/" + id.String()}}}, nil
}

// filePart finds the part of a multipart form that holds the file.
func filePart(r *http.Request) (*multipart.Part, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, jsonapi.UnsupportedMediaType(r.Header.Get("Content-Type"))
	}
	if parameters["boundary"] == "" {
		return nil, jsonapi.ParseError("Multipart form parse error - Invalid boundary in multipart: None")
	}
	reader := multipart.NewReader(r.Body, parameters["boundary"])
	for range 16 {
		part, err := reader.NextPart()
		if err != nil {
			break
		}
		if part.FormName() == "file" && part.FileName() != "" {
			return part, nil
		}
	}
	return nil, jsonapi.Field("file", "required", "No file was submitted.")
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.executor)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, db, r.Query)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(tenantdb.GetIngestionRow{ID: row.ID, State: row.State, Filename: row.Filename, Bytes: row.Bytes, FindingsCount: row.FindingsCount,
			ErrorsCount: row.ErrorsCount, InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, CompletedAt: row.CompletedAt,
			ProviderID: row.ProviderID, ScanID: row.ScanID, TaskID: row.TaskID})
	}
	return r.List(many, nil, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	row, err := h.find(ctx, r)
	if err != nil {
		return nil, err
	}
	return r.One(resource(row)), nil
}

func (h handlers) errors(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	row, err := h.find(ctx, r)
	if err != nil {
		return nil, err
	}
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, window, err := paging.Read(ctx, tenant.Together, h.executor.Read(scope), &r.Query, func(read tenant.DB, _ filter.Fragment) (int64, error) {
		return tenantdb.New(read).CountIngestionErrors(ctx, row.ID)
	}, func(read tenant.DB, part paging.Part) ([]tenantdb.ListIngestionErrorsRow, error) {
		return tenantdb.New(read.Shaped(map[string]filter.Fragment{"where": part.Where, "position": part.Position})).ListIngestionErrors(ctx,
			tenantdb.ListIngestionErrorsParams{IngestionID: row.ID, PageSize: int32(part.Size), PageOffset: int32(part.Offset)})
	})
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, one := range rows {
		many[i] = jsonapi.Resource{Type: "ingestion-errors", ID: errorID(row.ID, one.Number), Attributes: jsonapi.Attributes(
			ErrorAttributes{Code: one.Code, Detail: one.Detail, FindingIndex: one.FindingIndex, FindingUID: one.FindingUid})}
	}
	return r.List(many, nil, window), nil
}

// errorID names one error of a file: the same in every answer.
func errorID(id uuid.UUID, number int64) string {
	return uuid.NewSHA1(id, []byte{byte(number >> 40), byte(number >> 32), byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)}).String()
}

func (h handlers) find(ctx context.Context, r *rest.Request) (tenantdb.GetIngestionRow, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return tenantdb.GetIngestionRow{}, err
	}
	row, err := tenantdb.New(h.executor.Read(scope)).GetIngestion(ctx, r.ID("id"))
	if errors.Is(err, pgx.ErrNoRows) {
		return row, jsonapi.NotFound("Ingestion")
	}
	return row, err
}

func resource(row tenantdb.GetIngestionRow) jsonapi.Resource {
	return jsonapi.Resource{Type: "ingestions", ID: row.ID.String(),
		Attributes: jsonapi.Attributes(Attributes{State: row.State, Status: row.State, Filename: row.Filename, Bytes: row.Bytes, FindingsCount: row.FindingsCount,
			ErrorsCount: row.ErrorsCount, InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, CompletedAt: row.CompletedAt}),
		Relationships: []jsonapi.Relation{jsonapi.ToOptional("provider", "providers", row.ProviderID), jsonapi.ToOptional("scan", "scans", row.ScanID),
			jsonapi.ToOptional("task", "tasks", row.TaskID)}}
}
