// Package compliance holds scans against compliance frameworks: which requirements failed where, counted when a scan completes
// and put together over scans when somebody asks.
//
// A requirement that no check serves is manual. It failed where one of its checks found a failure that is not muted, and passed
// otherwise, also where no check found anything. What findings are about may have no region: they count in all regions together
// and in none by name.
//
// What does not belong here: the files that frameworks come in (internal/catalogue), documents (internal/api/compliance), and
// ThreatScore, which weighs requirements (internal/threatscore).
package compliance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/memo"
)

// Revision is a framework as a scan was held against it.
type Revision struct {
	ID           uuid.UUID
	Framework    string // e.g. "CIS"
	Name         string
	Version      string
	Requirements []Requirement // each id once, in the order of the results
}

// Requirement is one demand of a framework.
type Requirement struct {
	ID          string   `json:"id"`
	Description string   `json:"description"`
	Checks      []string `json:"checks"`
}

// manual says that no check serves the requirement.
func (r *Requirement) manual() bool { return len(r.Checks) == 0 }

// OwnPrefix begins the ids of the frameworks that organisations write themselves, and of no other.
const OwnPrefix = "custom_"

// revisions are those that this process has met. An id stands for one content, whatever the database: in the catalogue it is made
// from it, and those of a tenant's own frameworks are random. Whoever asks for one has it from a row that the database showed them.
var revisions = memo.New[uuid.UUID, *Revision](32 << 20)

// load returns the revisions with the ids, from memory where they are there. Those of frameworks that a tenant has deleted are
// missing, or in memory still: the rows that name them are not shown any more.
func load(ctx context.Context, queries *tenantdb.Queries, ids []uuid.UUID) (map[uuid.UUID]*Revision, error) {
	found := make(map[uuid.UUID]*Revision, len(ids))
	var missing []uuid.UUID
	for _, id := range ids {
		if found[id] != nil {
			continue
		}
		if known, ok := revisions.Get(id); ok {
			found[id] = known
		} else if !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := queries.GetFrameworkRevisions(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("get frameworks: %w", err)
	}
	for _, row := range rows {
		revision := &Revision{ID: row.ID, Framework: row.Framework, Name: row.Name, Version: row.Version}
		if err := json.Unmarshal(row.Requirements, &revision.Requirements); err != nil {
			return nil, fmt.Errorf("read framework %s: %w", row.ID, err)
		}
		revisions.Put(row.ID, revision, 2*len(row.Requirements))
		found[row.ID] = revision
	}
	return found, nil
}
