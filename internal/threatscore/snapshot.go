package threatscore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/catalogue"
)

// types are the provider types that have a ThreatScore.
var types = []string{"aws", "azure", "gcp", "m365", "kubernetes", "alibabacloud"}

// Take makes the snapshot of a scan from its summaries, in place of the one that is there, in the transaction that counts the
// scan. There is none for a scan that found nothing, and none where the catalogue lacks the framework.
func Take(ctx context.Context, queries *tenantdb.Queries, scanID uuid.UUID) error {
	if err := queries.DeleteThreatScore(ctx, scanID); err != nil {
		return fmt.Errorf("delete snapshot: %w", err)
	}
	row, err := queries.GetThreatScoreFramework(ctx, tenantdb.GetThreatScoreFrameworkParams{ScanID: scanID, Providers: types})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get framework: %w", err)
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
	return store(ctx, queries, scanID, row.FrameworkID, Compute(framework, findings))
}

func store(ctx context.Context, queries *tenantdb.Queries, scanID uuid.UUID, frameworkID string, score Score) error {
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
	err = queries.InsertThreatScore(ctx, tenantdb.InsertThreatScoreParams{ScanID: scanID, ComplianceID: frameworkID, OverallScore: score.Overall,
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
	delta := decimal(new(big.Rat).Sub(rational(score), rational(earlier)))
	return &delta
}

// overviewID is the framework that a score of several providers names.
const overviewID = "prowler_threatscore_overview"

// Together is the score of several providers: each counts by its findings.
func Together(snapshots []Snapshot) (Snapshot, error) {
	all := Snapshot{ComplianceID: overviewID}
	overall, delta, sections := &mean{}, &mean{}, map[string]*mean{}
	best := map[string]Critical{}
	for _, one := range snapshots {
		weight := one.weight()
		overall.add(one.Overall, weight)
		if one.Delta != nil {
			delta.add(*one.Delta, weight)
		}
		if err := one.addSections(sections, weight); err != nil {
			return Snapshot{}, err
		}
		if err := one.addCritical(best); err != nil {
			return Snapshot{}, err
		}
		all.addNumbers(one)
	}
	all.Overall = decimal(overall.value())
	if delta.weights != nil {
		text := decimal(delta.value())
		all.Delta = &text
	}
	return all, all.encode(sections, best)
}

// weight is how much a provider counts: by findings, else by requirements that are not manual, else as one.
func (s Snapshot) weight() *big.Rat {
	switch rated := s.Requirements.Total - s.Requirements.Manual; {
	case s.Total > 0:
		return new(big.Rat).SetInt64(s.Total)
	case rated > 0:
		return new(big.Rat).SetInt64(int64(rated))
	}
	return big.NewRat(1, 1)
}

func (s *Snapshot) addNumbers(one Snapshot) {
	s.Requirements.Total += one.Requirements.Total
	s.Requirements.Passed += one.Requirements.Passed
	s.Requirements.Failed += one.Requirements.Failed
	s.Requirements.Manual += one.Requirements.Manual
	s.Total, s.Passed, s.Fails = s.Total+one.Total, s.Passed+one.Passed, s.Fails+one.Fails
	if one.InsertedAt.After(s.InsertedAt) {
		s.InsertedAt = one.InsertedAt
	}
}

func (s Snapshot) addSections(means map[string]*mean, weight *big.Rat) error {
	var scores map[string]json.Number
	if err := json.Unmarshal(s.Sections, &scores); err != nil {
		return fmt.Errorf("read sections: %w", err)
	}
	for name, score := range scores {
		if means[name] == nil {
			means[name] = &mean{}
		}
		means[name].add(score.String(), weight)
	}
	return nil
}

// addCritical keeps of each requirement the riskiest appearance.
func (s Snapshot) addCritical(best map[string]Critical) error {
	var requirements []Critical
	if err := json.Unmarshal(s.Critical, &requirements); err != nil {
		return fmt.Errorf("read critical requirements: %w", err)
	}
	for _, one := range requirements {
		if known, ok := best[one.RequirementID]; !ok || riskier(one, known) < 0 {
			best[one.RequirementID] = one
		}
	}
	return nil
}

func (s *Snapshot) encode(sections map[string]*mean, best map[string]Critical) (err error) {
	scores := make(map[string]string, len(sections))
	for name, one := range sections {
		scores[name] = decimal(one.value())
	}
	if s.Sections, err = json.Marshal(scores); err != nil {
		return fmt.Errorf("encode sections: %w", err)
	}
	critical := make([]Critical, 0, len(best))
	for _, one := range best {
		critical = append(critical, one)
	}
	slices.SortFunc(critical, func(a, b Critical) int {
		if order := riskier(a, b); order != 0 {
			return order
		}
		return strings.Compare(a.RequirementID, b.RequirementID)
	})
	if s.Critical, err = json.Marshal(critical); err != nil {
		return fmt.Errorf("encode critical requirements: %w", err)
	}
	return nil
}

// mean is a weighted mean.
type mean struct{ products, weights *big.Rat }

func (m *mean) add(value string, weight *big.Rat) {
	if m.weights == nil {
		m.products, m.weights = new(big.Rat), new(big.Rat)
	}
	m.products.Add(m.products, new(big.Rat).Mul(rational(value), weight))
	m.weights.Add(m.weights, weight)
}

func (m *mean) value() *big.Rat { return new(big.Rat).Quo(m.products, m.weights) }
