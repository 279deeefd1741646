package compliance

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// selection is what a request asks about: the scans, and the rest of its filters.
type selection struct {
	db    tenant.DB
	query filter.Query
	scans []uuid.UUID
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

// choose finds the scans that a request asks about. Of a scan that did not complete, or that the subject does not see, there is
// nothing to say; known tells whether there is a scan of that id at all.
func (h handlers) choose(ctx context.Context, r *rest.Request, table *filter.Table) (chosen selection, known bool, err error) {
	scan, err := byScan(r.Query.Params)
	if err != nil {
		return selection{}, false, err
	}
	if chosen.query, err = filter.Parse(r.Query.Params, table); err != nil {
		return selection{}, false, err
	}
	if chosen.db, err = r.DB(ctx, h.tenants); err != nil {
		return selection{}, false, err
	}
	chosen.where = compliance.Where{Frameworks: chosen.query.Part("compliance_id", "search")}
	if chosen.query.Has("region") {
		chosen.where.Regions = chosen.query.Part("region")
	}
	if scan {
		known, err = chosen.one(ctx)
		return chosen, known, err
	}
	return chosen, true, chosen.newest(ctx)
}

func (s *selection) one(ctx context.Context) (known bool, err error) {
	ids, ok := s.query.IDs("scan_id")
	if !ok || len(ids) == 0 {
		return false, nil
	}
	scan, known, err := compliance.FindScan(ctx, s.db, ids[0], s.query.Part("inserted_at"))
	if known && scan.Counts {
		s.scans = append(s.scans, scan.ID)
	}
	return known, err
}

func (s *selection) newest(ctx context.Context) error {
	rows, err := compliance.NewestScans(ctx, s.db, s.query.Part(providerFilters...), s.query.Part("inserted_at"))
	for _, row := range rows {
		s.scans = append(s.scans, row.ID)
	}
	return err
}

// matches reports whether a framework passes the filters by what is not in the database.
func (s *selection) matches(result *compliance.Result) bool {
	if exact, ok := s.query.Texts("framework__iexact"); ok && !strings.EqualFold(exact[0], result.Framework) {
		return false
	}
	return s.query.Matches("framework", result.Framework) && s.query.Matches("version", result.Version)
}

// results are what the chosen scans say of the frameworks that the filters leave.
func (s *selection) results(ctx context.Context) ([]compliance.Result, error) {
	all, err := compliance.Results(ctx, s.db, s.scans, s.where)
	if err != nil {
		return nil, err
	}
	var left []compliance.Result
	for i := range all {
		if s.matches(&all[i]) {
			left = append(left, all[i])
		}
	}
	return left, nil
}
