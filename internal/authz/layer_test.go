package authz

import (
	"bytes"
	"context"
	"encoding/xml"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/palisade-sec/palisade/policy"
)

const (
	someRule = "package palisade.rbac.restrictions\n\ndeny contains {\"rule\": \"no\", \"sentence\": \"Never.\"} if input.operation == \"scans.create\"\n"
	someTest = "package no_test\n\nimport data.palisade.rbac.restrictions\n\ntest_no if {\n\tcount(restrictions.deny) == 1 with input as {\"operation\": \"scans.create\"}\n}\n"
)

// The shipped tests say that manage_scans alone creates scans. They go on doing so beside a folder in which it does not.
func TestALayerIsTestedWithTheBaseAndTheBaseAlone(t *testing.T) {
	t.Parallel()
	folders := over(layer(map[string]string{"no.rego": someRule, "no_test.rego": someTest}))
	if err := Check(t.Context(), folders); err != nil {
		t.Fatal(err)
	}
	report, err := Test(t.Context(), folders, true)
	if err != nil || !report.Passed() || !report.Covered() || len(report.Untested) > 0 || report.Bare() {
		t.Fatalf("%v: %+v", err, report.Files)
	}
	own := slices.DeleteFunc(slices.Clone(report.Tests), func(test TestResult) bool { return !test.Own })
	if len(own) != 1 || own[0].File != "no_test.rego" || len(report.Tests) < 20 {
		t.Errorf("%d tests, of the layer %+v", len(report.Tests), own)
	}
	snapshot := loadFolders(t, folders)
	if snapshot.Revision() != report.Revision || snapshot.Revision() == load(t, policy.FS).Revision() {
		t.Error("the revision does not tell the layer")
	}
	// An upgrade brings other built-in rules, and the layer lies over them.
	upgraded := folders
	upgraded.Base = stricter(t)
	if err := Check(t.Context(), upgraded); err != nil {
		t.Error(err)
	}
}

func TestWhatALayerMayNotDo(t *testing.T) {
	t.Parallel()
	visibility := func(body string) string {
		return "package palisade.visibility.grants\n\n# METADATA\n# description: Why.\n" + body + "\n"
	}
	for name, row := range map[string]struct {
		files map[string]string
		kind  ProblemKind
		says  string
	}{
		"a file of ours":        {map[string]string{"rbac/rules.json": `{"rules": {}}`}, KindLayer, "policy-replace"},
		"our package":           {map[string]string{"x.rego": "package palisade.rbac\n\ngranted if true\n"}, KindLayer, "belongs to the built-in policy"},
		"our visibility":        {map[string]string{"x.rego": "package palisade.visibility\n\ngroups contains \"x\"\n"}, KindLayer, "palisade.visibility.grants"},
		"above our package":     {map[string]string{"x.rego": "package palisade\n\nrbac.granted if true\n"}, KindLayer, "belongs"},
		"below our package":     {map[string]string{"x.rego": "package palisade.rbac.restrictions.more\n\nx := 1\n"}, KindLayer, "belongs"},
		"the gathered package":  {map[string]string{"x.rego": "package palisade.gathered\n\ninclude if true\n"}, KindLayer, "belongs"},
		"a test in our package": {map[string]string{"x_test.rego": "package palisade.rbac\n\ngranted if true\n"}, KindLayer, "belongs"},
		"our data":              {map[string]string{"rbac/more.json": `{"operations": {"providers.steal": {}}}`}, KindLayer, "data.rbac"},
		"our data at the top":   {map[string]string{"more.json": `{"rbac": {"rules": {}}}`}, KindLayer, "data.rbac"},
		"rules as data":         {map[string]string{"palisade/rbac/grants/x.json": `{"allow": [{}]}`}, KindLayer, "data.palisade"},
		"nothing":               {map[string]string{}, "", "holds no .rego"},
		"no tests":              {map[string]string{"no.rego": someRule}, KindTest, "no tests"},
		"untested":              {map[string]string{"no.rego": someRule, "x_test.rego": "package x_test\n\ntest_true if true\n"}, KindCoverage, "no test reaches the lines [3]"},
		"a failing test":        {map[string]string{"no.rego": someRule, "no_test.rego": strings.ReplaceAll(someTest, "== 1", "== 2")}, KindTest, "test_no failed"},
		"format":                {map[string]string{"no.rego": strings.ReplaceAll(someRule, " contains ", "  contains "), "no_test.rego": someTest}, KindFormat, "no.rego:3"},
		"no rule":               {map[string]string{"no.rego": strings.ReplaceAll(someRule, `"rule": "no", `, "")}, KindRule, "deny has no rule"},
		"no sentence":           {map[string]string{"no.rego": strings.ReplaceAll(someRule, `, "sentence": "Never."`, "")}, KindRule, "deny has no sentence"},
		"an empty sentence":     {map[string]string{"no.rego": strings.ReplaceAll(someRule, `Never.`, " ")}, KindRule, "sentence of deny is no text"},
		"a number for a rule":   {map[string]string{"no.rego": strings.ReplaceAll(someRule, `"no"`, "1")}, KindRule, "rule of deny is no text"},
		"a text alone":          {map[string]string{"no.rego": "package palisade.rbac.restrictions\n\ndeny contains \"no\"\n"}, KindRule, "deny needs an object"},
		"no set":                {map[string]string{"no.rego": "package palisade.rbac.restrictions\n\ndeny if true\n"}, KindRule, "write deny contains"},
		"misplaced":             {map[string]string{"no.rego": strings.ReplaceAll(someRule, "restrictions", "grants")}, KindRule, "deny has no effect in package palisade.rbac.grants"},
		"misspelt":              {map[string]string{"no.rego": strings.ReplaceAll(someRule, "deny", "denied")}, KindRule, "no rule called deny"},
		"misplaced visibility":  {map[string]string{"x.rego": visibility(`exclude["x"] if input.providers.uid == "1"`)}, KindRule, "exclude has no effect"},
		"no name":               {map[string]string{"x.rego": visibility(`include if input.providers.uid == "1"`)}, KindRule, "a name of its own"},
		"a computed name":       {map[string]string{"x.rego": visibility("include[name] if {\n\tsome name in [\"a\"]\n\tinput.providers.uid == name\n}")}, KindRule, "a name of its own"},
		"an empty name":         {map[string]string{"x.rego": visibility(`include[""] if input.providers.uid == "1"`)}, KindRule, "a name of its own"},
		"a set of names":        {map[string]string{"x.rego": visibility(`include contains "x" if input.providers.uid == "1"`)}, KindRule, "a name of its own"},
		"a default":             {map[string]string{"x.rego": visibility("default include[\"x\"] := true")}, KindRule, "without default and else"},
		"an else":               {map[string]string{"x.rego": visibility("include[\"x\"] if {\n\tinput.providers.uid == \"1\"\n} else if {\n\tinput.providers.uid == \"2\"\n}")}, KindRule, "without default and else"},
		"another value":         {map[string]string{"x.rego": visibility(`include["x"] := false if input.providers.uid == "1"`)}, KindRule, "a name of its own"},
		"a name of ours":        {map[string]string{"x.rego": visibility(`include["role-groups"] if input.providers.uid == "1"`)}, KindRule, `another rule called "role-groups"`},
		"no description":        {map[string]string{"x.rego": "package palisade.visibility.grants\n\ninclude[\"x\"] if input.providers.uid == \"1\"\n"}, KindRule, "has no sentence"},
		"no condition":          {map[string]string{"x.rego": visibility(`include["x"] if lower(input.providers.uid) == "1"`)}, KindVisibility, `include.x`},
		"not equal to a tag":    {map[string]string{"x.rego": visibility(`include["x"] if input.provider_group_tags.tag != "1"`)}, KindVisibility, "does not know"},
		"a misspelt attribute":  {map[string]string{"x.rego": visibility(`include["x"] if input.subject.mail == "1"`)}, KindCompile, "undefined ref"},
		"half a group's name":   {map[string]string{"x.rego": visibility(`include["x"] if count(input.provider_groups.name) == 1`)}, KindVisibility, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check(t.Context(), over(layer(row.files)))
			var problems Problems
			if err == nil || asProblemsOf(err, &problems) != (row.kind != "") || !hasKind(problems, row.kind) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("want a problem of kind %q with %q, got %v", row.kind, row.says, err)
			}
		})
	}
}

// Reasons that are only known when a decision is made may be missing then; the decision stands.
func TestComputedReasonsHaveDefaults(t *testing.T) {
	t.Parallel()
	const body = ` contains reason if {
	some reason in [{}]
	input.operation == "scans.create"
}
`
	denied := loadFolders(t, over(layer(map[string]string{"x.rego": "package palisade.rbac.restrictions\n\ndeny" + body})))
	made, err := denied.Decide(t.Context(), subject(Role{ID: id(1), Permissions: everything}), "scans.create")
	if err != nil || made.Allowed || made.Rule != "restriction" || made.Sentence == "" {
		t.Errorf("%+v, %v", made, err)
	}
	given := loadFolders(t, over(layer(map[string]string{"x.rego": "package palisade.rbac.grants\n\nallow" + body})))
	made, err = given.Decide(t.Context(), subject(), "scans.create")
	if err != nil || !made.Allowed || made.Rule != "grant" || made.Sentence == "" || len(made.GrantedBy) != 0 {
		t.Errorf("%+v, %v", made, err)
	}
}

// A policy in place of the built-in one may leave its visibility rules without names, as they once were.
func TestRulesWithoutNamesInPlaceOfOurs(t *testing.T) {
	t.Parallel()
	const rules = `package palisade.visibility

include if {
	some role in input.subject.roles
	role.unlimited_visibility == true
}

include if input.providers.uid == "1"
`
	snapshot := load(t, with(shipped(t), "visibility/visibility.rego", rules))
	for _, unlimited := range []bool{true, false} {
		sees, err := snapshot.Visible(t.Context(), subject(Role{ID: id(1), UnlimitedVisibility: unlimited}))
		if err != nil || sees.IsAll() != unlimited || !unlimited && sees.String() != `providers where uid is "1"` {
			t.Errorf("%s, %v", sees, err)
		}
	}
	explanation, err := snapshot.Explain(t.Context(), subject(), "findings.list")
	if err != nil || len(explanation.Effects) != 1 || explanation.Effects[0].ID != "include" || explanation.Effects[0].Sentence == "" {
		t.Errorf("%+v, %v", explanation.Effects, err)
	}
}

func TestGrantsHaveGuardRails(t *testing.T) {
	t.Parallel()
	const everythingToEverybody = "package palisade.rbac.grants\n\nallow contains {\"rule\": \"open\", \"sentence\": \"Everything is open.\"}\n"
	snapshot := loadFolders(t, over(layer(map[string]string{"x.rego": everythingToEverybody})))
	for operation, info := range snapshot.Operations() {
		made, err := snapshot.Decide(t.Context(), Subject{}, operation)
		if err != nil || made.Allowed != (info.Permission == "anonymous") {
			t.Errorf("%s for nobody: %+v, %v", operation, made, err)
		}
		if made, err := snapshot.Decide(t.Context(), subject(), operation); err != nil || !made.Allowed {
			t.Errorf("%s for somebody: %+v, %v", operation, made, err)
		}
	}
	for _, operation := range []Operation{"", "providers.steal", "open"} {
		if made, err := snapshot.Decide(t.Context(), subject(), operation); err != nil || made.Allowed || made.Reason != ReasonUnknownOperation {
			t.Errorf("%q: %+v, %v", operation, made, err)
		}
	}
	both := loadFolders(t, over(layer(map[string]string{"x.rego": everythingToEverybody, "no.rego": someRule})))
	if made, err := both.Decide(t.Context(), subject(), "scans.create"); err != nil || made.Allowed || made.Rule != "no" {
		t.Errorf("%+v, %v", made, err)
	}
	// A policy in place of ours cannot open the door either.
	open := replaced(t, shipped(t), "rbac/rbac.rego", `granted if rule.permission == "anonymous"`, `granted if rule`)
	if made, err := load(t, open).Decide(t.Context(), Subject{}, "findings.list"); err == nil || made.Allowed {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestExclusionsWin(t *testing.T) {
	t.Parallel()
	hiding := func(conditions ...string) *Snapshot {
		text := "package palisade.visibility.restrictions\n"
		for i, condition := range conditions {
			text += "\n# METADATA\n# description: Hidden.\nexclude[\"" + string(rune('a'+i)) + "\"] if {\n\t" + condition + "\n}\n"
		}
		return loadFolders(t, over(layer(map[string]string{"x.rego": text})))
	}
	unlimited, limited := Role{ID: id(1), UnlimitedVisibility: true}, Role{ID: id(2), ProviderGroups: ids(7)}
	for name, row := range map[string]struct {
		snapshot *Snapshot
		who      Subject
		want     string
		only     bool
	}{
		"of everything":    {hiding(`input.providers.provider == "aws"`), subject(unlimited), `providers where not excluded by (provider type is "aws")`, true},
		"of some":          {hiding(`input.providers.provider == "aws"`), subject(limited), `providers where (provider group is one of "` + id(7).String() + `") and (not excluded by (provider type is "aws"))`, false},
		"of nothing":       {hiding(`input.providers.provider == "aws"`), subject(), "no provider", false},
		"two":              {hiding(`input.provider_group_tags.tag == "x"`, `contains(input.provider_groups.name, "y")`), subject(unlimited), `providers where not excluded by ((tag of a provider group is "x") or (name of a provider group contains "y"))`, true},
		"all":              {hiding(`input.subject.authenticated`), subject(unlimited), "no provider", false},
		"for others alone": {hiding("input.subject.email == \"x\"\n\tinput.providers.uid == \"1\""), subject(unlimited), "every provider of the tenant", false},
	} {
		got, err := row.snapshot.Visible(t.Context(), row.who)
		if err != nil || got.String() != row.want || got.OnlyHides() != row.only {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	// What cannot be decided hides everything.
	broken := hiding("some role in input.subject.roles\n\trole.name == \"odd\"\n\tlower(input.providers.uid) == \"x\"")
	odd := unlimited
	odd.Name = "odd"
	if got, err := broken.Visible(t.Context(), subject(odd)); err == nil || !got.IsNone() {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := broken.Visible(t.Context(), subject(unlimited)); err != nil || !got.IsAll() {
		t.Errorf("%s, %v", got, err)
	}
}

func TestProvidersWithoutAnAliasAreHiddenWhenInDoubt(t *testing.T) {
	t.Parallel()
	alias := func(text string) *string { return &text }
	none, public, secret := Provider{}, Provider{Alias: alias("public-a")}, Provider{Alias: alias("secret-a")}
	starts := func(prefix string) Condition { return Compare{FieldAlias, OpStartsWith, []string{prefix}} }
	for name, row := range map[string]struct {
		condition                     Condition
		withNone, withPublic, withAny bool
	}{
		"shown by alias":           {starts("public"), false, true, false},
		"shown unless by alias":    {Not{starts("public")}, false, false, true},
		"hidden by alias":          {Unless{starts("secret")}, true, true, false},
		"hidden unless by alias":   {Unless{Not{starts("public")}}, false, true, false},
		"hidden, not equal":        {Unless{Compare{FieldAlias, OpNotEqual, []string{"public-a"}}}, true, true, false},
		"the reverse of hiding":    {Not{Unless{starts("secret")}}, false, false, true},
		"two in a hidden negation": {Unless{Not{Or{starts("public"), starts("secret")}}}, false, true, true},
	} {
		visibility, err := ProvidersWhere(row.condition)
		if err != nil {
			t.Fatal(err)
		}
		if visibility.Shows(none) != row.withNone || visibility.Shows(public) != row.withPublic || visibility.Shows(secret) != row.withAny {
			t.Errorf("%s: %t %t %t", name, visibility.Shows(none), visibility.Shows(public), visibility.Shows(secret))
		}
	}
	if NoProviders().Shows(public) || !AllProviders().Shows(none) {
		t.Error("none and all")
	}
}

func TestAttributesThatRulesLookAt(t *testing.T) {
	t.Parallel()
	if looks := load(t, policy.FS).LooksAt(); len(looks) != 0 {
		t.Errorf("the shipped policy looks at %v: people with the same roles do not share their answers any more", looks)
	}
	all := []string{"credential", "email", "tenant_id"}
	for body, want := range map[string][]string{
		`input.subject.email == "x"`:                                   {"email"},
		`endswith(input.subject.email, "@example.com")`:                {"email"},
		`not input.subject.credential == "api_key"`:                    {"credential"},
		`input.subject.tenant_id in data.acme.tenants`:                 {"tenant_id"},
		`data.acme.of[input.subject.tenant_id][input.operation]`:       {"tenant_id"},
		`[x | x := input.subject.credential][0] == "token"`:            {"credential"},
		`input.subject["email"] == "x"`:                                {"email"},
		"person := input.subject\n\tperson.email == \"x\"":             all,
		"some name\n\tinput.subject[name] == \"x\"":                    all,
		"known(input.subject)":                                         all,
		"known(input)":                                                 all,
		"some part\n\tinput[part].email == \"x\"":                      {"email"},
		"some role in input.subject.roles\n\trole.name == \"x\"":       nil,
		`input.operation == "scans.create"`:                            nil,
		"object.get(input, [\"subject\", \"email\"], \"\") == \"x\"":   all,
		"walk(input.subject, [path, _])\n\tpath == [\"email\"]":        all,
		`json.filter(input, ["subject/email"]).subject.email == "x"`:   all,
		"known(\"x\") with input.subject.email as \"y\"":               {"email"},
		"known(\"x\") with input as {\"subject\": {\"email\": \"y\"}}": all,
	} {
		text := "package palisade.rbac.restrictions\n\nimport data.acme.known\n\ndeny contains {\"rule\": \"r\", \"sentence\": \"s\"} if {\n\t" + body + "\n}\n"
		if !strings.Contains(body, "known") {
			text = strings.Replace(text, "import data.acme.known\n\n", "", 1)
		}
		files := layer(map[string]string{"x.rego": text, "acme.rego": "package acme\n\nknown(_) := false\n", "acme/d.json": `{"tenants": [], "of": {}}`})
		if got := loadFolders(t, over(files)).LooksAt(); !slices.Equal(got, want) {
			t.Errorf("%s looks at %v, want %v", body, got, want)
		}
	}
	// A helper in another file counts, and so does a name for a part of the input.
	helper := layer(map[string]string{
		"x.rego":    "package palisade.rbac.restrictions\n\nimport data.acme.outside\n\ndeny contains {\"rule\": \"r\", \"sentence\": \"s\"} if outside\n",
		"acme.rego": "package acme\n\nimport input.subject as who\n\noutside if not endswith(who.email, \"@example.com\")\n"})
	if got := loadFolders(t, over(helper)).LooksAt(); !slices.Contains(got, "email") {
		t.Errorf("a helper's look at the address is missed: %v", got)
	}
}

func TestCachesTellApartWhatRulesLookAt(t *testing.T) {
	t.Parallel()
	rules := map[string]string{
		"x.rego": "package palisade.rbac.restrictions\n\ndeny contains {\"rule\": input.subject.email, \"sentence\": input.subject.credential} if input.subject.tenant_id\n",
		"v.rego": "package palisade.visibility.grants\n\n# METADATA\n# description: One's own.\ninclude[\"own\"] if input.providers.alias == input.subject.email\n",
	}
	snapshot := loadFolders(t, over(layer(rules)))
	role := Role{ID: id(1), Permissions: everything}
	for range 2 {
		for _, email := range []string{"a@example.com", "b@example.com"} {
			for _, credential := range []Credential{Token, APIKey} {
				who := subject(role)
				who.Email, who.Credential = email, credential
				made, err := snapshot.Decide(t.Context(), who, "scans.create")
				if err != nil || made.Rule != email || made.Sentence != string(credential) {
					t.Errorf("%s %s: %+v, %v", email, credential, made, err)
				}
				if sees, err := snapshot.Visible(t.Context(), who); err != nil || sees.String() != `providers where alias is "`+email+`"` {
					t.Errorf("%s: %s, %v", email, sees, err)
				}
			}
		}
	}
	shared := load(t, policy.FS)
	for i := range byte(50) {
		who := subject(role)
		who.UserID, who.TenantID, who.Email, who.Credential = id(i+1), id(i+100), string(rune('a'+i))+"@example.com", APIKey
		if _, err := shared.Decide(t.Context(), who, "scans.create"); err != nil {
			t.Fatal(err)
		}
	}
	if entries := shared.decisions.order.Len(); entries != 1 {
		t.Errorf("the shipped policy keeps %d answers for one role", entries)
	}
	// Contents that could run into each other have different keys.
	seen := map[subjectKey]bool{}
	for _, who := range []Subject{{UserID: id(1), Email: "ab"}, {UserID: id(1), Credential: "ab"}, {UserID: id(1), Credential: "a", Email: "b"}, {UserID: id(1)},
		{UserID: id(1), TenantID: id(2)}} {
		seen[who.key(allAttributes())] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d keys of 5 subjects", len(seen))
	}
}

func TestJUnitReport(t *testing.T) {
	t.Parallel()
	files := map[string]string{"no.rego": someRule, "no_test.rego": someTest + "\ntest_wrong if {\n\tcount(restrictions.deny) == 2 with input as {\"operation\": \"a <b> & \\\"c\\\"\"}\n}\n" +
		"\ntest_cases[name] if {\n\tsome name in {\"one\", \"two & <more>\"}\n\tname == \"one\"\n}\n\ntodo_test_later if true\n"}
	files["un.rego"] = strings.ReplaceAll(someRule, "scans.create", "scans.update")
	report, err := Test(t.Context(), over(layer(files)), true)
	if err != nil {
		t.Fatal(err)
	}
	report.Untested = []Operation{"providers.steal"}
	report.Tests = append(report.Tests, TestResult{Package: "data.broken_test", Name: "test_x", File: "broken_test.rego", Row: 7, Error: "division by zero"})
	var out bytes.Buffer
	if err := report.WriteJUnit(&out); err != nil {
		t.Fatal(err)
	}
	var document struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []struct {
			Name                             string `xml:"name,attr"`
			Tests, Failures, Errors, Skipped int    `xml:",attr"`
			Cases                            []struct {
				Class   string  `xml:"classname,attr"`
				Name    string  `xml:"name,attr"`
				Failure *string `xml:"failure"`
				Error   *string `xml:"error"`
				Skipped *string `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	verdicts := map[string]string{}
	cases := 0
	for _, suite := range document.Suites {
		for _, one := range suite.Cases {
			cases++
			verdict := "passed"
			for word, text := range map[string]*string{"failed: ": one.Failure, "error: ": one.Error, "skipped": one.Skipped} {
				if text != nil {
					verdict = word + *text
				}
			}
			verdicts[one.Class+" "+one.Name] = verdict
		}
	}
	for name, want := range map[string]string{
		"no_test test_no": "passed", "no_test test_wrong": "failed: no_test.rego:9: no_test.test_wrong does not hold",
		"no_test test_cases[one]": "passed", "no_test test_cases[two & <more>]": "failed: no_test.rego:13: no_test.test_cases does not hold for two & <more>",
		"no_test todo_test_later": "skipped", "coverage no.rego": "passed",
		"operations providers.steal": "failed: no test case of package palisade.rbac_test is named providers.steal",
		"broken_test test_x":         "error: broken_test.rego:7: broken_test.test_x: division by zero",
		"palisade.rbac_test test_permission_alone_allows[providers.delete]": "passed",
	} {
		if !strings.HasPrefix(verdicts[name], want) {
			t.Errorf("%s: %q, want %q", name, verdicts[name], want)
		}
	}
	if len(verdicts) != cases || cases < 500 {
		t.Errorf("%d test cases with %d names", cases, len(verdicts))
	}
	if err := report.WriteJUnit(failing{}); err == nil {
		t.Error("a report that could not be written is none")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fs.ErrClosed }

func TestStatusAndItsMeasures(t *testing.T) {
	t.Parallel()
	var log record
	engine := Start(load(t, policy.FS), log.logger())
	if err := engine.Register(nil); err != nil {
		t.Error(err)
	}
	registry := prometheus.NewRegistry()
	if err := engine.Register(registry); err != nil {
		t.Fatal(err)
	}
	if err := engine.Register(registry); err == nil {
		t.Error("the same measures can be registered twice")
	}
	refused := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() == "palisade_policy_refused" {
				return family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return -1
	}
	first := engine.Status()
	if first.Revision != engine.Snapshot().Revision() || first.Refused != nil || first.Since.IsZero() || refused() != 0 {
		t.Errorf("%+v", first)
	}
	broken := over(layer(map[string]string{"no.rego": "package"}))
	if err := engine.Reload(t.Context(), broken); err == nil {
		t.Fatal("a broken layer was taken")
	}
	if after := engine.Status(); after.Revision != first.Revision || after.Refused == nil || after.Refused.Revision == "" ||
		!strings.Contains(after.Refused.Error, "no.rego") || after.Refused.At.Before(first.Since) || refused() != 1 {
		t.Errorf("%+v", after)
	}
	if err := engine.Reload(t.Context(), whole(fstest.MapFS{})); err == nil || engine.Status().Refused.Revision != "" {
		t.Errorf("%v, %+v", err, engine.Status())
	}
	if err := engine.Reload(t.Context(), whole(policy.FS)); err != nil || engine.Status().Refused != nil || !engine.Status().Since.Equal(first.Since) {
		t.Errorf("%v, %+v", err, engine.Status())
	}
	if err := engine.Reload(context.WithoutCancel(t.Context()), over(layer(map[string]string{"no.rego": someRule, "no_test.rego": someTest}))); err != nil {
		t.Fatal(err)
	}
	if last := engine.Status(); last.Revision == first.Revision || last.Refused != nil || refused() != 0 {
		t.Errorf("%+v", last)
	}
}

// A layer that could not be read for a moment is the same afterwards, refused or not.
func TestARefusalIsRememberedAcrossAnUnreadableFolder(t *testing.T) {
	t.Parallel()
	var log record
	engine := Start(load(t, policy.FS), log.logger())
	watched := watch{engine: engine, tried: engine.Snapshot().Revision()}
	broken, gone := over(layer(map[string]string{"no.rego": "package"})), over(fstest.MapFS{})
	for _, folders := range []Folders{broken, broken, gone, gone, broken, broken} {
		watched.poll(t.Context(), folders)
	}
	if status := engine.Status(); status.Refused == nil || status.Refused.Revision == "" {
		t.Errorf("%+v", status)
	}
	for range 2 {
		watched.poll(t.Context(), whole(policy.FS))
	}
	if status := engine.Status(); status.Refused != nil {
		t.Errorf("%+v", status)
	}
}

func TestExplanationNamesTheRulesOfEachProvider(t *testing.T) {
	t.Parallel()
	snapshot := loadFolders(t, over(guide(t)))
	alias := func(text string) *string { return &text }
	who := Subject{TenantID: id(200), UserID: id(201), Email: "eve@audit.example.com", Credential: Token,
		Roles: []Role{{ID: id(1), Name: "readers", ProviderGroups: ids(7)}}}
	explanation, err := snapshot.Explain(t.Context(), who, "findings.list")
	if err != nil {
		t.Fatal(err)
	}
	ours, audited := ProviderGroup{ID: id(7), Name: "ours"}, ProviderGroup{ID: id(8), Tags: []string{"audited"}}
	explanation.Examine([]Provider{
		{ID: id(10), Type: "aws", UID: "1", Groups: []ProviderGroup{ours, audited}},
		{ID: id(11), Type: "aws", UID: "2", Alias: alias("blackout-x"), Groups: []ProviderGroup{ours}},
		{ID: id(12), Type: "gcp", UID: "3"},
	})
	text := explanation.String()
	for _, want := range []string{
		"email:     eve@audit.example.com (rules of this policy look at it)",
		"credential: token (rules of this policy look at it)",
		"providers: 1 of 3\n",
		"    aws 1 (" + id(10).String() + "), shown by auditors, role-groups\n",
		`    aws 2 "blackout-x" (` + id(11).String() + "), hidden by blackout\n",
		"hidden by blackout: providers where alias starts with \"blackout-\" (Blacked-out accounts are for those who manage the account.)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	document := explanation.JSON()
	if len(document.Providers) != 3 || !document.Providers[0].Visible || document.Providers[1].Visible || document.Providers[1].Hidden[0] != "blackout" ||
		document.Attributes["email"] != who.Email || len(document.Rules) != 4 || document.Granting[0].Name != "readers" {
		t.Errorf("%+v", document)
	}
	if strings.Contains(text, "gcp 3") {
		t.Error("what no rule is about is listed")
	}
}
