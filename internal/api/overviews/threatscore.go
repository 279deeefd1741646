package overviews

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/scans"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
	"github.com/palisade-sec/palisade/internal/threatscore"
)

// SnapshotType is the resource type of a ThreatScore.
const SnapshotType = "threatscore-snapshots"

// snapshot is the ThreatScore of a scan, or of several providers together.
type snapshot struct {
	InsertedAt           time.Time       `json:"inserted_at"`
	ComplianceID         string          `json:"compliance_id"`
	OverallScore         string          `json:"overall_score"`
	ScoreDelta           *string         `json:"score_delta"`
	SectionScores        json.RawMessage `json:"section_scores"`
	CriticalRequirements json.RawMessage `json:"critical_requirements"`
	TotalRequirements    int             `json:"total_requirements"`
	PassedRequirements   int             `json:"passed_requirements"`
	FailedRequirements   int             `json:"failed_requirements"`
	ManualRequirements   int             `json:"manual_requirements"`
	TotalFindings        int64           `json:"total_findings"`
	PassedFindings       int64           `json:"passed_findings"`
	FailedFindings       int64           `json:"failed_findings"`
}

// scoredProviders are the filters that choose providers; the others choose among the snapshots of each.
var scoredProviders = []string{"provider", "provider_id", "provider_type", "provider_groups"}

// ThreatScoreQuery is the allow-list for ThreatScores.
var ThreatScoreQuery = filter.MustTable(filter.Table{Unpaged: true, Tolerate: tolerant | filter.PlainCodes, Includes: []string{"scan", "provider"},
	Fields: append(scanChoice(), scoreFields()...)})

func scoreFields() []filter.Field {
	account := finding.ProviderFields()[0]
	account.Name = "provider"
	return []filter.Field{account,
		{Name: "scan", Kind: filter.UUID, Column: "x.scan_id", Lookups: filter.Exact | filter.In},
		{Name: "scan_id", Kind: filter.UUID, Column: "x.scan_id", Lookups: filter.Exact | filter.In},
		{Name: "compliance_id", Column: "x.compliance_id", Lookups: filter.Exact | filter.In},
		{Name: "inserted_at", Kind: filter.DateTime, Column: "x.inserted_at", Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE},
		{Name: "overall_score", Kind: filter.Decimal, Column: "x.overall_score", Lookups: filter.Exact | filter.GTE | filter.LTE},
	}
}

// threatScore answers with the newest snapshot, with that of all providers together where there are several, or with the one
// that the request names.
func (h handlers) threatScore(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	if id, given := r.Query.Params.Last("snapshot_id"); given && id != "" {
		return h.oneThreatScore(ctx, r, db, id)
	}
	rows, err := tenantdb.New(db.Shaped(map[string]filter.Fragment{
		"providers": r.Query.Part(scoredProviders...), "where": r.Query.Without(scoredProviders...)})).ListThreatScores(ctx)
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	found := make([]threatscore.Snapshot, len(rows))
	for i, row := range rows {
		found[i] = threatscore.Read(row)
	}
	switch len(found) {
	case 0:
		return all(r, []jsonapi.Resource{}), nil
	case 1:
		included, err := h.includeInScore(ctx, r, db, found[0])
		if err != nil {
			return nil, err
		}
		return rest.OK(jsonapi.Document{Many: []jsonapi.Resource{scored(found[0])}, Included: included, Fields: r.Query.Fields}), nil
	}
	together, err := threatscore.Together(found)
	if err != nil {
		return nil, fmt.Errorf("put snapshots together: %w", err)
	}
	return all(r, []jsonapi.Resource{scored(together)}), nil
}

func (h handlers) oneThreatScore(ctx context.Context, r *rest.Request, db tenant.DB, text string) (*rest.Answer, error) {
	id, err := jsonapi.ParseUUID(text)
	if err != nil {
		return nil, jsonapi.NotUUID("/data", text)
	}
	row, err := tenantdb.New(db).GetThreatScore(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, jsonapi.Error{Status: http.StatusNotFound, Code: "not_found", Pointer: "/data", Detail: "ThreatScore snapshot not found"}
	}
	if err != nil {
		return nil, fmt.Errorf("get snapshot: %w", err)
	}
	one := threatscore.Read(tenantdb.ListThreatScoresRow(row))
	included, err := h.includeInScore(ctx, r, db, one)
	if err != nil {
		return nil, err
	}
	return r.One(scored(one), included...), nil
}

// includeInScore reads what the request wants beside the snapshot of a scan.
func (h handlers) includeInScore(ctx context.Context, r *rest.Request, db tenant.DB, one threatscore.Snapshot) ([]jsonapi.Resource, error) {
	var ran, accounts []jsonapi.Resource
	var reads []func(tenant.DB) error
	if r.Includes(SnapshotType, "scan") {
		reads = append(reads, func(db tenant.DB) (err error) {
			ran, _, err = scans.Include(ctx, db, []uuid.UUID{*one.ScanID})
			return err
		})
	}
	if r.Includes(SnapshotType, "provider") {
		reads = append(reads, func(db tenant.DB) (err error) {
			accounts, err = providers.Include(ctx, db, []uuid.UUID{*one.ProviderID})
			return err
		})
	}
	err := tenant.Together(ctx, db, reads...)
	return slices.Concat(ran, accounts), err
}

// scored is the resource object of a snapshot. A snapshot has the id of its scan.
func scored(one threatscore.Snapshot) jsonapi.Resource {
	id := "n/a"
	if one.ScanID != nil {
		id = one.ScanID.String()
	}
	return jsonapi.Resource{Type: SnapshotType, ID: id,
		Attributes: jsonapi.Attributes(snapshot{InsertedAt: one.InsertedAt, ComplianceID: one.ComplianceID, OverallScore: one.Overall,
			ScoreDelta: one.Delta, SectionScores: one.Sections, CriticalRequirements: one.Critical, TotalRequirements: one.Requirements.Total,
			PassedRequirements: one.Requirements.Passed, FailedRequirements: one.Requirements.Failed, ManualRequirements: one.Requirements.Manual,
			TotalFindings: one.Total, PassedFindings: one.Passed, FailedFindings: one.Fails}),
		Relationships: []jsonapi.Relation{jsonapi.ToOptional("scan", scans.Type, one.ScanID), jsonapi.ToOptional("provider", providers.Type, one.ProviderID)}}
}
