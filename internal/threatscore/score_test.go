package threatscore_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/threatscore"
)

// requirement is one of a framework made here.
func requirement(id, section, risk, weight string, checks ...string) catalogue.Requirement {
	attributes := fmt.Sprintf(`[{"Title":"Title of %[1]s","Section":%[2]q,"SubSection":"Sub","AttributeDescription":"About %[1]s","LevelOfRisk":%[3]s,"Weight":%[4]s}]`,
		id, section, risk, weight)
	return catalogue.Requirement{ID: id, Description: "Described", Attributes: json.RawMessage(attributes), Checks: checks}
}

func framework(requirements ...catalogue.Requirement) catalogue.Framework {
	return catalogue.Framework{Requirements: requirements}
}

// TestScores holds scores against figures that were worked out by hand.
func TestScores(t *testing.T) {
	t.Parallel()
	lamp, door := requirement("1", "Light", "5", "100", "lamp"), requirement("2", "Doors", "2", "10", "door")
	tests := map[string]struct {
		framework catalogue.Framework
		findings  map[string]threatscore.Findings
		overall   string
		sections  map[string]string
		numbers   threatscore.Requirements
	}{
		// 100 * (3*100*2.25 + 0) / (4*100*2.25 + 6*10*1.5) = 67500 / 990
		"weighted": {framework(lamp, door), map[string]threatscore.Findings{"lamp": {Passed: 3, Failed: 1}, "door": {Failed: 6}},
			"68.18", map[string]string{"Light": "75.00", "Doors": "0.00"}, threatscore.Requirements{Total: 2, Failed: 2}},
		"nothing found": {framework(lamp, door), nil, "100.00", map[string]string{"Light": "100.00", "Doors": "100.00"},
			threatscore.Requirements{Total: 2, Passed: 2}},
		"one section found nothing": {framework(lamp, door), map[string]threatscore.Findings{"lamp": {Failed: 1}}, "0.00",
			map[string]string{"Light": "0.00", "Doors": "100.00"}, threatscore.Requirements{Total: 2, Passed: 1, Failed: 1}},
		"by hand": {framework(requirement("3", "Hands", "4", "1")), nil, "100.00", map[string]string{"Hands": "100.00"},
			threatscore.Requirements{Total: 1, Manual: 1}},
		"no weight": {framework(requirement("4", "Air", "1", "0", "lamp")), map[string]threatscore.Findings{"lamp": {Passed: 2}}, "0.00",
			map[string]string{"Air": "0.00"}, threatscore.Requirements{Total: 1, Passed: 1}},
		"a check twice": {framework(requirement("5", "Light", "0", "1", "lamp", "door", "lamp")),
			map[string]threatscore.Findings{"lamp": {Passed: 1}, "door": {Failed: 1}}, "50.00", map[string]string{"Light": "50.00"},
			threatscore.Requirements{Total: 1, Failed: 1}},
		// 1/800 is 0.125 %: a float would be as likely to show 0.12.
		"half up": {framework(requirement("6", "Light", "0", "1", "lamp")), map[string]threatscore.Findings{"lamp": {Passed: 1, Failed: 799}},
			"0.13", map[string]string{"Light": "0.13"}, threatscore.Requirements{Total: 1, Failed: 1}},
		// 1.005 % has no exact binary fraction.
		"half up again": {framework(requirement("6", "Light", "0", "1", "lamp")), map[string]threatscore.Findings{"lamp": {Passed: 201, Failed: 19799}},
			"1.01", map[string]string{"Light": "1.01"}, threatscore.Requirements{Total: 1, Failed: 1}},
		"no requirements": {framework(), map[string]threatscore.Findings{"lamp": {Passed: 1}}, "100.00", map[string]string{}, threatscore.Requirements{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			score := threatscore.Compute(test.framework, test.findings)
			if score.Overall != test.overall || !maps.Equal(score.Sections, test.sections) || score.Requirements != test.numbers {
				t.Errorf("got %+v", score)
			}
		})
	}
}

// TestCriticalRequirements are those that fail at a risk of 4 or more, the riskiest first, then the weightiest.
func TestCriticalRequirements(t *testing.T) {
	t.Parallel()
	score := threatscore.Compute(framework(
		requirement("low", "S", "3", "1000", "bad"), requirement("met", "S", "5", "1000", "good"), requirement("unseen", "S", "5", "1000", "never"),
		requirement("four", "S", "4", "100", "bad"), requirement("heavy", "S", "4", "1000", "bad", "good"), requirement("five", "S", "5", "10", "bad"),
	), map[string]threatscore.Findings{"bad": {Failed: 2}, "good": {Passed: 3}})
	encoded, err := json.Marshal(score.Critical)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(id string, risk, weight, passed, total int) string {
		return fmt.Sprintf(`{"requirement_id":%[1]q,"title":"Title of %[1]s","section":"S","subsection":"Sub","risk_level":%[2]d,"weight":%[3]d,`+
			`"passed_findings":%[4]d,"total_findings":%[5]d,"description":"About %[1]s"}`, id, risk, weight, passed, total)
	}
	if want := "[" + entry("five", 5, 10, 0, 2) + "," + entry("heavy", 4, 1000, 3, 5) + "," + entry("four", 4, 100, 0, 2) + "]"; string(encoded) != want {
		t.Errorf("got  %s\nwant %s", encoded, want)
	}
	if score.Findings != (threatscore.Findings{Passed: 6, Failed: 8}) {
		t.Errorf("findings %+v", score.Findings)
	}
}

// TestOddRatings: a framework that says nothing sensible of a requirement's worth still counts it, and rates it not.
func TestOddRatings(t *testing.T) {
	t.Parallel()
	for name, attributes := range map[string]string{
		"none": ``, "null": `null`, "empty": `[]`, "object": `{}`, "text": `["x"]`, "no risk": `[{"Weight":1}]`, "words": `[{"LevelOfRisk":"high","Weight":1}]`,
		"negative": `[{"LevelOfRisk":-1,"Weight":1}]`, "exponent": `[{"LevelOfRisk":1e999999999,"Weight":1}]`, "long": `[{"LevelOfRisk":1,"Weight":10000000000}]`,
		"not a number": `[{"LevelOfRisk":"NaN","Weight":1}]`,
	} {
		one := catalogue.Requirement{ID: "1", Attributes: json.RawMessage(attributes), Checks: []string{"lamp"}}
		score := threatscore.Compute(framework(one), map[string]threatscore.Findings{"lamp": {Failed: 1}})
		if score.Overall != "100.00" || len(score.Sections) != 0 || score.Requirements.Failed != 1 || len(score.Critical) != 0 {
			t.Errorf("%s: %+v", name, score)
		}
	}
	worded := requirement("1", "S", `"5"`, `"10.5"`, "lamp")
	if score := threatscore.Compute(framework(worded), map[string]threatscore.Findings{"lamp": {Failed: 1}}); len(score.Critical) != 1 || score.Critical[0].Weight != "10.5" {
		t.Errorf("numbers as text: %+v", score)
	}
}

// TestScoresStayWithinBounds: whatever is found, a score is a percentage, and one more pass never lowers it.
func TestScoresStayWithinBounds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var requirements []catalogue.Requirement
		findings := map[string]threatscore.Findings{}
		for i := range 1 + random.IntN(8) {
			check := fmt.Sprint("check", random.IntN(6))
			requirements = append(requirements, requirement(fmt.Sprint(i), fmt.Sprint("S", random.IntN(3)), fmt.Sprint(random.IntN(6)), fmt.Sprint(random.IntN(1001)), check))
			findings[check] = threatscore.Findings{Passed: random.Int64N(1 << random.IntN(40)), Failed: random.Int64N(1 << random.IntN(40))}
		}
		score := number(t, threatscore.Compute(framework(requirements...), findings).Overall)
		if score.Sign() < 0 || score.Cmp(big.NewRat(100, 1)) > 0 {
			t.Fatalf("%s of %+v", score, findings)
		}
		for check, of := range findings {
			if of.Failed > 0 {
				findings[check] = threatscore.Findings{Passed: of.Passed + 1, Failed: of.Failed - 1}
				break
			}
		}
		if after := number(t, threatscore.Compute(framework(requirements...), findings).Overall); after.Cmp(score) < 0 {
			t.Fatalf("a failure that was repaired took %s to %s", score, after)
		}
	}
}

func number(t *testing.T, text string) *big.Rat {
	t.Helper()
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return value
}
