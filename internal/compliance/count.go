package compliance

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
)

// everywhere is the region under which what a scan says of all regions together is stored.
const everywhere = ""

// Count holds a scan against the frameworks of its provider's type and stores the outcome, in place of what is there. A scan that
// was held against frameworks before is held against the same revisions again: no later import changes what it says. The counts of
// the scan's checks (scan_summaries) must be made before. A scan without a finding that counts says nothing.
func Count(ctx context.Context, queries *tenantdb.Queries, scan uuid.UUID) error {
	frameworks, err := queries.ListFrameworksOfScan(ctx, scan)
	if err != nil {
		return fmt.Errorf("list frameworks: %w", err)
	}
	if err := queries.DeleteScanCompliance(ctx, scan); err != nil {
		return fmt.Errorf("delete compliance: %w", err)
	}
	if err := hold(ctx, queries, scan, frameworks); err != nil {
		return err
	}
	return Sheets(ctx, queries, []uuid.UUID{scan})
}

// Sheets puts what scans say about all frameworks together into one row each, in place of those that are there.
func Sheets(ctx context.Context, queries *tenantdb.Queries, scans []uuid.UUID) error {
	if err := queries.DeleteComplianceSheets(ctx, scans); err != nil {
		return fmt.Errorf("delete sheets: %w", err)
	}
	if err := queries.InsertComplianceSheets(ctx, scans); err != nil {
		return fmt.Errorf("insert sheets: %w", err)
	}
	return nil
}

// HoldAgainst holds a scan against one more framework, in place of what it says about that one.
func HoldAgainst(ctx context.Context, queries *tenantdb.Queries, scan uuid.UUID, complianceID string, revision uuid.UUID) error {
	of := tenantdb.DeleteScanComplianceOfParams{ScanID: scan, ComplianceID: complianceID}
	if err := queries.DeleteScanComplianceOf(ctx, of); err != nil {
		return fmt.Errorf("delete compliance: %w", err)
	}
	if err := hold(ctx, queries, scan, []tenantdb.ListFrameworksOfScanRow{{ComplianceID: complianceID, RevisionID: revision}}); err != nil {
		return err
	}
	return Sheets(ctx, queries, []uuid.UUID{scan})
}

func hold(ctx context.Context, queries *tenantdb.Queries, scan uuid.UUID, frameworks []tenantdb.ListFrameworksOfScanRow) error {
	if len(frameworks) == 0 {
		return nil
	}
	outcomes, err := queries.ListCheckOutcomes(ctx, scan)
	if err != nil {
		return fmt.Errorf("list outcomes of checks: %w", err)
	}
	if len(outcomes) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(frameworks))
	for i, one := range frameworks {
		ids[i] = one.RevisionID
	}
	known, err := load(ctx, queries, ids)
	if err != nil {
		return err
	}
	found := places(outcomes)
	rows := tenantdb.InsertScanComplianceParams{ScanID: scan}
	for _, one := range frameworks {
		if revision := known[one.RevisionID]; revision != nil {
			found.judge(revision, one.ComplianceID, &rows)
		}
	}
	if err := queries.InsertScanCompliance(ctx, rows); err != nil {
		return fmt.Errorf("insert compliance: %w", err)
	}
	return nil
}

// outcomes are the places that a scan has something to say about, and where checks failed.
type outcomes struct {
	regions []string         // everywhere comes first
	failed  map[string][]int // check -> indexes of regions
}

func places(rows []tenantdb.ListCheckOutcomesRow) outcomes {
	found := outcomes{failed: make(map[string][]int)}
	for _, row := range rows {
		found.regions = append(found.regions, row.Region)
	}
	found.regions = append(found.regions, everywhere)
	slices.Sort(found.regions)
	found.regions = slices.Compact(found.regions)
	index := make(map[string]int, len(found.regions))
	for i, region := range found.regions {
		index[region] = i
	}
	for _, row := range rows {
		if !row.Failed {
			continue
		}
		if found.failed[row.CheckID] == nil {
			found.failed[row.CheckID] = []int{0}
		}
		if row.Region != everywhere {
			found.failed[row.CheckID] = append(found.failed[row.CheckID], index[row.Region])
		}
	}
	return found
}

// judge adds what the outcomes say about a framework, a row for each region.
func (o *outcomes) judge(revision *Revision, complianceID string, rows *tenantdb.InsertScanComplianceParams) {
	failures := make([][]byte, len(o.regions))
	for i := range failures {
		failures[i] = bytes.Repeat([]byte{'0'}, len(revision.Requirements))
	}
	manual := int32(0)
	for i := range revision.Requirements {
		requirement := &revision.Requirements[i]
		if requirement.manual() {
			manual++
		}
		for _, check := range requirement.Checks {
			for _, region := range o.failed[check] {
				failures[region][i] = '1'
			}
		}
	}
	for i, region := range o.regions {
		failed := int32(bytes.Count(failures[i], []byte{'1'}))
		rows.Regions, rows.ComplianceIds = append(rows.Regions, region), append(rows.ComplianceIds, complianceID)
		rows.RevisionIds, rows.Failures = append(rows.RevisionIds, revision.ID), append(rows.Failures, string(failures[i]))
		rows.Failed, rows.Manual = append(rows.Failed, failed), append(rows.Manual, manual)
		rows.Passed = append(rows.Passed, int32(len(revision.Requirements))-failed-manual)
	}
}
