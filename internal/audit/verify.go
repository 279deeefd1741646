package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Head is a place in a chain: what is noted elsewhere proves later that nothing up to there was taken away or written anew.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"` // in hexadecimal
}

// Chain is what verification found of a tenant's log.
type Chain struct {
	TenantID uuid.UUID `json:"tenant_id"`
	Head               // the last event that was read; zero for an empty log
	Break    *Break    `json:"break,omitempty"` // nil: the chain is whole
}

// Break is the first place where a chain is not as the database made it.
type Break struct {
	Seq    int64     `json:"seq"`
	Kind   BreakKind `json:"kind"`
	Detail string    `json:"detail"`
}

// BreakKind says what was done to a chain, as far as the chain can tell.
type BreakKind string

// The kinds of breaks.
const (
	Changed   BreakKind = "changed"   // a field of the event is not what it was
	Removed   BreakKind = "removed"   // events in the middle are missing
	Inserted  BreakKind = "inserted"  // an event was put in
	Reordered BreakKind = "reordered" // the event stood elsewhere
	Truncated BreakKind = "truncated" // the end is missing
	Rewritten BreakKind = "rewritten" // the chain is whole but not the one that was noted
)

// chainBatch is how many events are read at a time, each batch in a transaction of its own on the primary.
const chainBatch = 1000

// Verify reads the whole chain of a tenant from its beginning. noted, when there is one, must be part of it.
func Verify(ctx context.Context, executor *tenant.Executor, tenantID uuid.UUID, noted *Head) (Chain, error) {
	walk := walker{chain: Chain{TenantID: tenantID}, previous: genesis, noted: noted}
	scope := tenant.NewScope(tenantID, uuid.Nil, tenant.SeeAll())
	after := int64(math.MinInt64) // numbers before 1 would be found too
	for {
		var rows []tenantdb.AuditEvent
		err := executor.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
			rows, err = tenantdb.New(tx).ReadAuditChain(ctx, tenantdb.ReadAuditChainParams{AfterSeq: after, Batch: chainBatch})
			return err
		})
		if err != nil {
			return walk.chain, fmt.Errorf("read audit log of tenant %s: %w", tenantID, err)
		}
		for _, row := range rows {
			if walk.step(row); walk.chain.Break != nil {
				return walk.chain, nil
			}
		}
		if len(rows) < chainBatch {
			walk.end()
			return walk.chain, nil
		}
		after = rows[len(rows)-1].Seq
	}
}

// VerifyAll verifies the chain of every tenant that has one, and of those that something was noted of; found gets each result.
func VerifyAll(ctx context.Context, tenants *tenant.Executor, executor *system.Executor, noted map[uuid.UUID]Head, found func(Chain) error) error {
	seen := make(map[uuid.UUID]bool)
	verify := func(tenantID uuid.UUID) error {
		var expected *Head
		if head, ok := noted[tenantID]; ok {
			expected = &head
		}
		seen[tenantID] = true
		chain, err := Verify(ctx, tenants, tenantID, expected)
		if err != nil {
			return err
		}
		return found(chain)
	}
	for after := uuid.Nil; ; {
		next, err := nextTenant(ctx, executor, after)
		if errors.Is(err, pgx.ErrNoRows) {
			break
		}
		if err != nil {
			return fmt.Errorf("list tenants with an audit log: %w", err)
		}
		if err := verify(next); err != nil {
			return err
		}
		after = next
	}
	for tenantID := range noted {
		if !seen[tenantID] {
			if err := verify(tenantID); err != nil {
				return err
			}
		}
	}
	return nil
}

func nextTenant(ctx context.Context, executor *system.Executor, after uuid.UUID) (next uuid.UUID, err error) {
	err = executor.Write(ctx, system.Audit, uuid.Nil, func(ctx context.Context, db system.DB) (err error) {
		next, err = systemdb.New(db).NextAuditedTenant(ctx, after)
		return err
	})
	return next, err
}

// walker follows a chain.
type walker struct {
	chain    Chain
	previous []byte // hash of the last event
	noted    *Head
}

func (w *walker) step(row tenantdb.AuditEvent) {
	switch expected := w.chain.Seq + 1; {
	case row.Seq < expected:
		w.fail(row.Seq, Inserted, "number %d is given twice or too low", row.Seq)
	case row.Seq > expected:
		w.fail(expected, Removed, "events %d to %d are missing", expected, row.Seq-1)
	case !bytes.Equal(hash(row), row.Hash):
		w.explain(row)
	case !bytes.Equal(row.PreviousHash, w.previous):
		w.fail(row.Seq, Inserted, "event %d does not follow the one before it: one of the two was put in or replaced", row.Seq)
	case w.noted != nil && w.noted.Seq == row.Seq && w.noted.Hash != hex.EncodeToString(row.Hash):
		w.fail(row.Seq, Rewritten, "the hash of event %d is not the one that was noted", row.Seq)
	default:
		w.chain.Head, w.previous = Head{Seq: row.Seq, Hash: hex.EncodeToString(row.Hash)}, row.Hash
	}
}

func (w *walker) end() {
	if w.noted != nil && w.noted.Seq > w.chain.Seq {
		w.fail(w.chain.Seq+1, Truncated, "the log ends with event %d, event %d was noted", w.chain.Seq, w.noted.Seq)
	}
}

// searched is how far away from its place an event that does not fit is looked for.
const searched = 10_000

// explain says why the hash of an event is wrong: its number alone was changed when the hash fits another one.
func (w *walker) explain(row tenantdb.AuditEvent) {
	moved := row
	for moved.Seq = max(1, row.Seq-searched); moved.Seq <= row.Seq+searched; moved.Seq++ {
		if moved.Seq == row.Seq || !bytes.Equal(hash(moved), row.Hash) {
			continue
		}
		if moved.Seq < row.Seq {
			w.fail(row.Seq, Inserted, "event %d was written as number %d: something was put in before it", row.Seq, moved.Seq)
		} else {
			w.fail(row.Seq, Reordered, "event %d was written as number %d: events were reordered, or removed and the rest renumbered", row.Seq, moved.Seq)
		}
		return
	}
	w.fail(row.Seq, Changed, "event %d is not what its hash was computed of", row.Seq)
}

func (w *walker) fail(seq int64, kind BreakKind, format string, arguments ...any) {
	w.chain.Break = &Break{Seq: seq, Kind: kind, Detail: fmt.Sprintf(format, arguments...)}
}
