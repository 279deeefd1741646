package overviews

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
)

// day are the failed findings of a day that are not muted, and the scans that say so.
type day struct {
	Critical      int64       `json:"critical"`
	High          int64       `json:"high"`
	Medium        int64       `json:"medium"`
	Low           int64       `json:"low"`
	Informational int64       `json:"informational"`
	Muted         int64       `json:"muted"`
	ScanIDs       []uuid.UUID `json:"scan_ids"`
}

// SeriesQuery is the allow-list of the series: which providers, and from which day to which.
var SeriesQuery = filter.MustTable(filter.Table{Unpaged: true, Tolerate: filter.AnyParameter | filter.AnySort, Fields: append(scanChoice(),
	filter.Field{Name: "date_from", Kind: filter.Date}, filter.Field{Name: "date_to", Kind: filter.Date})})

// scanChoice are the filters that choose providers.
func scanChoice() []filter.Field {
	fields := finding.ProviderFields()
	return []filter.Field{fields[0], fields[1], fields[4]}
}

// maxDays is the longest series, counted from its first day to its last.
const maxDays = 365

// series answers with one resource for each day of the range.
func (h handlers) series(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	from, to, err := seriesRange(&r.Query, time.Now())
	if err != nil {
		return nil, err
	}
	if to.Before(from) {
		return all(r, []jsonapi.Resource{}), nil
	}
	queries, err := h.ofProviders(ctx, r)
	if err != nil {
		return nil, err
	}
	rows, err := queries.OverviewSeverityDays(ctx, tenantdb.OverviewSeverityDaysParams{Since: from, Until: to.AddDate(0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("count severities by day: %w", err)
	}
	var many []jsonapi.Resource
	days := fill{rows: rows}
	for date := from; !date.After(to); date = date.AddDate(0, 0, 1) {
		many = append(many, jsonapi.Resource{Type: "findings-severity-over-time", ID: date.Format(time.DateOnly),
			Attributes: jsonapi.Attributes(days.at(date))})
	}
	return all(r, many), nil
}

// seriesRange are the first and the last day of the series. It ends today at the latest.
func seriesRange(query *filter.Query, now time.Time) (from, to time.Time, err error) {
	refuse := func(code, detail string) error {
		return jsonapi.Error{Status: http.StatusBadRequest, Code: code, Detail: detail, Pointer: "filter[date_from]"}
	}
	first, _ := query.Range("date_from")
	if first == nil {
		return from, to, refuse("required", "This query parameter is required.")
	}
	to = now.UTC().Truncate(24 * time.Hour)
	if last, _ := query.Range("date_to"); last != nil && last.Before(to) {
		to = *last
	}
	if to.Sub(*first) > maxDays*24*time.Hour {
		return from, to, refuse("invalid", "Date range cannot exceed 365 days.")
	}
	return *first, to, nil
}

// fill goes through the days in order: a provider counts with its last scan until there is a newer one.
type fill struct {
	rows    []tenantdb.OverviewSeverityDaysRow // by completion; those that at has passed are taken off
	current []tenantdb.OverviewSeverityDaysRow // of each provider, by its id
	day     day
}

// at are the figures at the end of a day.
func (f *fill) at(date time.Time) day {
	end := date.AddDate(0, 0, 1)
	changed := f.day.ScanIDs == nil
	for len(f.rows) > 0 && f.rows[0].CompletedAt.Before(end) {
		f.take(f.rows[0])
		f.rows, changed = f.rows[1:], true
	}
	if changed {
		f.day.ScanIDs = make([]uuid.UUID, len(f.current))
		for i, row := range f.current {
			f.day.ScanIDs[i] = row.ScanID
		}
	}
	return f.day
}

// take puts a scan in the place of its provider's earlier one.
func (f *fill) take(row tenantdb.OverviewSeverityDaysRow) {
	i, known := slices.BinarySearchFunc(f.current, row.ProviderID, func(other tenantdb.OverviewSeverityDaysRow, id uuid.UUID) int {
		return bytes.Compare(other.ProviderID[:], id[:])
	})
	if known {
		f.add(f.current[i], -1)
		f.current[i] = row
	} else {
		f.current = slices.Insert(f.current, i, row)
	}
	f.add(row, 1)
}

func (f *fill) add(row tenantdb.OverviewSeverityDaysRow, times int64) {
	f.day.Critical += times * int64(row.Critical)
	f.day.High += times * int64(row.High)
	f.day.Medium += times * int64(row.Medium)
	f.day.Low += times * int64(row.Low)
	f.day.Informational += times * int64(row.Informational)
	f.day.Muted += times * int64(row.Muted)
}
