package policymatrix_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/policymatrix"
	"github.com/palisade-sec/palisade/policy"
)

const rules = `package palisade.rbac.restrictions

deny contains {"rule": "two-keys", "sentence": "It takes two."} if {
	input.operation == "providers.delete"
	not has("manage_account")
}

deny contains {"rule": "closed", "sentence": "Closed | for all."} if input.operation == "processors.delete"

deny contains {"rule": "keys-read", "sentence": "A key reads."} if {
	input.subject.credential == "api_key"
	input.operation == "scans.create"
}

has(permission) if {
	some role in input.subject.roles
	role.permissions[permission] == true
}
`

func matrix(t *testing.T, layer string) policymatrix.Matrix {
	t.Helper()
	folders := authz.Folders{Base: policy.FS}
	if layer != "" {
		folders.Layer = fstest.MapFS{"x.rego": {Data: []byte(layer)}}
	}
	snapshot, err := authz.Load(t.Context(), folders)
	if err != nil {
		t.Fatal(err)
	}
	made, err := policymatrix.Make(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func row(t *testing.T, of policymatrix.Matrix, operation string) policymatrix.Row {
	t.Helper()
	i := slices.IndexFunc(of.Rows, func(row policymatrix.Row) bool { return row.Operation == operation })
	if i < 0 {
		t.Fatalf("no %s", operation)
	}
	return of.Rows[i]
}

// who are the columns in which an operation is allowed.
func who(of policymatrix.Matrix, one policymatrix.Row) string {
	var columns []string
	for i, allowed := range one.Allowed {
		if allowed {
			columns = append(columns, of.Columns[i])
		}
	}
	return strings.Join(columns, " ")
}

func TestTheTableSaysWhatThePolicyDecides(t *testing.T) {
	t.Parallel()
	const six = " manage_users manage_account manage_billing manage_providers manage_integrations manage_scans"
	shipped := matrix(t, "")
	for operation, want := range map[string]string{
		"users.create": "anonymous signed in any role" + six, "users.me": "signed in any role" + six, "findings.list": "any role" + six,
		"providers.delete": "manage_providers", "scans.create": "manage_scans",
	} {
		one := row(t, shipped, operation)
		if got := who(shipped, one); got != want || len(one.Notes) != 0 {
			t.Errorf("%s: %s %v, want %s", operation, got, one.Notes, want)
		}
	}
	layered := matrix(t, rules)
	for operation, want := range map[string]struct{ who, notes string }{
		"providers.delete":  {"", "takes manage_account and manage_providers together"},
		"processors.delete": {"", "refused with all permissions (rule closed)"},
		"scans.create":      {"manage_scans", "refused with an API key (rule keys-read)"},
		"providers.update":  {"manage_providers", ""},
	} {
		one := row(t, layered, operation)
		if got := who(layered, one); got != want.who || strings.Join(one.Notes, "; ") != want.notes {
			t.Errorf("%s: %s %v", operation, got, one.Notes)
		}
	}
	if !slices.Equal(layered.Attributes, []string{"credential"}) || !slices.Contains(layered.Rules, policymatrix.Rule{ID: "two-keys", Sentence: "It takes two."}) {
		t.Errorf("%v %v", layered.Attributes, layered.Rules)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	layered := matrix(t, rules)
	var table bytes.Buffer
	if err := layered.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(records) != len(layered.Rows)+1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for _, record := range records {
		if record[0] == "providers.delete" && (slices.Contains(record, "yes") || record[len(record)-1] != "takes manage_account and manage_providers together") {
			t.Errorf("%v", record)
		}
	}
	var document bytes.Buffer
	if err := layered.WriteJSON(&document); err != nil {
		t.Fatal(err)
	}
	var back policymatrix.Matrix
	if err := json.Unmarshal(document.Bytes(), &back); err != nil || len(back.Rows) != len(layered.Rows) {
		t.Errorf("%v", err)
	}
	var text bytes.Buffer
	if err := layered.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	for start, end := range map[string]string{"users.create ": " anonymous", "users.me ": " signed in", "providers.delete ": " takes manage_account and manage_providers together",
		"scans.create ": " manage_scans; refused with an API key (rule keys-read)", "findings.list ": " any role", "Rules of this policy": "who is signed in."} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, start) && strings.HasSuffix(line, end) }) {
			t.Errorf("no line %s...%s", start, end)
		}
	}
	var page bytes.Buffer
	if err := layered.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	cells := 0
	for line := range strings.SplitSeq(page.String(), "\n") {
		if strings.HasPrefix(line, "| `") {
			n := strings.Count(line, " | ")
			if cells != 0 && n != cells {
				t.Errorf("a row with %d cells: %s", n, line)
			}
			cells = n
		}
	}
	for _, want := range []string{"| closed | Closed \\| for all. |", "| notes |"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}
