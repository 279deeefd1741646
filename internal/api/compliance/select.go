package compliance

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// selection is what a request asks about: a scan or the newest scans of some providers, and the rest of its filters.
type selection struct {
	db    tenant.DB
	query filter.Query
	named bool // a scan
	where compliance.Where
}

// refusal is the error object of a parameter that these operations check by hand.
func refusal(parameter, code, detail string) jsonapi.Error {
	return jsonapi.Error{Status: http.StatusBadRequest, Code: code, Detail: detail, Pointer: "filter[" + parameter + "]"}
}

func joined(values []string) string { return strings.Join(values, ", ") }

// given is the value of a parameter; one that is empty is not given.
func given(params filter.Params, name string) (value string, ok bool) {
	value, _ = params.Last("filter[" + name + "]")
	return value, value != ""
}

// byScan reports whether a request names a scan; otherwise it chooses providers. It must do one of the two.
func byScan(params filter.Params) (bool, error) {
	_, scan := given(params, "scan_id")
	providers := false
	for _, name := range providerFilters {
		for _, suffix := range []string{"", "__in", ".in"} {
			_, ok := given(params, name+suffix)
			providers = providers || ok
		}
	}
	switch {
	case scan && providers:
		return false, refusal("scan_id", "invalid", "Use either filter[scan_id] or provider filters.")
	case !scan && !providers:
		return false, refusal("scan_id", "required", "This query parameter is required unless a provider filter is provided.")
	}
	return scan, nil
}

// choose reads what a request asks about.
func (h handlers) choose(ctx context.Context, r *rest.Request, table *filter.Table) (chosen selection, err error) {
	if chosen.named, err = byScan(r.Query.Params); err != nil {
		return selection{}, err
	}
	if chosen.query, err = filter.Parse(r.Query.Params, table); err != nil {
		return selection{}, err
	}
	if chosen.db, err = r.DB(ctx, h.tenants); err != nil {
		return selection{}, err
	}
	chosen.where = compliance.Where{Frameworks: chosen.query.Part("compliance_id", "search")}
	if chosen.query.Has("region") {
		chosen.where.Regions = chosen.query.Part("region")
	}
	return chosen, nil
}

// reading is something that is asked about scans.
type reading func(ctx context.Context, db tenant.DB, scans []uuid.UUID) error

// read finds the scans and asks about them. Of a scan that did not complete, or that the subject does not see, there is nothing to
// say, and counts is false; known tells whether there is a scan of that id at all.
func (s *selection) read(ctx context.Context, asked ...reading) (known, counts bool, err error) {
	if s.named {
		return s.readNamed(ctx, asked)
	}
	newest, err := compliance.NewestScans(ctx, s.db, s.query.Part(providerFilters...), s.query.Part("inserted_at"))
	if err != nil {
		return false, false, err
	}
	scans := make([]uuid.UUID, len(newest))
	for i, row := range newest {
		scans[i] = row.ID
	}
	return true, true, tenant.Together(ctx, s.db, about(ctx, scans, asked)...)
}

// readNamed asks about the scan that is named before it is known what it is: that takes no time of its own.
func (s *selection) readNamed(ctx context.Context, asked []reading) (known, counts bool, err error) {
	ids, ok := s.query.IDs("scan_id")
	if !ok || len(ids) == 0 {
		return false, false, nil
	}
	reads := append(about(ctx, ids[:1], asked), func(db tenant.DB) error {
		scan, found, err := compliance.FindScan(ctx, db, ids[0], s.query.Part("inserted_at"))
		known, counts = found, found && scan.Counts
		return err
	})
	err = tenant.Together(ctx, s.db, reads...)
	return known, counts, err
}

func about(ctx context.Context, scans []uuid.UUID, asked []reading) []func(tenant.DB) error {
	reads := make([]func(tenant.DB) error, len(asked))
	for i, ask := range asked {
		reads[i] = func(db tenant.DB) error { return ask(ctx, db, scans) }
	}
	return reads
}

// matches reports whether a framework passes the filters by what is not in the database.
func (s *selection) matches(framework, version string) bool {
	if exact, ok := s.query.Texts("framework__iexact"); ok && !strings.EqualFold(exact[0], framework) {
		return false
	}
	return s.query.Matches("framework", framework) && s.query.Matches("version", version)
}

// tallies are what the chosen scans say of the frameworks that the filters leave, counted.
func (s *selection) tallies(ctx context.Context) (left []compliance.Tally, known bool, err error) {
	known, counts, err := s.read(ctx, func(ctx context.Context, db tenant.DB, scans []uuid.UUID) (err error) {
		left, err = compliance.Tallies(ctx, db, scans, s.where)
		return err
	})
	if err != nil || !counts {
		return nil, known, err
	}
	return slices.DeleteFunc(left, func(one compliance.Tally) bool { return !s.matches(one.Framework, one.Version) }), true, nil
}
