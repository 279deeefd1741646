// Package policymatrix makes the table of who may do what: operations by what somebody holds. It asks the policy, and never
// reads the policy's data, so that restrictions and grants are in it.
//
// What does not belong here: particular people (internal/policydiff).
package policymatrix

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/authz"
)

// Matrix is the table.
type Matrix struct {
	Columns    []string `json:"columns"`
	Rows       []Row    `json:"operations"`
	Rules      []Rule   `json:"rules"`
	Attributes []string `json:"attributes_in_rules"` // beside roles: what of a person rules of the policy look at
}

// Row is one operation.
type Row struct {
	Operation string   `json:"operation"`
	Method    string   `json:"method"`
	Path      string   `json:"path"`
	Rule      string   `json:"rule"`
	Allowed   []bool   `json:"allowed"` // by column
	Notes     []string `json:"notes"`
}

// Rule is a rule with the sentence that says why it is there.
type Rule struct {
	ID       string `json:"rule"`
	Sentence string `json:"sentence"`
}

// holder is somebody that a column is about.
type holder struct {
	title   string
	subject authz.Subject
}

var (
	somebody = uuid.MustParse("00000000-0000-4000-8000-000000000001")
	someRole = uuid.MustParse("00000000-0000-4000-8000-000000000002")
)

// with is somebody who holds one role with these permissions, by their places in authz.PermissionNames.
func with(chosen uint) authz.Subject {
	role := authz.Role{ID: someRole, Name: "a role"}
	for i, name := range authz.PermissionNames() {
		if chosen&(1<<i) != 0 {
			*role.Permissions.Permission(name) = true
		}
	}
	return authz.Subject{UserID: somebody, Credential: authz.Token, Roles: []authz.Role{role}}
}

func holders() []holder {
	list := []holder{{"anonymous", authz.Subject{}}, {"signed in", authz.Subject{UserID: somebody, Credential: authz.Token}}, {"any role", with(0)}}
	for i, name := range authz.PermissionNames() {
		list = append(list, holder{name, with(1 << i)})
	}
	return list
}

// Make asks the policy about every operation.
func Make(ctx context.Context, policy *authz.Snapshot) (Matrix, error) {
	matrix := Matrix{Attributes: append([]string{}, policy.LooksAt()...)}
	for _, one := range holders() {
		matrix.Columns = append(matrix.Columns, one.title)
	}
	sentences := map[string]string{}
	operations := policy.Operations()
	for _, operation := range slices.Sorted(maps.Keys(operations)) {
		asked := asker{policy: policy, operation: operation, sentences: sentences}
		row, err := asked.row(ctx, operations[operation], slices.Contains(matrix.Attributes, "credential"))
		if err != nil {
			return Matrix{}, err
		}
		matrix.Rows = append(matrix.Rows, row)
	}
	for _, id := range slices.Sorted(maps.Keys(sentences)) {
		matrix.Rules = append(matrix.Rules, Rule{id, sentences[id]})
	}
	return matrix, nil
}

// asker asks about one operation and remembers the rules that answered.
type asker struct {
	policy    *authz.Snapshot
	operation authz.Operation
	sentences map[string]string
}

func (a asker) decide(ctx context.Context, subject authz.Subject) (authz.Decision, error) {
	made, err := a.policy.Decide(ctx, subject, a.operation)
	if err == nil {
		a.sentences[made.Rule] = made.Sentence
	}
	return made, err
}

func (a asker) row(ctx context.Context, info authz.OperationInfo, byCredential bool) (Row, error) {
	row := Row{Operation: string(a.operation), Method: info.Method, Path: "/api/v1" + info.Path, Rule: info.Rule, Notes: []string{}}
	a.sentences[info.Rule] = info.Sentence
	alone := false
	others := map[string]string{} // what API keys make of it, by the rule
	for _, one := range holders() {
		made, err := a.decide(ctx, one.subject)
		if err != nil {
			return row, err
		}
		row.Allowed = append(row.Allowed, made.Allowed)
		alone = alone || made.Allowed
		if !byCredential || len(one.subject.Roles) == 0 && one.subject.UserID == uuid.Nil {
			continue
		}
		one.subject.Credential = authz.APIKey
		key, err := a.decide(ctx, one.subject)
		if err != nil {
			return row, err
		}
		if key.Allowed != made.Allowed {
			verdict := "refused"
			if key.Allowed {
				verdict = "allowed"
			}
			others[verdict] = key.Rule
		}
	}
	for _, verdict := range slices.Sorted(maps.Keys(others)) {
		row.Notes = append(row.Notes, fmt.Sprintf("%s with an API key (rule %s)", verdict, others[verdict]))
	}
	combined, err := a.combined(ctx, alone)
	row.Notes = append(combined, row.Notes...)
	return row, err
}

// combined says what it takes where nothing alone is enough, and names the rule that refuses the permission which the
// operation's own rule asks for.
func (a asker) combined(ctx context.Context, alone bool) ([]string, error) {
	notes := []string{}
	all := uint(1)<<len(authz.PermissionNames()) - 1
	everything, err := a.decide(ctx, with(all))
	if err != nil {
		return nil, err
	}
	if !everything.Allowed {
		return append(notes, fmt.Sprintf("refused with all permissions (rule %s)", everything.Rule)), nil
	}
	if alone {
		return notes, nil
	}
	var smallest []uint
	for size := 2; size <= len(authz.PermissionNames()) && len(smallest) == 0; size++ {
		for chosen := uint(1); chosen <= all; chosen++ {
			if bits.OnesCount(chosen) != size {
				continue
			}
			made, err := a.decide(ctx, with(chosen))
			if err != nil {
				return nil, err
			}
			if made.Allowed {
				smallest = append(smallest, chosen)
			}
		}
	}
	for _, chosen := range smallest {
		var names []string
		for i, name := range authz.PermissionNames() {
			if chosen&(1<<i) != 0 {
				names = append(names, name)
			}
		}
		notes = append(notes, "takes "+strings.Join(names, " and ")+" together")
	}
	return notes, nil
}

// WriteJSON writes the table for programs.
func (m Matrix) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(m)
}

// WriteCSV writes the table for spreadsheets: "yes" or "no" in each column.
func (m Matrix) WriteCSV(out io.Writer) error {
	writer := csv.NewWriter(out)
	records := [][]string{slices.Concat([]string{"operation", "method", "path"}, m.Columns, []string{"rule", "notes"})}
	for _, row := range m.Rows {
		record := []string{row.Operation, row.Method, row.Path}
		for _, allowed := range row.Allowed {
			record = append(record, map[bool]string{true: "yes", false: "no"}[allowed])
		}
		records = append(records, append(record, row.Rule, strings.Join(row.Notes, "; ")))
	}
	return writer.WriteAll(records)
}

// WriteText writes the table for a terminal: the least that somebody needs for each operation.
func (m Matrix) WriteText(out io.Writer) error {
	var text strings.Builder
	wide := 0
	for _, row := range m.Rows {
		wide = max(wide, len(row.Operation))
	}
	for _, row := range m.Rows {
		var who []string
		for i, allowed := range row.Allowed {
			if allowed {
				who = append(who, m.Columns[i])
			}
			if allowed && i < 3 {
				break // whoever holds more may too, unless a note says otherwise
			}
		}
		line := strings.Join(who, ", ")
		if len(row.Notes) > 0 {
			line = strings.TrimPrefix(line+"; "+strings.Join(row.Notes, "; "), "; ")
		}
		fmt.Fprintf(&text, "%-*s  %s\n", wide, row.Operation, line)
	}
	text.WriteString(m.looks())
	_, err := io.WriteString(out, text.String())
	return err
}

func (m Matrix) looks() string {
	if len(m.Attributes) == 0 {
		return ""
	}
	return fmt.Sprintf("\nRules of this policy also look at: %s. The table is for a person without an address who is signed in.\n", strings.Join(m.Attributes, ", "))
}

// WriteMarkdown writes the table as a page.
func (m Matrix) WriteMarkdown(out io.Writer) error {
	var text strings.Builder
	text.WriteString(`# Permissions

Who may do what, asked of the access policy (` + "`palisade policy matrix`" + ` prints it for yours; ` + "`make gen`" + ` writes this page for the
built-in one). A column is somebody who holds just that: nothing at all, an account, a role without permissions, a role with one
permission. Roles add up. Rules that look at the object itself are part of the operations and not in the table.
`)
	text.WriteString(m.looks())
	notes := slices.ContainsFunc(m.Rows, func(row Row) bool { return len(row.Notes) > 0 })
	header := slices.Concat([]string{"operation", "request"}, m.Columns, []string{"rule"})
	if notes {
		header = append(header, "notes")
	}
	fmt.Fprintf(&text, "\n| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat("---|", len(header)))
	for _, row := range m.Rows {
		cells := []string{"`" + row.Operation + "`", "`" + row.Method + " " + row.Path + "`"}
		for _, allowed := range row.Allowed {
			cells = append(cells, map[bool]string{true: "yes", false: ""}[allowed])
		}
		cells = append(cells, row.Rule)
		if notes {
			cells = append(cells, strings.Join(row.Notes, "; "))
		}
		fmt.Fprintf(&text, "| %s |\n", strings.ReplaceAll(strings.Join(cells, " | "), "\n", " "))
	}
	text.WriteString("\n## Rules\n\n| rule | why |\n|---|---|\n")
	for _, rule := range m.Rules {
		fmt.Fprintf(&text, "| %s | %s |\n", rule.ID, strings.ReplaceAll(strings.ReplaceAll(rule.Sentence, "|", `\|`), "\n", " "))
	}
	_, err := io.WriteString(out, text.String())
	return err
}
