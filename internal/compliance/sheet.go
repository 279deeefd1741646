package compliance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// listSheets is list for all regions together and all frameworks, or those that are watched. The sheets of scans that were held
// against the same frameworks come as one.
func listSheets(ctx context.Context, db tenant.DB, scans []uuid.UUID, where Where, _ bool) ([][]tenantdb.ListComplianceRow, map[uuid.UUID]*Revision, error) {
	sheets, err := tenantdb.New(db).ListComplianceSheets(ctx, scans)
	if err != nil {
		return nil, nil, fmt.Errorf("list compliance: %w", err)
	}
	var ids []uuid.UUID
	of := make(map[string][]tenantdb.ListComplianceRow)
	for _, sheet := range sheets {
		left := sheet.Failures
		for i, id := range sheet.ComplianceIds {
			row := tenantdb.ListComplianceRow{ComplianceID: id, RevisionID: sheet.RevisionIds[i], Failures: left[:sheet.Lengths[i]]}
			left = left[sheet.Lengths[i]:]
			gone := strings.HasPrefix(id, OwnPrefix) && !slices.Contains(sheet.Own, row.RevisionID)
			if gone || where.Watched && len(sheet.Watched) > 0 && !slices.Contains(sheet.Watched, id) {
				continue
			}
			of[id], ids = together(of[id], row), append(ids, row.RevisionID)
		}
	}
	known, err := load(ctx, tenantdb.New(db), ids)
	if err != nil {
		return nil, nil, err
	}
	groups := make([][]tenantdb.ListComplianceRow, 0, len(of))
	for _, rows := range of {
		rows = slices.DeleteFunc(rows, func(row tenantdb.ListComplianceRow) bool { return known[row.RevisionID] == nil })
		if len(rows) > 0 {
			groups = append(groups, rows)
		}
	}
	slices.SortFunc(groups, func(a, b []tenantdb.ListComplianceRow) int {
		return strings.Compare(a[0].ComplianceID, b[0].ComplianceID)
	})
	return groups, known, nil
}

// together adds a row to those of other layouts: what is about the same revision becomes one.
func together(rows []tenantdb.ListComplianceRow, row tenantdb.ListComplianceRow) []tenantdb.ListComplianceRow {
	for i := range rows {
		if rows[i].RevisionID == row.RevisionID {
			rows[i].Failures = either(rows[i].Failures, row.Failures)
			return rows
		}
	}
	return append(rows, row)
}

// either has the bits that one of two texts has.
func either(a, b string) string {
	both := []byte(a)
	for i := range min(len(a), len(b)) {
		if b[i] == '1' {
			both[i] = '1'
		}
	}
	return string(both)
}
