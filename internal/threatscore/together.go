package threatscore

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/palisade-sec/palisade/internal/memo"
)

// overviewID is the framework that a score of several providers names.
const overviewID = "prowler_threatscore_overview"

// Together is the score of several providers: each counts by its findings.
func Together(snapshots []Snapshot) (Snapshot, error) {
	all := Snapshot{ComplianceID: overviewID}
	overall, delta, sections := &mean{}, &mean{}, map[string]*mean{}
	best := map[string]*Critical{}
	for _, one := range snapshots {
		weight := one.weight()
		overall.add(one.Overall, weight)
		if one.Delta != nil {
			delta.add(*one.Delta, weight)
		}
		said, err := one.read()
		if err != nil {
			return Snapshot{}, err
		}
		for name, score := range said.sections {
			if sections[name] == nil {
				sections[name] = &mean{}
			}
			sections[name].add(score.String(), weight)
		}
		keepRiskiest(best, said.critical)
		all.addNumbers(one)
	}
	all.Overall = decimal(overall.value())
	if delta.given() {
		text := decimal(delta.value())
		all.Delta = &text
	}
	return all, all.encode(sections, best)
}

// weight is how much a provider counts: by findings, else by requirements that are not manual, else as one.
func (s Snapshot) weight() int64 {
	switch rated := s.Requirements.Total - s.Requirements.Manual; {
	case s.Total > 0:
		return s.Total
	case rated > 0:
		return int64(rated)
	}
	return 1
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

// details are what a snapshot says beside its numbers.
type details struct {
	sections map[string]json.Number
	critical []Critical
}

// known are details by the text that they were read from: whoever asks has the text already.
var known = memo.New[string, *details](8 << 20)

func (s Snapshot) read() (*details, error) {
	text := string(s.Sections) + "\n" + string(s.Critical)
	if said, ok := known.Get(text); ok {
		return said, nil
	}
	said := &details{}
	if err := json.Unmarshal(s.Sections, &said.sections); err != nil {
		return nil, fmt.Errorf("read sections: %w", err)
	}
	if err := json.Unmarshal(s.Critical, &said.critical); err != nil {
		return nil, fmt.Errorf("read critical requirements: %w", err)
	}
	known.Put(text, said, 3*len(text))
	return said, nil
}

// keepRiskiest keeps of each requirement the riskiest appearance.
func keepRiskiest(best map[string]*Critical, requirements []Critical) {
	for i := range requirements {
		one := &requirements[i]
		if kept, ok := best[one.RequirementID]; !ok || riskier(*one, *kept) < 0 {
			best[one.RequirementID] = one
		}
	}
}

func (s *Snapshot) encode(sections map[string]*mean, best map[string]*Critical) (err error) {
	scores := make(map[string]string, len(sections))
	for name, one := range sections {
		scores[name] = decimal(one.value())
	}
	if s.Sections, err = json.Marshal(scores); err != nil {
		return fmt.Errorf("encode sections: %w", err)
	}
	critical := make([]*Critical, 0, len(best))
	for _, one := range best {
		critical = append(critical, one)
	}
	slices.SortFunc(critical, func(a, b *Critical) int {
		if order := riskier(*a, *b); order != 0 {
			return order
		}
		return strings.Compare(a.RequirementID, b.RequirementID)
	})
	if s.Critical, err = json.Marshal(critical); err != nil {
		return fmt.Errorf("encode critical requirements: %w", err)
	}
	return nil
}

// mean is a weighted mean, exact. Scores have two decimals: they are added as hundredths, any other number as a fraction.
type mean struct {
	products, weights big.Int // products are hundredths
	fractions         big.Rat
	product, weight   big.Int // of the addition that is under way
}

func (m *mean) add(value string, weight int64) {
	m.weight.SetInt64(weight)
	m.weights.Add(&m.weights, &m.weight)
	if number, ok := hundredths(value); ok {
		m.product.SetInt64(number)
		m.products.Add(&m.products, m.product.Mul(&m.product, &m.weight))
		return
	}
	part := rational(value)
	m.fractions.Add(&m.fractions, part.Mul(part, new(big.Rat).SetInt(&m.weight)))
}

// given reports whether something was added.
func (m *mean) given() bool { return m.weights.Sign() > 0 }

func (m *mean) value() *big.Rat {
	sum := new(big.Rat).SetFrac(&m.products, big.NewInt(100))
	return sum.Quo(sum.Add(sum, &m.fractions), new(big.Rat).SetInt(&m.weights))
}

// hundredths reads a number with at most two decimals, and at most some digits before them.
func hundredths(text string) (number int64, ok bool) {
	whole, decimals, _ := strings.Cut(text, ".")
	if len(whole) > 12 || len(decimals) > 2 || strings.ContainsAny(decimals, "+-") || strings.HasPrefix(whole, "+") {
		return 0, false
	}
	number, err := strconv.ParseInt(whole+decimals+"00"[len(decimals):], 10, 64)
	return number, err == nil
}
