package processors_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/mutelist"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const path = "/processors"

const yaml = "Mutelist:\r\n  Accounts:\r\n    \"*\":\r\n      Checks:\r\n        \"iam_*\":\r\n          Regions:\r\n            - \"*\"\r\n          Resources:\r\n            - \"*\"\r\n"

func create(t *testing.T, by *apitest.Client, configuration any) *apitest.Answer {
	t.Helper()
	return by.Post(t, path, "processors", map[string]any{"processor_type": "mutelist", "configuration": configuration}, nil)
}

func list(check any) map[string]any {
	return map[string]any{"Mutelist": map[string]any{"Accounts": map[string]any{"*": map[string]any{"Checks": map[string]any{"iam_*": check}}}}}
}

func TestTheMuteListFromItsMakingToItsEnd(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	forEngine := func(who *apitest.Client) string {
		scope := tenant.NewScope(uuid.MustParse(who.Tenant), uuid.Nil, tenant.SeeAll())
		content, err := mutelist.ForEngine(t.Context(), server.App.Tenants.Read(scope))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if told := forEngine(ada); told != "" {
		t.Errorf("without a list the engine is told %s", told)
	}
	made := create(t, ada, yaml).Want(t, 201)
	id := made.String("/data/id")
	if made.At("/data/attributes/configuration/Mutelist/Accounts/*/Checks/iam_*/Regions/0") != "*" {
		t.Errorf("made %s", made.Raw)
	}
	if told := forEngine(ada); !strings.HasPrefix(told, `{"Accounts":`) {
		t.Errorf("the engine is told %s", told)
	}
	if told := forEngine(bob); told != "" {
		t.Errorf("the engine is told of another tenant's list: %s", told)
	}
	create(t, ada, yaml).Want(t, 400)
	merged := "x: &x {Regions: ['*'], Resources: ['*']}\nMutelist: {Accounts: {012345678901: {Checks: {a: *x, b: {<<: *x, Tags: [t]}}}}}"
	changed := ada.Patch(t, path+"/"+id, "processors", id, map[string]any{"configuration": merged}, nil).Want(t, 200)
	if changed.Len("/data/attributes/configuration/Mutelist/Accounts/012345678901/Checks/b/Resources") != 1 {
		t.Errorf("changed %s", changed.Raw)
	}
	bob.Get(t, path+"/"+id).Want(t, 404)
	bob.Patch(t, path+"/"+id, "processors", id, map[string]any{"configuration": yaml}, nil).Want(t, 404)
	bob.Delete(t, path+"/"+id).Want(t, 404)
	create(t, bob, yaml).Want(t, 201)
	eve := ada.Member(t, "Eve", ada.Role(t, "scanner", map[string]any{"manage_scans": true}))
	eve.Get(t, path).Want(t, 403)
	create(t, eve, yaml).Want(t, 403)
	ada.Delete(t, path+"/"+id).Want(t, 204)
	ada.Get(t, path+"/"+id).Want(t, 404)
	create(t, ada, list(map[string]any{"Regions": []string{}, "Resources": []string{}})).Want(t, 201)
}

func TestMuteListRefusals(t *testing.T) {
	t.Parallel()
	ada := apitest.Start(t).SignUp(t, "Ada")
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'j'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	long := strings.Repeat("(a+)+", 300)
	all := []string{"*"}
	for name, configuration := range map[string]any{
		"null":                nil,
		"empty text":          "",
		"a number":            5,
		"a text":              "hello",
		"broken":              "Mutelist: [a",
		"two documents":       yaml + "---\n" + yaml,
		"a tab":               "Mutelist:\n\tAccounts: {}",
		"a date":              "Mutelist: {Accounts: {}}\nwhen: 2024-01-01",
		"no number":           "Mutelist: {Accounts: {}}\nx: .nan",
		"a NUL":               map[string]any{"Mutelist": map[string]any{"Accounts": map[string]any{"a\x00": map[string]any{"Checks": map[string]any{}}}}},
		"a NUL in YAML":       "Mutelist: {Accounts: {\"a\\0\": {Checks: {}}}}",
		"a bomb":              bomb + yaml,
		"itself":              "Mutelist: &m {Accounts: {a: *m}}",
		"deep":                strings.Repeat("[", 100_000),
		"deep mapping":        strings.Repeat("{a: ", 20_000),
		"too large":           strings.Repeat("#", 600<<10) + "\n" + yaml,
		"a long pattern":      list(map[string]any{"Regions": all, "Resources": []string{long}}),
		"a long name":         map[string]any{"Mutelist": map[string]any{"Accounts": map[string]any{long: map[string]any{"Checks": map[string]any{}}}}},
		"an unknown property": map[string]any{"Mutelist": map[string]any{"Accounts": map[string]any{}, "Colours": 1}},
		"numbers":             list(map[string]any{"Regions": all, "Resources": []int{1}}),
		"a check of null":     list(nil),
		"exceptions of null":  list(map[string]any{"Regions": all, "Resources": all, "Exceptions": nil}),
	} {
		answer := create(t, ada, configuration)
		if answer.Status != 400 || answer.Len("/errors") != 1 || len(answer.Raw) > 2000 {
			t.Errorf("%s: %d %.500s", name, answer.Status, answer.Raw)
		}
	}
	for _, attributes := range []string{`[]`, `["x"]`, `"text"`, `7`, `null`, `{"processor_type":["mutelist"],"configuration":{}}`,
		`{"processor_type":"mutelist","configuration":{"Mutelist":{"Accounts":{"a":{"Checks":{"c":{"Regions":[1e999],"Resources":[]}}}}}}}`} {
		answer := ada.Do(t, "POST", path, "application/vnd.api+json", []byte(`{"data":{"type":"processors","attributes":`+attributes+`}}`))
		if answer.Status != 400 {
			t.Errorf("attributes %s: %d %s", attributes, answer.Status, answer.Raw)
		}
	}
	if all := ada.Get(t, path).Want(t, 200); all.Len("/data") != 0 {
		t.Errorf("a refusal left %s", all.Raw)
	}
}

func TestATenantHasOneMuteList(t *testing.T) {
	t.Parallel()
	ada := apitest.Start(t).SignUp(t, "Ada")
	statuses := make([]int, 6)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() { statuses[i] = create(t, ada, yaml).Status })
	}
	group.Wait()
	made := 0
	for _, status := range statuses {
		switch status {
		case 201:
			made++
		case 400:
		default:
			t.Errorf("answered %d", status)
		}
	}
	if made != 1 {
		t.Errorf("%d lists were made", made)
	}
}

// FuzzRead: whatever text is sent, it is read or refused, and what is read can be stored as JSON.
func FuzzRead(f *testing.F) {
	f.Add(yaml)
	f.Add("a: &a [*a]")
	f.Add("? {a: b}\n: c\n1: 2\n2024-01-01: x\n<<: {b: c}")
	f.Fuzz(func(t *testing.T, text string) {
		document, _, ok := mutelist.Read(text)
		if !ok {
			return
		}
		if _, err := json.Marshal(document); err != nil {
			t.Errorf("%q became %v: %v", text, document, err)
		}
	})
}
