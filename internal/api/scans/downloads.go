package scans

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/compliancefile"
	"github.com/palisade-sec/palisade/internal/customframework"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// downloads declares the files about a scan. Those that are not made refuse what the wire refuses, and answer 501 then.
func (h handlers) downloads() []rest.Operation {
	download := func(id authz.Operation, path, summary string, status int, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: id, Method: http.MethodGet, Path: "/scans/{id}/" + path, Tag: "Scans", Summary: summary, Query: Query, Mode: rest.One,
			Texts: []string{"name"}, Status: status, Handle: handle}
	}
	table := download("scans.compliance", "compliance/{name}", "Get what a scan found about a framework as a table", http.StatusOK, h.complianceFile)
	table.Response = rest.Schema{Media: "text/csv"}
	operations := []rest.Operation{table,
		download("scans.compliance.ocsf", "compliance/{name}/ocsf", "Get what a scan found about a framework in OCSF", http.StatusNotImplemented, h.complianceExport)}
	for _, one := range []struct{ id, path, summary string }{
		{"scans.report", "report", "Get all files about a scan"},
		{"scans.cis", "cis", "Get the CIS report of a scan"},
		{"scans.csa", "csa", "Get the CSA CCM report of a scan"},
		{"scans.ens", "ens", "Get the ENS report of a scan"},
		{"scans.nis2", "nis2", "Get the NIS2 report of a scan"},
		{"scans.threatscore", "threatscore", "Get the ThreatScore report of a scan"},
	} {
		operations = append(operations, download(authz.Operation(one.id), one.path, one.summary, http.StatusNotImplemented, h.notMade))
	}
	return operations
}

// find reads the scan that a download is about, in the request's scope and by its filters.
func (h handlers) find(ctx context.Context, r *rest.Request) (db tenant.DB, row tenantdb.ListScansRow, err error) {
	if db, err = r.DB(ctx, h.tenants); err != nil {
		return nil, row, err
	}
	if err := checkReferences(ctx, r, db); err != nil {
		return nil, row, err
	}
	row, err = source.One(ctx, db, r.ID("id"), r.Query.Where)
	return db, row, err
}

// judge is find for the framework that the path names too.
func (h handlers) judge(ctx context.Context, r *rest.Request) (db tenant.DB, row tenantdb.ListScansRow, judge compliance.Judge, err error) {
	if db, row, err = h.find(ctx, r); err != nil {
		return nil, row, judge, err
	}
	judge, ok, err := compliance.FindJudge(ctx, db, row.ID, row.Provider, r.Param("name"))
	if err == nil && !ok {
		err = noFramework(r)
	}
	return db, row, judge, err
}

func noFramework(r *rest.Request) error {
	return missing(fmt.Sprintf("Compliance '%s' not found.", r.Param("name")))
}

func missing(text string) error { return jsonapi.Detail{Status: http.StatusNotFound, Text: text} }

func (h handlers) notMade(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	if _, _, err := h.find(ctx, r); err != nil {
		return nil, err
	}
	return nil, jsonapi.NotImplemented()
}

// complianceExport refuses frameworks without an export: those of the organisation's own, and those that are made for one provider
// type, which their ids end with. Only frameworks for several types have one.
func (h handlers) complianceExport(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	_, row, judge, err := h.judge(ctx, r)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(judge.ID, customframework.Prefix) || strings.HasSuffix(judge.ID, "_"+row.Provider) {
		return nil, missing(fmt.Sprintf("Compliance '%s' does not provide an OCSF export.", judge.ID))
	}
	return nil, jsonapi.NotImplemented()
}

// complianceFile makes the table of a framework while it is sent. A scan that has not completed has none.
func (h handlers) complianceFile(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, row, judge, err := h.judge(ctx, r)
	if err != nil {
		return nil, err
	}
	if row.State != scan.Completed {
		return nil, missing("The scan has no reports, or the report generation task has not started yet.")
	}
	framework, ok, err := judge.Read(ctx, db)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, noFramework(r)
	}
	about := aboutScan(row)
	file, begin, err := compliancefile.New(ctx, db, about, judge.ID, framework)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"text/csv"}, "Content-Disposition": {fmt.Sprintf("attachment; filename=%q", about.Name(judge.ID))}}
	return &rest.Answer{Status: http.StatusOK, Header: header, Body: begin, Rest: file.Next}, nil
}

func aboutScan(row tenantdb.ListScansRow) compliancefile.Scan {
	about := compliancefile.Scan{ID: row.ID, Provider: row.Provider, Account: row.Uid, Started: row.InsertedAt}
	if row.Alias != nil {
		about.Alias = *row.Alias
	}
	if row.StartedAt != nil {
		about.Started = *row.StartedAt
	}
	return about
}
