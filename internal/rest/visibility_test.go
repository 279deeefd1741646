package rest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// account is a provider as the conditions see it.
type account struct {
	id, kind, uid string
	alias         *string
	groups        []string
}

// truth is what a comparison yields; a missing alias makes it unknown, and what is unknown hides.
type truth int8

const (
	no truth = iota - 1
	unknown
	yes
)

// holds says what a condition means, by the words of its documentation and not by SQL.
func holds(condition authz.Condition, of account) truth {
	switch typed := condition.(type) {
	case authz.And:
		result := yes
		for _, one := range typed {
			result = min(result, holds(one, of))
		}
		return result
	case authz.Or:
		result := no
		for _, one := range typed {
			result = max(result, holds(one, of))
		}
		return result
	case authz.Not:
		return -holds(typed.Condition, of)
	case authz.Unless:
		return -excluded(typed.Condition, of)
	}
	compare := condition.(authz.Compare)
	value := map[authz.Field]string{authz.FieldID: of.id, authz.FieldType: of.kind, authz.FieldUID: of.uid}[compare.Field]
	switch compare.Field {
	case authz.FieldProviderGroup:
		return truthOf(slices.ContainsFunc(of.groups, func(group string) bool { return slices.Contains(compare.Values, group) }))
	case authz.FieldGroupName:
		return truthOf(slices.ContainsFunc(of.groups, func(group string) bool { return compared(compare, groupNames[group]) }))
	case authz.FieldGroupTag:
		return truthOf(slices.ContainsFunc(of.groups, func(group string) bool {
			return slices.ContainsFunc(groupTags[group], func(tag string) bool { return compared(compare, tag) })
		}))
	case authz.FieldAlias:
		if of.alias == nil {
			return unknown
		}
		value = *of.alias
	}
	return truthOf(compared(compare, value))
}

func compared(compare authz.Compare, value string) bool {
	first := compare.Values[0]
	return map[authz.Op]bool{authz.OpEqual: value == first, authz.OpNotEqual: value != first, authz.OpIn: slices.Contains(compare.Values, value),
		authz.OpStartsWith: strings.HasPrefix(value, first), authz.OpEndsWith: strings.HasSuffix(value, first), authz.OpContains: strings.Contains(value, first)}[compare.Op]
}

// excluded is holds in an exclusion, where what is unknown is a comparison that does not hold.
func excluded(condition authz.Condition, of account) truth {
	switch typed := condition.(type) {
	case authz.And:
		return truthOf(!slices.ContainsFunc(typed, func(one authz.Condition) bool { return excluded(one, of) == no }))
	case authz.Or:
		return truthOf(slices.ContainsFunc(typed, func(one authz.Condition) bool { return excluded(one, of) == yes }))
	case authz.Not:
		return -excluded(typed.Condition, of)
	}
	return truthOf(holds(condition, of) == yes)
}

// The groups that accounts are in, by their ids.
var (
	groupNames = map[string]string{"00000000-0000-4000-8000-00000000000a": "Group a", "00000000-0000-4000-8000-00000000000b": "100%_b"}
	groupTags  = map[string][]string{"00000000-0000-4000-8000-00000000000a": {"critical", "team:red"}, "00000000-0000-4000-8000-00000000000b": {"team:blue"}}
)

// asPolicySees is an account for the evaluation without a database.
func (a account) asPolicySees() authz.Provider {
	provider := authz.Provider{ID: uuid.MustParse(a.id), Type: a.kind, UID: a.uid, Alias: a.alias}
	for _, group := range a.groups {
		provider.Groups = append(provider.Groups, authz.ProviderGroup{ID: uuid.MustParse(group), Name: groupNames[group], Tags: groupTags[group]})
	}
	return provider
}

func truthOf(is bool) truth {
	if is {
		return yes
	}
	return no
}

func TestConditionsShowTheRowsThatTheyMean(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool := db.Pool(t, pgtest.Superuser)
	organisation, other := uuid.New(), uuid.New()
	run := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	groups := slices.Sorted(maps.Keys(groupNames))
	for _, one := range []uuid.UUID{organisation, other} {
		run(`insert into tenants (id, name) values ($1, 'Acme')`, one)
	}
	for _, group := range groups {
		run(`insert into provider_groups (tenant_id, id, name) values ($1, $2, $3)`, organisation, group, groupNames[group])
		run(`insert into provider_group_tags (tenant_id, provider_group_id, tag) select $1, $2, unnest($3::text[])`, organisation, group, groupTags[group])
	}
	text := func(s string) *string { return &s }
	accounts := []account{
		{kind: "aws", uid: "111111111111", alias: text("Production"), groups: groups[:1]},
		{kind: "aws", uid: "222222222222", alias: text("production"), groups: groups},
		{kind: "aws", uid: "333333333333"},
		{kind: "gcp", uid: "project-100%", alias: text("50%_off")},
		{kind: "gcp", uid: "project_100x", alias: text("50xxoff"), groups: groups[1:]},
		{kind: "azure", uid: "sub\\scription", alias: text("")},
		{kind: "azure", uid: "sub'scription--", alias: text("alias 'x'")},
		{kind: "github", uid: "ünïcode-org", alias: text("ü")},
		{kind: "github", uid: "plain-org", groups: groups[:1]},
	}
	var ids []uuid.UUID
	for i := range accounts {
		accounts[i].id = uuid.NewString()
		run(`insert into providers (tenant_id, id, provider, uid, alias) values ($1, $2, $3, $4, $5)`, organisation, accounts[i].id, accounts[i].kind, accounts[i].uid, accounts[i].alias)
		for _, group := range accounts[i].groups {
			run(`insert into provider_group_providers (tenant_id, provider_group_id, provider_id) values ($1, $2, $3)`, organisation, group, accounts[i].id)
		}
		ids = append(ids, uuid.MustParse(accounts[i].id))
	}
	foreign := uuid.New()
	run(`insert into providers (tenant_id, id, provider, uid, alias) values ($1, $2, 'aws', '111111111111', 'Production')`, other, foreign)
	executor, err := tenant.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.App)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(executor.Close)

	check := func(condition authz.Condition) {
		t.Helper()
		visibility, err := authz.ProvidersWhere(condition)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		visible, err := Visible(visibility)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		got, err := tenantdb.New(executor.Read(tenant.NewScope(organisation, uuid.Nil, visible))).FindProviders(t.Context(), append(slices.Clone(ids), foreign))
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		for i, one := range accounts {
			if shown := slices.Contains(got, ids[i]); shown != (holds(condition, one) == yes) {
				t.Errorf("%s: %s %s is shown: %v", condition, one.kind, one.uid, shown)
			}
			if visibility.Shows(one.asPolicySees()) != slices.Contains(got, ids[i]) {
				t.Errorf("%s: %s %s: without a database the answer is another", condition, one.kind, one.uid)
			}
		}
		if slices.Contains(got, foreign) {
			t.Errorf("%s shows a provider of another tenant", condition)
		}
	}

	texts := map[authz.Field][]string{
		authz.FieldType:  {"aws", "gcp", "a", "", "%", "_ws", "AWS"},
		authz.FieldUID:   {"111111111111", "1", "%", "_", "100%", "\\", "'", "--", "project", "ü", "", "org"},
		authz.FieldAlias: {"Production", "production", "%", "_", "50%_off", "off", "", "alias ", "ü", "P"},
	}
	var comparisons []authz.Condition
	for _, field := range []authz.Field{authz.FieldType, authz.FieldUID, authz.FieldAlias} {
		for _, op := range []authz.Op{authz.OpEqual, authz.OpNotEqual, authz.OpStartsWith, authz.OpEndsWith, authz.OpContains} {
			for _, value := range texts[field] {
				comparisons = append(comparisons, authz.Compare{Field: field, Op: op, Values: []string{value}})
			}
		}
		comparisons = append(comparisons, authz.Compare{Field: field, Op: authz.OpIn, Values: texts[field]}, authz.Compare{Field: field, Op: authz.OpIn, Values: texts[field][:1]})
	}
	for field, values := range map[authz.Field][]string{authz.FieldGroupName: {"Group a", "100%_b", "%", "Group", "b", "zzz"},
		authz.FieldGroupTag: {"critical", "team:red", "team:", "red", "%", "e"}} {
		for _, op := range []authz.Op{authz.OpEqual, authz.OpStartsWith, authz.OpEndsWith, authz.OpContains} {
			for _, value := range values {
				comparisons = append(comparisons, authz.Compare{Field: field, Op: op, Values: []string{value}})
			}
		}
		comparisons = append(comparisons, authz.Compare{Field: field, Op: authz.OpIn, Values: values[:2]})
	}
	for _, op := range []authz.Op{authz.OpEqual, authz.OpNotEqual, authz.OpIn} {
		comparisons = append(comparisons, authz.Compare{Field: authz.FieldID, Op: op, Values: []string{accounts[0].id}})
	}
	comparisons = append(comparisons, authz.Compare{Field: authz.FieldID, Op: authz.OpIn, Values: []string{accounts[1].id, foreign.String()}},
		authz.Compare{Field: authz.FieldProviderGroup, Op: authz.OpEqual, Values: groups[:1]}, authz.Compare{Field: authz.FieldProviderGroup, Op: authz.OpIn, Values: groups},
		authz.Compare{Field: authz.FieldProviderGroup, Op: authz.OpEqual, Values: []string{uuid.NewString()}})
	for _, one := range comparisons {
		check(one)
		check(authz.Not{Condition: one})
		check(authz.Not{Condition: authz.Not{Condition: one}})
		check(authz.Unless{Condition: one})
		check(authz.Unless{Condition: authz.Not{Condition: one}})
	}
	// A hidden half must not hide the other: neither here, where the alias is missing, nor negated.
	missing := authz.Compare{Field: authz.FieldAlias, Op: authz.OpEqual, Values: []string{"x"}}
	aws := authz.Compare{Field: authz.FieldType, Op: authz.OpEqual, Values: []string{"gcp"}}
	check(authz.Not{Condition: authz.And{missing, aws}})
	check(authz.Not{Condition: authz.Or{missing, aws}})
	check(authz.Unless{Condition: authz.And{authz.Not{Condition: missing}, authz.Not{Condition: aws}}})
	check(authz.Unless{Condition: authz.Not{Condition: authz.Or{missing, aws}}})
	random := rand.New(rand.NewPCG(1, 2))
	var grow func(depth int) authz.Condition
	grow = func(depth int) authz.Condition {
		if depth == 0 {
			return comparisons[random.IntN(len(comparisons))]
		}
		switch random.IntN(4) {
		case 0:
			return authz.And{grow(depth - 1), grow(depth - 1)}
		case 1:
			return authz.Or{grow(depth - 1), grow(depth - 1), grow(0)}
		case 2:
			return authz.Not{Condition: grow(depth - 1)}
		}
		return grow(0)
	}
	for range 400 {
		check(grow(3))
		check(authz.And{grow(2), authz.Unless{Condition: grow(2)}})
	}
}

func TestWhatCannotBeRenderedHides(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]authz.Condition{
		"NUL":             authz.Compare{Field: authz.FieldUID, Op: authz.OpEqual, Values: []string{"a\x00"}},
		"NUL in contains": authz.Compare{Field: authz.FieldAlias, Op: authz.OpContains, Values: []string{"\x00"}},
		"NUL, negated":    authz.Not{Condition: authz.Compare{Field: authz.FieldUID, Op: authz.OpEndsWith, Values: []string{"\x00"}}},
		"unknown op":      authz.Compare{Field: authz.FieldUID, Op: "like", Values: []string{"a"}},
		"unknown op, not": authz.Not{Condition: authz.Or{authz.Compare{Field: authz.FieldUID, Op: "like", Values: []string{"a"}}}},
		"unknown field":   authz.And{authz.Compare{Field: "providers.secret", Op: authz.OpEqual, Values: []string{"a"}}},
		"id no uuid":      authz.Compare{Field: authz.FieldID, Op: authz.OpEqual, Values: []string{"a"}},
		"no condition":    nil,
	} {
		if fragment, err := renderCondition(one); err == nil {
			text, _ := fragment.Render(1)
			t.Errorf("%s became %s", name, text)
		}
		if visibility, err := authz.ProvidersWhere(one); err == nil {
			if visible, err := Visible(visibility); err == nil || tenant.NewScope(uuid.New(), uuid.Nil, visible).SeesAll() {
				t.Errorf("%s is seen", name)
			}
		}
	}
	for visibility, all := range map[string]bool{"zero": false, "none": false, "all": true} {
		value := map[string]authz.Visibility{"zero": {}, "none": authz.NoProviders(), "all": authz.AllProviders()}[visibility]
		if visible, err := Visible(value); err != nil || tenant.NewScope(uuid.New(), uuid.Nil, visible).SeesAll() != all {
			t.Errorf("%s: %v", visibility, err)
		}
	}
}
