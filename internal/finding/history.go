package finding

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/paging"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// History returns a page of the sightings of one finding in all completed scans. The finding is named by its uid, or by the id of
// one of its sightings. The error is a refusal for a finding that no scan in sight has, and for a page that does not exist.
func (r *Reader) History(ctx context.Context, scope tenant.Scope, name string, query filter.Query, shape Shape) ([]Finding, filter.Window, error) {
	uid, err := r.uid(ctx, scope, name)
	if err != nil {
		return nil, filter.Window{}, err
	}
	chosen, err := choose(query, All)
	if err != nil {
		return nil, filter.Window{}, err
	}
	db := r.executor.Read(scope)
	rows, window, err := paging.Read(ctx, tenant.Together, db, &query, func(db tenant.DB, _ filter.Fragment) (int64, error) {
		return chosen.countSightings(ctx, db, uid)
	}, func(db tenant.DB, part paging.Part) ([]Finding, error) {
		return chosen.listSightings(ctx, db, uid, part, shape)
	})
	if err != nil {
		return nil, filter.Window{}, fmt.Errorf("list history: %w", err)
	}
	if len(rows) > 0 {
		return rows, window, nil
	}
	return rows, window, exists(ctx, db, uid)
}

// uid is that of the finding which is named: a uid never looks like an id.
func (r *Reader) uid(ctx context.Context, scope tenant.Scope, name string) (string, error) {
	id, err := uuid.Parse(name)
	if err != nil || len(name) != len(uuid.Nil.String()) {
		return name, nil
	}
	rows, err := r.Get(ctx, scope, []uuid.UUID{id}, Shape{})
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", jsonapi.NotFound("Finding")
	}
	return rows[0].Uid, nil
}

// exists refuses a finding of which there is no sighting, whatever a query leaves of them.
func exists(ctx context.Context, db tenant.DB, uid string) error {
	count, err := (&selection{query: &filter.Query{}}).countSightings(ctx, db, uid)
	if err == nil && count == 0 {
		return jsonapi.NotFound("Finding")
	}
	return err
}

func (s *selection) countSightings(ctx context.Context, db tenant.DB, uid string) (int64, error) {
	fragments := s.fragments()
	fragments["where"] = filter.And(sightings(uid), s.where)
	return tenantdb.New(db.Shaped(fragments)).CountSightings(ctx)
}

func (s *selection) listSightings(ctx context.Context, db tenant.DB, uid string, part paging.Part, shape Shape) ([]Finding, error) {
	fragments := s.fragments("order", "position")
	fragments["where"] = filter.And(sightings(uid), s.where, s.query.Behind)
	rows, err := tenantdb.New(db.Shaped(fragments)).ListSightings(ctx, tenantdb.ListSightingsParams{
		WithMetadata: shape.Metadata, WithCategories: shape.Categories, WithResources: shape.Resources,
		PageOffset: part.Offset, PageSize: part.Size})
	return convert(rows, func(row tenantdb.ListSightingsRow) Finding { return Finding(row) }), err
}

// sightings are all findings with a uid; the short key is what the index of histories has.
func sightings(uid string) filter.Fragment {
	return filter.And(filter.MustCondition("f.uid_hash", filter.Exact, ingest.UIDHash(uid)), filter.MustCondition("f.uid", filter.Exact, uid))
}
