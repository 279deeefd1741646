package filter

import (
	"fmt"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// check refuses a query without any of the obligatory dates, or with a range that is too long.
func (r *RequiredDates) check(q *Query, now time.Time) error {
	if !q.Has(r.Fields...) && !q.Has(r.Bypass...) {
		return jsonapi.Field(r.Fields[0], "required", r.detail())
	}
	for _, name := range r.Fields {
		if r.MaxDays > 0 && q.extent(name, now) > time.Duration(r.MaxDays)*24*time.Hour {
			return jsonapi.Field(name, "invalid", fmt.Sprintf("The date range cannot exceed %d days.", r.MaxDays))
		}
	}
	return nil
}

// detail lists the spellings that would do.
func (r *RequiredDates) detail() string {
	var options []string
	for _, suffix := range []string{"", ".gte", ".lte"} {
		for _, name := range r.Fields {
			options = append(options, "filter["+name+suffix+"]")
		}
	}
	last := len(options) - 1
	return "At least one date filter is required: " + strings.Join(options[:last], ", ") + ", or " + options[last] + "."
}

// extent is the length of a field's range, whatever the order of its ends. An exact value stands in for a missing end,
// else today's midnight (UTC) does.
func (q *Query) extent(name string, now time.Time) time.Duration {
	today := now.UTC().Truncate(24 * time.Hour)
	from, to := today, today
	for _, lookup := range []Lookup{Exact, GTE, LTE} {
		v := q.find(name, lookup)
		if v == nil {
			continue
		}
		if lookup != LTE {
			from = v.at
		}
		if lookup != GTE {
			to = v.at
		}
	}
	return to.Sub(from).Abs()
}
