package findings

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.page(ctx, r, finding.All)
}

func (h handlers) latest(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.page(ctx, r, finding.Newest)
}

func (h handlers) page(ctx context.Context, r *rest.Request, scans finding.Scans) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, window, err := h.reader.Page(ctx, scope, r.Query, scans, shape(r))
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, r, scope, rows, window)
}

func (h handlers) history(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, window, err := h.reader.History(ctx, scope, r.Param("uid"), r.Query, shape(r))
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, r, scope, rows, window)
}

func (h handlers) answer(ctx context.Context, r *rest.Request, scope tenant.Scope, rows []finding.Finding, window filter.Window) (*rest.Answer, error) {
	included, err := h.include(ctx, r, scope, rows)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, included, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := h.reader.Get(ctx, scope, []uuid.UUID{r.ID("id")}, shape(r))
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, jsonapi.NotFound("Finding")
	}
	included, err := h.include(ctx, r, scope, rows)
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, rows[0]), included...), nil
}

// shape leaves out what the document will not show.
func shape(r *rest.Request) finding.Shape {
	return finding.Shape{Metadata: r.Shows(Type, "check_metadata"), Categories: r.Shows(Type, "categories"), Resources: r.Shows(Type, "resources")}
}

func (h handlers) places(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	services, regions, err := h.reader.Places(ctx, scope, r.Query)
	if err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: "finding-dynamic-filters", Attributes: jsonapi.Attributes(places{Services: services, Regions: regions})}), nil
}

func (h handlers) metadata(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.choices(ctx, r, finding.ScansQuery{Scans: finding.All, Where: r.Query.Part("scan", "inserted_at"), TypeField: "resource_type"}, false)
}

func (h handlers) latestMetadata(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	return h.choices(ctx, r, finding.ScansQuery{Scans: finding.Newest, TypeField: "resource_type"}, true)
}

// choices answers with what the chosen scans saw. The wire shows resource groups for the newest scans alone.
func (h handlers) choices(ctx context.Context, r *rest.Request, scans finding.ScansQuery, groups bool) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	const kind = "findings-metadata"
	wanted := finding.Wanted{Categories: r.Shows(kind, "categories"), Groups: groups && r.Shows(kind, "groups")}
	choices, err := h.reader.Choices(ctx, scope, &r.Query, scans, wanted)
	if err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: kind, Attributes: jsonapi.Attributes(metadata{Services: choices.Services, Regions: choices.Regions,
		ResourceTypes: choices.Types, Categories: choices.Categories, Groups: choices.Groups})}), nil
}
