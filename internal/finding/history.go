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
	one, err := sightings(uid)
	if err != nil {
		return nil, filter.Window{}, fmt.Errorf("condition of a history: %w", err)
	}
	chosen, err := choose(query, All)
	if err != nil {
		return nil, filter.Window{}, err
	}
	chosen.where = filter.And(one, chosen.where)
	db := r.executor.Read(scope)
	rows, window, err := paging.Read(ctx, tenant.Together, db, &query, func(db tenant.DB, _ filter.Fragment) (int64, error) {
		return tenantdb.New(db.Shaped(chosen.fragments("where"))).CountFindings(ctx, chosen.perProvider)
	}, func(db tenant.DB, part paging.Part) ([]Finding, error) {
		return chosen.listByTime(ctx, db, part, shape)
	})
	if err != nil {
		return nil, filter.Window{}, fmt.Errorf("list history: %w", err)
	}
	if len(rows) > 0 {
		return rows, window, nil
	}
	return rows, window, exists(ctx, db, one)
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
func exists(ctx context.Context, db tenant.DB, one filter.Fragment) error {
	all := &selection{where: one}
	count, err := tenantdb.New(db.Shaped(all.fragments("where"))).CountFindings(ctx, nil)
	if err == nil && count == 0 {
		return jsonapi.NotFound("Finding")
	}
	return err
}

// sightings are all findings with a uid; the short key is what the index of histories has.
func sightings(uid string) (filter.Fragment, error) {
	hash, err := filter.Condition("f.uid_hash", filter.Exact, ingest.UIDHash(uid))
	if err != nil {
		return filter.Fragment{}, err
	}
	same, err := filter.Condition("f.uid", filter.Exact, uid)
	return filter.And(hash, same), err
}
