// Package compliancefile writes what a scan found about a compliance framework as a file of delimited values: a line for each
// finding, muted ones included, and each requirement that its check serves, then a line for each requirement that no check serves.
//
// Files are made while they are sent and never stored: File holds the framework and a page of findings, whatever the scan's size.
//
// What does not belong here: which framework a scan is judged by (internal/compliance), and the answer (internal/api/scans).
package compliancefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/cells"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// What is in memory at a time.
const (
	pageSize  = 1000      // findings
	partBytes = 256 << 10 // a part of the file that is as long is sent
	delimiter = ';'
)

// Scan is the completed scan that a file is about.
type Scan struct {
	ID       uuid.UUID
	Provider string // type
	Account  string // uid of the provider
	Alias    string // of the provider; may be empty
	Started  time.Time
}

// The characters that do not stand in names of files: of accounts, and of frameworks, whose versions keep their dots.
var (
	outside       = regexp.MustCompile(`[^A-Za-z0-9_-]`)
	outsideOfDots = regexp.MustCompile(`[^A-Za-z0-9_.-]`)
)

// Name is the name of the file about a framework.
func (s Scan) Name(framework string) string {
	return fmt.Sprintf("prowler-output-%s-%s_%s.csv", outside.ReplaceAllString(s.Account, "-"), s.Started.UTC().Format("20060102150405"),
		outsideOfDots.ReplaceAllString(framework, "-"))
}

// File is a file that is being written.
type File struct {
	db        tenant.DB
	scan      Scan
	framework compliance.Detailed
	layout    layout
	details   [][]details // by requirement

	serves   map[string][]int // requirements that a check serves
	manual   []int            // requirements that none serves
	pages    [][]string       // checks whose findings are read together
	after    place            // where the page of the only check begins
	findings []tenantdb.ListFileFindingsRow
	part     bytes.Buffer
}

// place is behind a finding of a check.
type place struct {
	region string
	id     uuid.UUID
}

// New begins the file about a framework with its header and its first findings.
func New(ctx context.Context, db tenant.DB, scan Scan, id string, framework compliance.Detailed) (file *File, begin []byte, err error) {
	file = &File{db: db, scan: scan, framework: framework, layout: layoutOf(scan.Provider, id)}
	file.serve()
	if err := file.plan(ctx); err != nil {
		return nil, nil, err
	}
	cells.WriteLine(&file.part, delimiter, file.layout.header())
	begin, err = file.Next(ctx)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return file, bytes.Clone(begin), err
}

// serve notes which requirements each check serves. A check that a requirement names twice serves it once.
func (f *File) serve() {
	f.serves = make(map[string][]int)
	for i, requirement := range f.framework.Requirements {
		f.details = append(f.details, f.layout.detailsOf(requirement.Attributes))
		if len(requirement.Checks) == 0 {
			f.manual = append(f.manual, i)
		}
		for _, check := range requirement.Checks {
			if known := f.serves[check]; len(known) == 0 || known[len(known)-1] != i {
				f.serves[check] = append(known, i)
			}
		}
	}
}

// plan puts checks together whose findings fit on a page.
func (f *File) plan(ctx context.Context) error {
	rows, err := tenantdb.New(f.db).CountFileFindings(ctx, f.scan.ID)
	if err != nil {
		return fmt.Errorf("count findings by check: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(row tenantdb.CountFileFindingsRow) bool { return f.serves[row.CheckID] == nil })
	slices.SortFunc(rows, func(a, b tenantdb.CountFileFindingsRow) int { return strings.Compare(a.CheckID, b.CheckID) })
	room := int64(0)
	for _, row := range rows {
		if row.Findings > room || len(f.pages) == 0 {
			f.pages, room = append(f.pages, nil), pageSize
		}
		last := len(f.pages) - 1
		f.pages[last], room = append(f.pages[last], row.CheckID), room-row.Findings
	}
	return nil
}

// Next returns the next part of the file, good until the next call, and io.EOF behind the last. It runs few statements, each of a page.
func (f *File) Next(ctx context.Context) ([]byte, error) {
	if f.part.Len() == 0 && f.ended() {
		return nil, io.EOF
	}
	if len(f.findings) == 0 && len(f.pages) > 0 {
		if err := f.read(ctx); err != nil {
			return nil, err
		}
		if len(f.pages) == 0 {
			if err := f.stillThere(ctx); err != nil {
				return nil, err
			}
		}
	}
	for len(f.findings) > 0 && f.part.Len() < partBytes {
		f.about(&f.findings[0])
		f.findings = f.findings[1:]
	}
	for len(f.findings)+len(f.pages) == 0 && len(f.manual) > 0 && f.part.Len() < partBytes {
		f.byHand(f.manual[0])
		f.manual = f.manual[1:]
	}
	return f.take(), nil
}

func (f *File) ended() bool { return len(f.findings)+len(f.pages)+len(f.manual) == 0 }

// take empties the part.
func (f *File) take() []byte {
	part := f.part.Bytes()
	f.part.Reset()
	return part
}

// read reads a page of findings. A page that is full of one check's is followed by another of it.
func (f *File) read(ctx context.Context) (err error) {
	checks := f.pages[0]
	f.findings, err = tenantdb.New(f.db).ListFileFindings(ctx, tenantdb.ListFileFindingsParams{ScanID: f.scan.ID, CheckIds: checks,
		AfterRegion: f.after.region, AfterID: f.after.id, PageSize: pageSize})
	if err != nil {
		return fmt.Errorf("list findings: %w", err)
	}
	if len(checks) == 1 && len(f.findings) == pageSize {
		last := &f.findings[pageSize-1]
		f.after = place{region: last.Region, id: last.ID}
		return nil
	}
	f.pages, f.after = f.pages[1:], place{}
	return nil
}

var errGone = errors.New("the scan was removed while it was written")

// stillThere fails when the scan has gone since the file was begun: findings may be missing then, and it must not look whole.
func (f *File) stillThere(ctx context.Context) error {
	scan, found, err := compliance.FindScan(ctx, f.db, f.scan.ID, filter.Fragment{})
	if err == nil && !(found && scan.Counts) {
		err = errGone
	}
	return err
}

// about writes the lines about a finding.
func (f *File) about(finding *tenantdb.ListFileFindingsRow) {
	muted := "False"
	if finding.Muted {
		muted = "True"
	}
	for _, i := range f.serves[finding.CheckID] {
		f.lines(i, line{account: f.accountCells(), region: finding.Region, status: finding.Status,
			extended: finding.StatusExtended, resource: finding.ResourceUid, name: finding.ResourceName, check: finding.CheckID, muted: muted})
	}
}

func (f *File) accountCells() []string {
	if len(f.layout.account) == 1 {
		return []string{f.scan.Account}
	}
	name := f.scan.Alias
	if name == "" {
		name = f.scan.Account
	}
	return []string{name, f.scan.Account}
}

// byHand writes the lines about a requirement that no check serves.
func (f *File) byHand(i int) {
	f.lines(i, line{account: make([]string, len(f.layout.account)), status: compliance.ManualWork, extended: "Manual check",
		resource: "manual_check", name: "Manual check", check: "manual", muted: "False"})
}

// line is what a line says beside its requirement.
type line struct {
	account                                                []string
	region, status, extended, resource, name, check, muted string
}

// lines writes one for each set of attributes of a requirement.
func (f *File) lines(i int, l line) {
	requirement := &f.framework.Requirements[i]
	for _, details := range f.details[i] {
		row := append([]string{f.scan.Provider, f.framework.Description}, l.account...)
		if f.layout.region != "" {
			row = append(row, l.region)
		}
		row = append(row, f.scan.Started.UTC().Format("2006-01-02 15:04:05.000000"), requirement.ID, requirement.Description)
		row = append(row, details.front...)
		row = append(row, l.status, l.extended, l.resource)
		row = append(row, f.layout.inOrder(l.name, l.check, l.muted)...)
		row = append(row, f.framework.Framework, f.framework.Name)
		row = append(row, details.last...)
		for i := range row {
			row[i] = cells.Harmless(row[i])
		}
		cells.WriteLine(&f.part, delimiter, row)
	}
}
