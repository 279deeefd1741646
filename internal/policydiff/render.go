package policydiff

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteText writes the report for a terminal.
func (r Report) WriteText(out io.Writer) error {
	return r.write(out, style{tenant: "\n%s\n", people: "  %s\n", line: "    %s\n", code: func(text string) string { return text }})
}

// WriteMarkdown writes the report for a page or a comment on a change.
func (r Report) WriteMarkdown(out io.Writer) error {
	return r.write(out, style{title: "## Access policy: what changes\n\n", tenant: "\n### %s\n", people: "\n**%s**\n\n", line: "* %s\n",
		code: func(text string) string { return "`" + strings.ReplaceAll(text, "`", "'") + "`" }, escape: strings.NewReplacer(
			`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "|", `\|`, "\n", " ").Replace})
}

// style is how one format spells the parts of a report.
type style struct {
	title, tenant, people, line string
	code                        func(string) string
	escape                      func(string) string // of what people have named; nil: as it is
}

func (s style) text(of string) string {
	if s.escape == nil {
		return of
	}
	return s.escape(of)
}

func (r Report) write(out io.Writer, style style) error {
	var text strings.Builder
	text.WriteString(style.title)
	fmt.Fprintf(&text, "From policy %s to %s: compared for %s in %s with %s, over %s and %s.\n", style.code(r.Active), style.code(r.Proposed),
		count(r.Compared.People, "person", "people"), count(r.Compared.Tenants, "organisation", "organisations"),
		count(r.Compared.RoleSets, "set of roles", "sets of roles"), count(r.Compared.Operations, "operation", "operations"),
		count(r.Compared.Providers, "provider", "providers"))
	if len(r.Attributes) > 0 {
		fmt.Fprintf(&text, "Rules also look at: %s.\n", strings.Join(r.Attributes, ", "))
	}
	if r.Empty() {
		text.WriteString("\nNobody gains or loses anything.\n")
	}
	if len(r.Added)+len(r.Removed) > 0 {
		fmt.Fprintf(&text, style.tenant, "Operations")
		for _, list := range []struct {
			does  string
			names []string
		}{{"known to the proposed policy alone: ", r.Added}, {"known to the active policy alone: ", r.Removed}} {
			if len(list.names) > 0 {
				fmt.Fprintf(&text, style.line, list.does+codes(style, list.names))
			}
		}
	}
	if r.Strangers != nil {
		fmt.Fprintf(&text, style.tenant, "Whoever is not signed in")
		r.Strangers.write(&text, style)
	}
	last := ""
	for _, group := range r.Changes {
		if heading := fmt.Sprintf("Organisation %s (%s)", style.text(group.Tenant.Name), group.Tenant.ID); heading != last {
			fmt.Fprintf(&text, style.tenant, heading)
			last = heading
		}
		fmt.Fprintf(&text, style.people, style.text(group.who()))
		group.write(&text, style)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// named people are as many as are written out.
const namedPeople = 8

func (g Group) who() string {
	var who string
	switch len(g.Roles) {
	case 0:
		who = "people without a role"
	case 1:
		who = fmt.Sprintf("members of role %q", g.Roles[0].Name)
	default:
		quoted := make([]string, len(g.Roles))
		for i, role := range g.Roles {
			quoted[i] = fmt.Sprintf("%q", role.Name)
		}
		who = "members of roles " + strings.Join(quoted, " and ")
	}
	if len(g.People) == 0 {
		who += " (nobody yet)"
	} else {
		who += fmt.Sprintf(" (%s: %s", count(len(g.People), "person", "people"), strings.Join(g.People[:min(len(g.People), namedPeople)], ", "))
		if more := len(g.People) - namedPeople; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		who += ")"
	}
	switch g.Credential {
	case "token":
		who += ", signed in"
	case "api_key":
		who += ", with an API key"
	}
	return who
}

func (c Change) write(text *strings.Builder, style style) {
	for _, part := range []struct {
		does string
		list []Operations
	}{{"lose", c.Loses}, {"gain", c.Gains}} {
		for _, one := range part.list {
			fmt.Fprintf(text, style.line, fmt.Sprintf("%s %s: rule %s: %s", part.does, codes(style, one.Operations), style.code(one.Rule), style.text(one.Sentence)))
		}
	}
	for _, part := range []struct {
		does, nobody string
		list         []Providers
	}{{"no longer see", "no rule shows them any more", c.Hides}, {"see in addition", "", c.Sees}} {
		for _, one := range part.list {
			reason := part.nobody
			if len(one.Rules) > 0 {
				reason = "rule " + codes(style, one.Rules)
			}
			accounts := make([]string, len(one.Providers))
			for i, provider := range one.Providers {
				accounts[i] = provider.Type + " " + provider.UID
				if provider.Alias != nil {
					accounts[i] += fmt.Sprintf(" %q", *provider.Alias)
				}
				accounts[i] = style.text(accounts[i])
			}
			fmt.Fprintf(text, style.line, fmt.Sprintf("%s %s (%s): %s", part.does, count(len(accounts), "provider", "providers"), strings.Join(accounts, ", "), reason))
		}
	}
}

func codes(style style, names []string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = style.code(name)
	}
	return strings.Join(texts, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
