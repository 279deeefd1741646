// Package policydiff says what another policy would change: who gains or loses which operation, and who sees which
// providers no longer or in addition.
//
// What does not belong here: reading people and policies (internal/population, internal/authz).
package policydiff

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/population"
)

// Report is everything that differs between two policies for a population.
type Report struct {
	Active     string   `json:"active_revision"`
	Proposed   string   `json:"proposed_revision"`
	Compared   Extent   `json:"compared"`
	Added      []string `json:"operations_added"`   // that only the proposed policy knows
	Removed    []string `json:"operations_removed"` // that only the active policy knows
	Strangers  *Change  `json:"not_signed_in,omitempty"`
	Changes    []Group  `json:"changes"`
	Attributes []string `json:"attributes_in_rules"` // beside roles: what of a person rules of either policy look at
}

// Extent is how much was compared.
type Extent struct {
	Tenants    int `json:"tenants"`
	People     int `json:"people"`
	RoleSets   int `json:"role_sets"`
	Operations int `json:"operations"`
	Providers  int `json:"providers"`
}

// Group are people of one tenant with the same roles, for whom the same changes.
type Group struct {
	Tenant     Named    `json:"tenant"`
	Roles      []Named  `json:"roles"` // by name; none: people without a role
	People     []string `json:"people"`
	Credential string   `json:"credential,omitempty"` // empty: whatever they come with
	Change
}

// Named is a thing with its name.
type Named struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// Change is what differs for somebody.
type Change struct {
	Gains []Operations `json:"gains"`
	Loses []Operations `json:"loses"`
	Sees  []Providers  `json:"sees"`    // in addition
	Hides []Providers  `json:"no_more"` // sees no longer
}

// Operations are operations that one rule of the proposed policy gives or takes.
type Operations struct {
	Operations []string `json:"operations"`
	Rule       string   `json:"rule"`
	Sentence   string   `json:"sentence"`
}

// Providers are providers that the same rules of the proposed policy show or hide.
type Providers struct {
	Rules     []string  `json:"rules"` // none: no rule shows them any more
	Providers []Account `json:"providers"`
}

// Account is one provider.
type Account struct {
	ID    uuid.UUID `json:"id"`
	Type  string    `json:"provider"`
	UID   string    `json:"uid"`
	Alias *string   `json:"alias"`
}

// Empty reports whether nothing differs.
func (r Report) Empty() bool {
	return r.Strangers == nil && len(r.Changes) == 0 && len(r.Added) == 0 && len(r.Removed) == 0
}

func (c Change) empty() bool { return len(c.Gains)+len(c.Loses)+len(c.Sees)+len(c.Hides) == 0 }

// key tells different changes apart.
func (c Change) key() string {
	encoded, _ := json.Marshal(c) // texts and ids always encode
	return string(encoded)
}

// class are people whom neither policy can tell apart.
type class struct {
	tenant *population.Tenant
	roles  []authz.Role
	email  string // empty unless a policy looks at it
	people []string
}

// comparison holds what all classes are compared with.
type comparison struct {
	active, proposed *authz.Snapshot
	operations       []authz.Operation
	credentials      []authz.Credential
}

// Compare decides every operation, and which providers are seen, under both policies for everybody. People with the same
// roles count as one wherever the policies cannot tell them apart; roles that nobody holds are compared as well.
func Compare(ctx context.Context, active, proposed *authz.Snapshot, tenants []population.Tenant) (Report, error) {
	looks := slices.Compact(slices.Sorted(slices.Values(append(active.LooksAt(), proposed.LooksAt()...))))
	before, after := active.Operations(), proposed.Operations()
	compare := comparison{active: active, proposed: proposed, credentials: []authz.Credential{authz.Token}}
	if slices.Contains(looks, "credential") {
		compare.credentials = append(compare.credentials, authz.APIKey)
	}
	report := Report{Active: active.Revision(), Proposed: proposed.Revision(), Attributes: append([]string{}, looks...), Changes: []Group{}, Added: []string{}, Removed: []string{}}
	for _, operation := range slices.Sorted(maps.Keys(after)) {
		if _, known := before[operation]; known {
			compare.operations = append(compare.operations, operation)
		} else {
			report.Added = append(report.Added, string(operation))
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(before)) {
		if _, known := after[operation]; !known {
			report.Removed = append(report.Removed, string(operation))
		}
	}
	strangers, err := compare.change(ctx, authz.Subject{}, nil)
	if err != nil {
		return Report{}, err
	}
	if !strangers.empty() {
		report.Strangers = &strangers
	}
	classes := classify(tenants, slices.Contains(looks, "email"))
	report.Compared = extent(tenants, len(compare.operations))
	found := make([][]Group, len(classes))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, one := range classes {
		work.Go(func() (err error) {
			found[i], err = compare.groups(ctx, one)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return Report{}, err
	}
	report.Changes = append(report.Changes, gather(slices.Concat(found...))...)
	return report, nil
}

func extent(tenants []population.Tenant, operations int) Extent {
	extent := Extent{Tenants: len(tenants), Operations: operations}
	people, sets := map[uuid.UUID]bool{}, map[string]bool{}
	for _, one := range tenants {
		for _, person := range one.People {
			people[person.ID] = true
			sets[one.ID.String()+roleKey(person.Roles)] = true
		}
		extent.Providers += len(one.Providers)
	}
	extent.People, extent.RoleSets = len(people), len(sets)
	return extent
}

func roleKey(roles []authz.Role) string {
	ids := make([]string, len(roles))
	for i, role := range roles {
		ids[i] = role.ID.String()
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// classify puts people together; a role that nobody holds alone is a class without people.
func classify(tenants []population.Tenant, byEmail bool) []*class {
	var all []*class
	for i := range tenants {
		known := map[string]*class{}
		sets := map[string]bool{}
		for _, person := range tenants[i].People {
			email := ""
			if byEmail {
				email = person.Email
			}
			set := roleKey(person.Roles)
			sets[set] = true
			one, ok := known[set+"\x00"+email]
			if !ok {
				one = &class{tenant: &tenants[i], roles: person.Roles, email: email}
				known[set+"\x00"+email] = one
				all = append(all, one)
			}
			one.people = append(one.people, person.Email)
		}
		for _, role := range tenants[i].Roles {
			if alone := []authz.Role{role}; !sets[roleKey(alone)] {
				all = append(all, &class{tenant: &tenants[i], roles: alone})
			}
		}
	}
	return all
}

// groups are the changes for a class: one when it does not matter what people come with.
func (c comparison) groups(ctx context.Context, one *class) ([]Group, error) {
	var groups []Group
	for _, credential := range c.credentials {
		// Policy sees that there is a user and never who it is.
		subject := authz.Subject{TenantID: one.tenant.ID, UserID: one.tenant.ID, Email: one.email, Credential: credential, Roles: one.roles}
		change, err := c.change(ctx, subject, one.tenant.Providers)
		if err != nil {
			return nil, fmt.Errorf("compare for roles %v of %q: %w", roleNames(one.roles), one.tenant.Name, err)
		}
		group := Group{Tenant: Named{one.tenant.ID, one.tenant.Name}, Roles: named(one.roles), People: one.people, Change: change}
		if len(c.credentials) > 1 {
			group.Credential = string(credential)
		}
		groups = append(groups, group)
	}
	if len(groups) == 2 && groups[0].key() == groups[1].key() {
		groups[0].Credential = ""
		groups = groups[:1]
	}
	return slices.DeleteFunc(groups, func(group Group) bool { return group.empty() }), nil
}

func (c comparison) change(ctx context.Context, subject authz.Subject, providers []authz.Provider) (Change, error) {
	change := Change{Gains: []Operations{}, Loses: []Operations{}, Sees: []Providers{}, Hides: []Providers{}}
	for _, operation := range c.operations {
		before, err := c.active.Decide(ctx, subject, operation)
		if err != nil {
			return change, fmt.Errorf("active policy: %w", err)
		}
		after, err := c.proposed.Decide(ctx, subject, operation)
		if err != nil {
			return change, fmt.Errorf("proposed policy: %w", err)
		}
		switch {
		case after.Allowed && !before.Allowed:
			change.Gains = addOperation(change.Gains, operation, after)
		case before.Allowed && !after.Allowed:
			change.Loses = addOperation(change.Loses, operation, after)
		}
	}
	before, err := c.active.Visible(ctx, subject)
	if err != nil {
		return change, fmt.Errorf("active policy: %w", err)
	}
	after, err := c.proposed.Visible(ctx, subject)
	if err != nil {
		return change, fmt.Errorf("proposed policy: %w", err)
	}
	if before.String() == after.String() {
		return change, nil
	}
	sights, err := c.proposed.Sights(ctx, subject, providers)
	if err != nil {
		return change, fmt.Errorf("proposed policy: %w", err)
	}
	for _, sight := range sights {
		switch seen := before.Shows(sight.Provider); {
		case sight.Visible && !seen:
			change.Sees = addProvider(change.Sees, sight.Provider, sight.Shown)
		case seen && !sight.Visible:
			change.Hides = addProvider(change.Hides, sight.Provider, sight.Hidden)
		}
	}
	return change, nil
}

func addOperation(to []Operations, operation authz.Operation, made authz.Decision) []Operations {
	i := slices.IndexFunc(to, func(one Operations) bool { return one.Rule == made.Rule && one.Sentence == made.Sentence })
	if i < 0 {
		i = len(to)
		to = append(to, Operations{Rule: made.Rule, Sentence: made.Sentence})
	}
	to[i].Operations = append(to[i].Operations, string(operation))
	return to
}

func addProvider(to []Providers, provider authz.Provider, rules []string) []Providers {
	i := slices.IndexFunc(to, func(one Providers) bool { return slices.Equal(one.Rules, rules) })
	if i < 0 {
		i = len(to)
		to = append(to, Providers{Rules: rules})
	}
	to[i].Providers = append(to[i].Providers, Account{provider.ID, provider.Type, provider.UID, provider.Alias})
	return to
}

// gather puts classes together that differ in their addresses alone and for whom the same changes.
func gather(groups []Group) []Group {
	var gathered []Group
	known := map[string]int{}
	for _, group := range groups {
		key := strings.Join([]string{group.Tenant.ID.String(), fmt.Sprint(group.Roles), group.Credential, group.key()}, "\x00")
		if i, ok := known[key]; ok {
			gathered[i].People = append(gathered[i].People, group.People...)
			continue
		}
		known[key] = len(gathered)
		group.People = append([]string{}, group.People...)
		gathered = append(gathered, group)
	}
	for i := range gathered {
		slices.Sort(gathered[i].People)
	}
	slices.SortStableFunc(gathered, func(a, b Group) int {
		if order := strings.Compare(a.Tenant.Name, b.Tenant.Name); order != 0 {
			return order
		}
		if order := bytes.Compare(a.Tenant.ID[:], b.Tenant.ID[:]); order != 0 {
			return order
		}
		return slices.Compare(names(a.Roles), names(b.Roles))
	})
	return gathered
}

func named(roles []authz.Role) []Named {
	list := make([]Named, len(roles))
	for i, role := range roles {
		list[i] = Named{role.ID, role.Name}
	}
	slices.SortFunc(list, func(a, b Named) int {
		if order := strings.Compare(a.Name, b.Name); order != 0 {
			return order
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	return list
}

func names(list []Named) []string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = one.Name
	}
	return texts
}

func roleNames(roles []authz.Role) []string { return names(named(roles)) }
