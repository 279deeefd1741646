package filter

import (
	"testing"
	"time"
)

func TestUUIDv7Bounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, to, lo, hi string
	}{
		{"a day", "2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z", "018d5cd0-bc00-7000-8000-000000000000", "018d61f7-1800-7000-8000-000000000000"},
		{"the epoch", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.001Z", "00000000-0000-7000-8000-000000000000", "00000000-0001-7000-8000-000000000000"},
		{"before it", "0001-01-01T00:00:00Z", "1969-12-31T00:00:00Z", "00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000000"},
		{"from down, to up", "1970-01-01T00:00:00.0019Z", "1970-01-01T00:00:00.002000001Z", "00000000-0001-7000-8000-000000000000", "00000000-0003-7000-8000-000000000000"},
		{"the last year", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999Z", "e677ccf9-8000-7000-8000-000000000000", "e677d21f-dbff-7000-8000-000000000000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from, _ := time.Parse(time.RFC3339Nano, test.from)
			to, _ := time.Parse(time.RFC3339Nano, test.to)
			lo, hi := UUIDv7Bounds(from, to)
			if lo.String() != test.lo || hi.String() != test.hi {
				t.Errorf("got %s %s, want %s %s", lo, hi, test.lo, test.hi)
			}
		})
	}
}
