package ingest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// moments gives out ids and moments that agree: the UUIDv7 holds the millisecond of the moment and, in its next 12 bits, the
// fraction, so that ids sort as moments do (RFC 9562, section 6.2, method 3). Moments are at least a microsecond apart.
type moments struct {
	last  time.Time
	clock func() time.Time
}

// skewLimit is how far a machine's clock may be ahead of the database's and be followed by others. What is later than that is a mistake
// that would only spread.
const skewLimit = 24 * time.Hour

// follow has all moments come after that of an id, unless that is later than a limit. Another machine made the id, and this one's clock
// may be behind: findings are younger than their scan and than what was found before, whichever machine stores them.
func (m *moments) follow(id uuid.UUID, limit time.Time) {
	if id.Version() != 7 {
		return
	}
	milliseconds := int64(binary.BigEndian.Uint64(id[:8]) >> 16)
	behind := time.UnixMilli(milliseconds + 1).UTC()
	if behind.After(m.last) && behind.Before(limit) {
		m.last = behind
	}
}

func (m *moments) next() (uuid.UUID, time.Time, error) {
	now := m.clock().UTC().Truncate(time.Microsecond)
	if !now.After(m.last) {
		now = m.last.Add(time.Microsecond)
	}
	m.last = now
	var id uuid.UUID
	if _, err := rand.Read(id[8:]); err != nil {
		return uuid.Nil, time.Time{}, fmt.Errorf("random bits: %w", err)
	}
	milliseconds := uint64(now.UnixMilli())
	binary.BigEndian.PutUint64(id[:8], milliseconds<<16)
	fraction := uint16((now.Nanosecond() % int(time.Millisecond)) * 4096 / int(time.Millisecond))
	binary.BigEndian.PutUint16(id[6:8], 0x7000|fraction)
	id[8] = id[8]&0x3f | 0x80
	return id, now, nil
}

// UIDHash is the short key of a finding's history: the first 64 bits of the SHA-256 of its uid.
func UIDHash(uid string) int64 {
	sum := sha256.Sum256([]byte(uid))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// metadataID is the key of a check's metadata: the same content has the same one.
func metadataID(hash [32]byte) uuid.UUID { return uuid.UUID(hash[:16]) }
