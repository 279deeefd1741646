// Package threatscore computes the ThreatScore of a scan: how much of what its provider type's ThreatScore framework asks for
// is met, each requirement weighted by the risk that it is about and by its findings. A scan has one snapshot, made with its
// completion and by every recount. Scores are computed exactly and rounded once, half up, to two decimals.
//
// What does not belong here: compliance with frameworks in general (internal/compliance), reports, and documents
// (internal/api/overviews).
package threatscore

import (
	"cmp"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"

	"github.com/palisade-sec/palisade/internal/catalogue"
)

// Findings are the findings of one check that count: neither muted nor manual.
type Findings struct{ Passed, Failed int64 }

// Score is what a scan is worth by a framework.
type Score struct {
	Overall  string            // percentage with two decimals
	Sections map[string]string // the same by section
	Critical []Critical        // riskiest first

	Requirements Requirements
	Findings     Findings // summed over the requirements
}

// Requirements count the requirements of a framework by what became of them.
type Requirements struct{ Total, Passed, Failed, Manual int }

// Critical is a requirement of high risk that is not met.
type Critical struct {
	RequirementID  string      `json:"requirement_id"`
	Title          string      `json:"title"`
	Section        string      `json:"section"`
	SubSection     string      `json:"subsection"`
	RiskLevel      json.Number `json:"risk_level"`
	Weight         json.Number `json:"weight"`
	PassedFindings int64       `json:"passed_findings"`
	TotalFindings  int64       `json:"total_findings"`
	Description    string      `json:"description"`
}

// criticalRisk is the level of risk from which a requirement is critical.
const criticalRisk = 4

// rating is what the framework says of a requirement's worth.
type rating struct {
	Title                string      `json:"Title"`
	Section              string      `json:"Section"`
	SubSection           string      `json:"SubSection"`
	AttributeDescription string      `json:"AttributeDescription"`
	LevelOfRisk          json.Number `json:"LevelOfRisk"`
	Weight               json.Number `json:"Weight"`

	risk, weight *big.Rat
}

// Compute rates the findings of a scan, by check id, by a framework.
func Compute(framework catalogue.Framework, findings map[string]Findings) Score {
	score := Score{Sections: map[string]string{}, Critical: []Critical{}, Requirements: Requirements{Total: len(framework.Requirements)}}
	overall, sections := newShare(), map[string]*share{}
	for _, requirement := range framework.Requirements {
		of := sum(requirement.Checks, findings)
		failed := score.count(requirement, of)
		rated, ok := rate(requirement)
		if !ok {
			continue
		}
		if sections[rated.Section] == nil {
			sections[rated.Section] = newShare()
		}
		overall.add(of, rated)
		sections[rated.Section].add(of, rated)
		if failed && rated.risk.Cmp(big.NewRat(criticalRisk, 1)) >= 0 {
			score.Critical = append(score.Critical, rated.critical(requirement, of))
		}
	}
	score.Overall = overall.percentage()
	for name, section := range sections {
		score.Sections[name] = section.percentage()
	}
	slices.SortStableFunc(score.Critical, riskier)
	return score
}

// count adds a requirement to the numbers and reports whether it failed.
func (s *Score) count(requirement catalogue.Requirement, of Findings) (failed bool) {
	s.Findings.Passed += of.Passed
	s.Findings.Failed += of.Failed
	switch {
	case len(requirement.Checks) == 0:
		s.Requirements.Manual++
	case of.Failed > 0:
		s.Requirements.Failed++
		return true
	default:
		s.Requirements.Passed++
	}
	return false
}

// sum adds up the findings of a requirement's checks; one that stands twice counts once.
func sum(checks []string, findings map[string]Findings) Findings {
	var total Findings
	for i, check := range checks {
		if !slices.Contains(checks[:i], check) {
			total.Passed += findings[check].Passed
			total.Failed += findings[check].Failed
		}
	}
	return total
}

// plainNumber keeps exponents out: 1e1000000000 is short to write and long to compute with.
var plainNumber = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,6})?$`)

// rate reads the rating of a requirement; ok is false when it has none that makes sense.
func rate(requirement catalogue.Requirement) (rated rating, ok bool) {
	var all []json.RawMessage
	if json.Unmarshal(requirement.Attributes, &all) != nil || len(all) == 0 || json.Unmarshal(all[0], &rated) != nil {
		return rating{}, false
	}
	if !plainNumber.MatchString(rated.LevelOfRisk.String()) || !plainNumber.MatchString(rated.Weight.String()) {
		return rating{}, false
	}
	rated.risk, rated.weight = rational(rated.LevelOfRisk.String()), rational(rated.Weight.String())
	return rated, true
}

func (r rating) critical(requirement catalogue.Requirement, of Findings) Critical {
	return Critical{RequirementID: requirement.ID, Title: r.Title, Section: r.Section, SubSection: r.SubSection, RiskLevel: r.LevelOfRisk,
		Weight: r.Weight, PassedFindings: of.Passed, TotalFindings: of.Passed + of.Failed, Description: cmp.Or(r.AttributeDescription, requirement.Description)}
}

// riskier orders critical requirements: the riskiest first, then the weightiest.
func riskier(a, b Critical) int {
	return cmp.Or(compare(b.RiskLevel, a.RiskLevel), compare(b.Weight, a.Weight))
}

// compare orders decimal numbers, nearly all of which are whole.
func compare(a, b json.Number) int {
	if a == b {
		return 0
	}
	one, errOne := strconv.ParseInt(a.String(), 10, 64)
	other, errOther := strconv.ParseInt(b.String(), 10, 64)
	if errOne != nil || errOther != nil {
		return rational(a.String()).Cmp(rational(b.String()))
	}
	return cmp.Compare(one, other)
}

// share is a weighted share of passes.
type share struct {
	passed, total *big.Rat
	found         bool // there was a finding at all
}

func newShare() *share { return &share{passed: new(big.Rat), total: new(big.Rat)} }

// add counts each finding with the requirement's weight, a quarter more for each level of risk.
func (s *share) add(of Findings, rated rating) {
	if of.Passed+of.Failed == 0 {
		return
	}
	s.found = true
	worth := new(big.Rat).Add(big.NewRat(1, 1), new(big.Rat).Mul(rated.risk, big.NewRat(1, 4)))
	worth.Mul(worth, rated.weight)
	s.passed.Add(s.passed, new(big.Rat).Mul(worth, new(big.Rat).SetInt64(of.Passed)))
	s.total.Add(s.total, new(big.Rat).Mul(worth, new(big.Rat).SetInt64(of.Passed+of.Failed)))
}

// percentage is the share in percent: all when nothing was found, nothing when what was found has no weight.
func (s *share) percentage() string {
	switch {
	case !s.found:
		return decimal(big.NewRat(100, 1))
	case s.total.Sign() == 0:
		return decimal(new(big.Rat))
	}
	of := new(big.Rat).Quo(s.passed, s.total)
	return decimal(of.Mul(of, big.NewRat(100, 1)))
}

// decimal rounds to two decimals, halves away from zero.
func decimal(value *big.Rat) string { return value.FloatString(2) }

// rational reads a decimal number; zero when it is none.
func rational(text string) *big.Rat {
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat)
	}
	return value
}
