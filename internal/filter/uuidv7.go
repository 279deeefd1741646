package filter

import (
	"time"

	"github.com/google/uuid"
)

// UUIDv7Bounds returns the half-open range of the UUIDv7 values (RFC 9562) of the moments in [from, to):
// id >= lo and id < hi. Both bounds have all random bits zero, like the bounds of partitions, so the database can leave
// partitions out. UUIDv7 has milliseconds: from is rounded down and to up. Moments before 1970 count as 1970.
func UUIDv7Bounds(from, to time.Time) (lo, hi uuid.UUID) {
	return uuidv7Floor(from), uuidv7Floor(ceilMillisecond(to))
}

const maxUUIDv7Millisecond = 1<<48 - 1

// uuidv7Floor is the smallest UUIDv7 of the millisecond that holds t.
func uuidv7Floor(t time.Time) uuid.UUID {
	ms := min(max(t.UnixMilli(), 0), maxUUIDv7Millisecond)
	id := uuid.UUID{6: 0x70, 8: 0x80}
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	return id
}

func ceilMillisecond(t time.Time) time.Time {
	floor := t.Truncate(time.Millisecond)
	if floor.Equal(t) {
		return t
	}
	return floor.Add(time.Millisecond)
}

// uuidv7Time returns the moment in a UUIDv7.
func uuidv7Time(id uuid.UUID) time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}
