package authz

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/palisade-sec/palisade/policy"
)

func TestZeroVisibilityDenies(t *testing.T) {
	t.Parallel()
	var zero Visibility
	if _, some := zero.Condition(); !zero.IsNone() || zero.IsAll() || some {
		t.Errorf("the zero value admits something: %s", zero)
	}
	if !reflect.DeepEqual(zero, NoProviders()) {
		t.Error("NoProviders is not the zero value")
	}
}

func TestProvidersWhereRefusesWhatIsNoCondition(t *testing.T) {
	t.Parallel()
	sound := Compare{FieldType, OpEqual, []string{"aws"}}
	for name, condition := range map[string]Condition{
		"nothing":             nil,
		"empty and":           And{},
		"empty or":            Or{},
		"nil within":          And{sound, nil},
		"not of nothing":      Not{},
		"empty and within":    Not{Or{sound, And{}}},
		"constant":            constant(true),
		"no value":            Compare{FieldType, OpEqual, nil},
		"two values":          Compare{FieldType, OpEqual, []string{"aws", "gcp"}},
		"empty list":          Compare{FieldType, OpIn, nil},
		"unknown field":       Compare{"providers.secret", OpEqual, []string{"x"}},
		"unknown op":          Compare{FieldType, "like", []string{"x"}},
		"prefix of an id":     Compare{FieldID, OpStartsWith, []string{"00"}},
		"no uuid":             Compare{FieldID, OpEqual, []string{"x"}},
		"uuid in capitals":    Compare{FieldID, OpEqual, []string{"AAAAAAAA-0000-4000-8000-000000000000"}},
		"not equal to groups": Compare{FieldProviderGroup, OpNotEqual, []string{id(1).String()}},
	} {
		if visibility, err := ProvidersWhere(condition); err == nil || !visibility.IsNone() {
			t.Errorf("%s: %v, %v", name, visibility, err)
		}
	}
	if visibility, err := ProvidersWhere(And{sound, Not{sound}}); err != nil || visibility.IsNone() || visibility.IsAll() {
		t.Errorf("a sound condition: %v, %v", visibility, err)
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	snapshot := load(t, policy.FS)
	inGroups := func(groups ...byte) Visibility {
		values := make([]string, len(groups))
		for i, group := range groups {
			values[i] = id(group).String()
		}
		visibility, err := ProvidersWhere(Compare{FieldProviderGroup, OpIn, values})
		if err != nil {
			t.Fatal(err)
		}
		return visibility
	}
	limited := func(role byte, groups ...byte) Role {
		made := Role{ID: id(role)}
		for _, group := range groups {
			made.ProviderGroups = append(made.ProviderGroups, id(group))
		}
		return made
	}
	unlimited := Role{ID: id(9), UnlimitedVisibility: true}
	for name, test := range map[string]struct {
		who  Subject
		want Visibility
	}{
		"nobody":                      {Subject{}, NoProviders()},
		"no role":                     {subject(), NoProviders()},
		"a role without groups":       {subject(limited(1)), NoProviders()},
		"permissions show nothing":    {subject(Role{ID: id(1), Permissions: everything}), NoProviders()},
		"unlimited":                   {subject(unlimited), AllProviders()},
		"unlimited and limited":       {subject(limited(1, 20), unlimited), AllProviders()},
		"one group":                   {subject(limited(1, 20)), inGroups(20)},
		"groups of two roles":         {subject(limited(2, 22, 21), limited(1, 20)), inGroups(20, 21, 22)},
		"the same group twice":        {subject(limited(1, 20), limited(2, 20)), inGroups(20)},
		"a role without adds nothing": {subject(limited(1), limited(2, 20)), inGroups(20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				got, err := snapshot.Visible(t.Context(), test.who)
				if err != nil || !reflect.DeepEqual(got, test.want) {
					t.Errorf("got %v, %v, want %v", got, err, test.want)
				}
			}
		})
	}
}

// Rules that policy editors may write, and the conditions that come of them.
func TestVisibilityRulesBecomeConditions(t *testing.T) {
	t.Parallel()
	group := id(20).String()
	for rule, want := range map[string]string{
		`input.providers.provider == "aws"`:                                                     `provider type is "aws"`,
		`"aws" == input.providers.provider`:                                                     `provider type is "aws"`,
		`input.providers.uid != "1"`:                                                            `uid is not "1"`,
		`input.providers.provider in {"gcp", "aws"}`:                                            `provider type is one of "aws", "gcp"`,
		`startswith(input.providers.alias, "prod-")`:                                            `alias starts with "prod-"`,
		`endswith(input.providers.alias, "%_'")`:                                                `alias ends with "%_'"`,
		`contains(input.providers.uid, "12")`:                                                   `uid contains "12"`,
		`input.providers.id == "` + strings.ToUpper(group) + `"`:                                `id is "` + group + `"`,
		"input.providers.provider == \"aws\"\nnot startswith(input.providers.alias, \"prod-\")": `(provider type is "aws") and (not (alias starts with "prod-"))`,
		`not input.provider_group_memberships.provider_group_id in {"` + group + `"}`:           `not (provider group is one of "` + group + `")`,
		"some kind in [\"aws\", \"gcp\"]\ninput.providers.provider == kind":                     `(provider type is "aws") or (provider type is "gcp")`,
		`every part in ["a", "b"] { contains(input.providers.alias, part) }`:                    `(alias contains "a") and (alias contains "b")`,
		// Decided without looking at a provider.
		`input.providers.uid in []`:                                               "no provider",
		`not input.providers.uid in []`:                                           "every provider of the tenant",
		"input.providers.provider == \"aws\"\ninput.providers.uid in set()":       "no provider",
		"input.providers.provider == \"aws\"\nnot input.providers.uid in set()":   `provider type is "aws"`,
		"input.providers.provider == \"aws\"\ncount(input.subject.roles) > 100":   "no provider",
		`some role in input.subject.roles; role.permissions.manage_scans == true`: "no provider",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			snapshot := load(t, showing(t, rule))
			got, err := snapshot.Visible(t.Context(), subject())
			if err != nil {
				t.Fatal(err)
			}
			if words := strings.TrimPrefix(got.String(), "providers where "); words != want {
				t.Errorf("got %s, want %s", words, want)
			}
		})
	}
}

// Rules that cannot become a condition are refused when the policy is loaded. Several of them would otherwise show
// every provider, because the evaluator's translation says "no condition" when it gives up.
func TestVisibilityRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for rule, kind := range map[string]ProblemKind{
		`input.providers.secret == "x"`:                                                   KindCompile,
		`input.provider.uid == "x"`:                                                       KindCompile,
		`input.subject.user_id == "x"`:                                                    KindCompile,
		`http.send({"url": "http://127.0.0.1", "method": "get"}).status == 200`:           KindCompile,
		`time.now_ns() > 0`:                                                               KindCompile,
		`rand.intn("x", 2) == 0`:                                                          KindCompile,
		`input.providers.uid == input.providers.alias`:                                    KindVisibility,
		`startswith(input.providers.uid, input.providers.alias)`:                          KindVisibility,
		`input.providers.uid in input.providers.alias`:                                    KindVisibility,
		`startswith("aws-x", input.providers.provider)`:                                   KindVisibility,
		`lower(input.providers.alias) == "x"`:                                             KindVisibility,
		`input.providers.uid > "x"`:                                                       KindVisibility,
		`input.providers.uid`:                                                             KindVisibility,
		`not input.providers.alias`:                                                       KindVisibility,
		`input.providers.uid in [1, 2]`:                                                   KindCompile,
		`input.providers.uid == null`:                                                     KindCompile,
		`input.providers.id == "aws"`:                                                     KindVisibility,
		`startswith(input.providers.id, "aa")`:                                            KindVisibility,
		`input.provider_group_memberships.provider_group_id != "x"`:                       KindVisibility,
		`regex.match("^a", input.providers.alias)`:                                        KindVisibility,
		"not found\n}\n\nfound if {\n\tsome column\n\tinput.providers[column] == \"aws\"": KindVisibility,
		`count(input.providers) == 0`:                                                     KindVisibility,
		`not "aws" in input.providers`:                                                    KindVisibility,
		`object.get(input.providers, "uid", "none") == "none"`:                            KindVisibility,
		`some column; input.providers[column] == "aws"`:                                   KindVisibility,
		`not input.providers.uid == input.providers.alias`:                                KindVisibility,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			_, err := Load(t.Context(), whole(showing(t, rule)))
			var problems Problems
			if !asProblemsOf(err, &problems) || problems[0].Kind != kind {
				t.Errorf("got %v, want a problem of kind %s", err, kind)
			}
		})
	}
}

func TestTranslateIsStrict(t *testing.T) {
	t.Parallel()
	const sound = `{"type":"field","operator":"eq","field":"providers.uid","value":"1"}`
	for name, document := range map[string]string{
		"empty":             `{}`,
		"no operator":       `{"type":"field","field":"providers.uid","value":"1"}`,
		"unknown type":      `{"type":"document","operator":"exists","field":"providers.uid","value":"1"}`,
		"unknown member":    `{"type":"field","operator":"eq","field":"providers.uid","value":"1","not":true}`,
		"unknown operator":  `{"type":"field","operator":"regex","field":"providers.uid","value":"1"}`,
		"unknown field":     `{"type":"field","operator":"eq","field":"tenants.id","value":"1"}`,
		"unknown in []":     `{"type":"field","operator":"in","field":"tenants.id","value":[]}`,
		"no field":          `{"type":"field","operator":"eq","value":"1"}`,
		"no value":          `{"type":"field","operator":"eq","field":"providers.uid"}`,
		"null":              `{"type":"field","operator":"eq","field":"providers.alias","value":null}`,
		"a number":          `{"type":"field","operator":"eq","field":"providers.uid","value":1}`,
		"a column":          `{"type":"field","operator":"eq","field":"providers.uid","value":{"field":"providers.alias"}}`,
		"a list for eq":     `{"type":"field","operator":"eq","field":"providers.uid","value":["1"]}`,
		"an empty eq list":  `{"type":"field","operator":"eq","field":"providers.uid","value":[]}`,
		"a text for in":     `{"type":"field","operator":"in","field":"providers.uid","value":"1"}`,
		"numbers for in":    `{"type":"field","operator":"in","field":"providers.uid","value":[1]}`,
		"empty compound":    `{"type":"compound","operator":"and","value":[]}`,
		"no compound":       `{"type":"compound","operator":"and"}`,
		"not of two":        `{"type":"compound","operator":"not","value":[` + sound + `,` + sound + `]}`,
		"unknown compound":  `{"type":"compound","operator":"xor","value":[` + sound + `]}`,
		"compound of text":  `{"type":"compound","operator":"and","value":["x"]}`,
		"compound on field": `{"type":"compound","operator":"and","field":"providers.uid","value":[` + sound + `]}`,
		"bad within":        `{"type":"compound","operator":"or","value":[` + sound + `,{}]}`,
		"too deep": strings.Repeat(`{"type":"compound","operator":"not","value":[`, 100) + sound +
			strings.Repeat(`]}`, 100),
	} {
		var node map[string]any
		if err := json.Unmarshal([]byte(document), &node); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if visibility, err := translate(node); err == nil || !visibility.IsNone() {
			t.Errorf("%s: %v, %v", name, visibility, err)
		}
	}
}

// Whatever a document says, translation does not panic, and what it admits is well formed.
func FuzzTranslate(f *testing.F) {
	f.Add(`{"type":"field","operator":"in","field":"providers.uid","value":["1","2"]}`)
	f.Add(`{"type":"compound","operator":"not","value":[{"type":"field","operator":"in","field":"providers.id","value":[]}]}`)
	f.Add(`{"type":"compound","operator":"or","value":[{"type":"field","operator":"startswith","field":"providers.alias","value":"p"},{}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		var node map[string]any
		if json.Unmarshal([]byte(document), &node) != nil {
			return
		}
		visibility, err := translate(node)
		if err != nil && !visibility.IsNone() {
			t.Fatalf("an error admits %v", visibility)
		}
		if condition, some := visibility.Condition(); some {
			if err := condition.check(); err != nil {
				t.Fatalf("%v: %v", visibility, err)
			}
		}
	})
}

func TestWordsTellConditionsApart(t *testing.T) {
	t.Parallel()
	uid := func(op Op, values ...string) Condition { return Compare{FieldUID, op, values} }
	conditions := []Condition{
		uid(OpIn, "a", "b"), uid(OpIn, `a", "b`), uid(OpEqual, "a"), uid(OpNotEqual, "a"), uid(OpStartsWith, "a"),
		Not{uid(OpEqual, "a")}, And{uid(OpEqual, "a"), uid(OpEqual, "b")}, Or{uid(OpEqual, "a"), uid(OpEqual, "b")},
		And{Or{uid(OpEqual, "a"), uid(OpEqual, "b")}, uid(OpEqual, "c")},
		Or{uid(OpEqual, "a"), And{uid(OpEqual, "b"), uid(OpEqual, "c")}},
		Compare{FieldID, OpEqual, []string{uuid.Nil.String()}}, Compare{FieldProviderGroup, OpEqual, []string{uuid.Nil.String()}},
	}
	seen := map[string]bool{NoProviders().String(): true, AllProviders().String(): true}
	for _, condition := range conditions {
		visibility, err := ProvidersWhere(condition)
		if err != nil {
			t.Fatal(err)
		}
		if seen[visibility.String()] {
			t.Errorf("two visibilities are %q", visibility)
		}
		seen[visibility.String()] = true
	}
}

// The condition of a rule admits the providers that the rule itself admits when it is evaluated for each of them.
func TestConditionsMeanWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	providers := []map[string]string{
		{"id": id(1).String(), "provider": "aws", "uid": "123", "alias": "prod-a"},
		{"id": id(2).String(), "provider": "gcp", "uid": "a_%c", "alias": "prod"},
		{"id": id(3).String(), "provider": "azure", "uid": "", "alias": "test-aws"},
		{"id": id(4).String(), "provider": "AWS", "uid": "12", "alias": "PROD-a"},
	}
	groups := []string{id(20).String(), id(21).String()}
	who := subject(Role{ID: id(1), ProviderGroups: []uuid.UUID{id(20)}}).canonical()
	for _, rule := range []string{
		`false`,
		`true`,
		`input.providers.provider == "aws"`,
		`not input.providers.provider == "aws"`,
		`input.providers.provider != "aws"`,
		`input.providers.provider in ["aws", "azure"]`,
		`contains(input.providers.uid, "2")`,
		`contains(input.providers.uid, "_%")`,
		`startswith(input.providers.alias, "prod-")`,
		`endswith(input.providers.alias, "-a")`,
		"startswith(input.providers.alias, \"prod\")\nnot input.providers.provider in {\"gcp\"}",
		"some prefix in [\"1\", \"a\"]\nstartswith(input.providers.uid, prefix)\nnot input.providers.uid == \"12\"",
		`input.providers.id == "` + id(3).String() + `"`,
		"input.provider_group_memberships.provider_group_id == \"" + groups[1] + "\"\ninput.providers.provider == \"gcp\"",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			snapshot := load(t, showing(t, rule))
			visibility, err := snapshot.Visible(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			compiler, err := newCompiler(nil)
			if err != nil {
				t.Fatal(err)
			}
			src, err := readSource(whole(showing(t, rule)))
			if err != nil {
				t.Fatal(err)
			}
			modules, err := src.modules(isRule)
			if err != nil {
				t.Fatal(err)
			}
			compiler.Compile(modules)
			query, err := rego.New(rego.Compiler(compiler), rego.Query(`count(data.palisade.visibility.include) > 0`)).PrepareForEval(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, provider := range providers {
				for _, group := range groups {
					var input map[string]any
					if err := ast.As(who.input("", attributes{}), &input); err != nil {
						t.Fatal(err)
					}
					input["providers"] = provider
					input["provider_group_memberships"] = map[string]any{"provider_group_id": group}
					results, err := query.Eval(t.Context(), rego.EvalInput(input))
					if err != nil {
						t.Fatal(err)
					}
					condition, _ := visibility.Condition()
					got := visibility.IsAll() || (condition != nil && holds(condition, provider, group))
					if want := results.Allowed(); got != want {
						t.Errorf("%v in %s: the condition says %t, the rule %t", provider, group, got, want)
					}
				}
			}
		})
	}
}

// holds evaluates a condition for one provider that is in one group.
func holds(condition Condition, provider map[string]string, group string) bool {
	met := func(one Condition) bool { return holds(one, provider, group) }
	switch condition := condition.(type) {
	case And:
		return !slices.ContainsFunc(condition, func(one Condition) bool { return !met(one) })
	case Or:
		return slices.ContainsFunc(condition, met)
	case Not:
		return !met(condition.Condition)
	case Compare:
		value := group
		if condition.Field != FieldProviderGroup {
			value = provider[strings.TrimPrefix(string(condition.Field), "providers.")]
		}
		switch condition.Op {
		case OpNotEqual:
			return value != condition.Values[0]
		case OpStartsWith:
			return strings.HasPrefix(value, condition.Values[0])
		case OpEndsWith:
			return strings.HasSuffix(value, condition.Values[0])
		case OpContains:
			return strings.Contains(value, condition.Values[0])
		default:
			return slices.Contains(condition.Values, value)
		}
	}
	return false
}
