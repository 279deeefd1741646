package threatscore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/catalogue"
)

// types are the provider types that have a ThreatScore.
var types = []string{"aws", "azure", "gcp", "m365", "kubernetes", "alibabacloud"}

// Take makes the snapshot of a scan from its summaries, in place of the one that is there, in the transaction that counts the
// scan. There is none for a scan that found nothing, and none where the catalogue lacks the framework. A scan that was scored before
// is scored by the same content of the framework again: no later import changes what it says.
func Take(ctx context.Context, queries *tenantdb.Queries, scanID uuid.UUID) error {
	row, err := queries.GetThreatScoreFramework(ctx, tenantdb.GetThreatScoreFrameworkParams{ScanID: scanID, Providers: types})
	unknown := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !unknown {
		return fmt.Errorf("get framework: %w", err)
	}
	if err := queries.DeleteThreatScore(ctx, scanID); err != nil {
		return fmt.Errorf("delete snapshot: %w", err)
	}
	if unknown {
		return nil
	}
	var framework catalogue.Framework
	if err := json.Unmarshal(row.Content, &framework); err != nil {
		return fmt.Errorf("read framework %s: %w", row.FrameworkID, err)
	}
	counts, err := queries.CountFindingsOfChecks(ctx, scanID)
	if err != nil {
		return fmt.Errorf("count findings: %w", err)
	}
	if len(counts) == 0 {
		return nil
	}
	findings := make(map[string]Findings, len(counts))
	for _, one := range counts {
		findings[one.CheckID] = Findings{Passed: one.Passed, Failed: one.Failed}
	}
	return store(ctx, queries, scanID, row, Compute(framework, findings))
}

func store(ctx context.Context, queries *tenantdb.Queries, scanID uuid.UUID, by tenantdb.GetThreatScoreFrameworkRow, score Score) error {
	sections := make(map[string]json.Number, len(score.Sections))
	for name, percentage := range score.Sections {
		sections[name] = json.Number(percentage)
	}
	sectionScores, err := json.Marshal(sections)
	if err != nil {
		return fmt.Errorf("encode sections: %w", err)
	}
	critical, err := json.Marshal(score.Critical)
	if err != nil {
		return fmt.Errorf("encode requirements: %w", err)
	}
	err = queries.InsertThreatScore(ctx, tenantdb.InsertThreatScoreParams{ScanID: scanID, ComplianceID: by.FrameworkID, RevisionID: by.RevisionID, OverallScore: score.Overall,
		SectionScores: sectionScores, CriticalRequirements: critical, TotalRequirements: int32(score.Requirements.Total),
		PassedRequirements: int32(score.Requirements.Passed), FailedRequirements: int32(score.Requirements.Failed),
		ManualRequirements: int32(score.Requirements.Manual), TotalFindings: score.Findings.Passed + score.Findings.Failed,
		PassedFindings: score.Findings.Passed, FailedFindings: score.Findings.Failed})
	if err != nil {
		return fmt.Errorf("store snapshot: %w", err)
	}
	return nil
}

// Snapshot is a score as it is read: that of a scan, or that of several providers together.
type Snapshot struct {
	ScanID, ProviderID   *uuid.UUID // nil for several
	InsertedAt           time.Time
	ComplianceID         string
	Overall              string
	Delta                *string // to the provider's snapshot before; nil when there is none
	Sections             json.RawMessage
	Critical             json.RawMessage
	Requirements         Requirements
	Total, Passed, Fails int64 // findings
}

// Read is the snapshot of a row. The change is worked out here: it is right also after the earlier score was counted again.
func Read(row tenantdb.ListThreatScoresRow) Snapshot {
	return Snapshot{ScanID: &row.ScanID, ProviderID: &row.ProviderID, InsertedAt: row.InsertedAt, ComplianceID: row.ComplianceID,
		Overall: row.OverallScore, Delta: change(row.OverallScore, row.EarlierScore), Sections: row.SectionScores, Critical: row.CriticalRequirements,
		Requirements: Requirements{Total: int(row.TotalRequirements), Passed: int(row.PassedRequirements), Failed: int(row.FailedRequirements),
			Manual: int(row.ManualRequirements)},
		Total: row.TotalFindings, Passed: row.PassedFindings, Fails: row.FailedFindings}
}

func change(score, earlier string) *string {
	if earlier == "" {
		return nil
	}
	var delta string
	one, ok := hundredths(score)
	other, both := hundredths(earlier)
	if ok && both {
		delta = decimal(big.NewRat(one-other, 100))
	} else {
		delta = decimal(new(big.Rat).Sub(rational(score), rational(earlier)))
	}
	return &delta
}
