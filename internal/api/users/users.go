// Package users declares the operations on people: signing up, the requester themselves, the members of the tenant and the
// roles that they hold.
package users

import (
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/role"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a person.
type Attributes struct {
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	CompanyName string    `json:"company_name"`
	DateJoined  time.Time `json:"date_joined"`
}

type newUser struct {
	Name        string `json:"name" minLength:"3" maxLength:"150"`
	Email       string `json:"email" format:"email" maxLength:"254"`
	Password    string `json:"password" minLength:"12" maxLength:"72"`
	CompanyName string `json:"company_name,omitempty" maxLength:"150"`
}

// profile are the attributes in the answer to a change.
type profile struct {
	Name        string `json:"name" minLength:"3" maxLength:"150"`
	Email       string `json:"email" format:"email" maxLength:"254"`
	CompanyName string `json:"company_name" maxLength:"150"`
}

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "name", Column: "u.name", Lookups: filter.Exact | filter.IContains},
		{Name: "email", Column: "u.email", Lookups: filter.Exact | filter.IContains},
		{Name: "company_name", Column: "u.company_name", Lookups: filter.Exact | filter.IContains},
		{Name: "date_joined", Kind: filter.DateTime, Column: "u.date_joined", Lookups: filter.Exact | filter.OnDate | filter.GTE | filter.LTE},
		{Name: "is_active", Kind: filter.Bool, Column: "u.is_active"},
	},
	Sorts: []filter.Sort{
		{Name: "name", Column: "u.name", Text: true}, {Name: "email", Column: "u.email", Text: true},
		{Name: "company_name", Column: "u.company_name", Text: true}, {Name: "date_joined", Column: "u.date_joined"},
		{Name: "is_active", Column: "u.is_active"},
	},
	DefaultSort: []string{"-date_joined"}, Tiebreak: "u.id",
	Includes: []string{"roles", "memberships", "memberships.tenant"},
})

type handlers struct {
	identity *identity.Service
	roles    *role.Service
	tenants  *tenant.Executor
	system   *system.Executor
}

// Operations declares the operations.
func Operations(people *identity.Service, roles *role.Service, tenants *tenant.Executor, executor *system.Executor) []rest.Operation {
	h := handlers{identity: people, roles: roles, tenants: tenants, system: executor}
	one := rest.Schema{Type: "users", Attributes: Attributes{}, Relationships: []string{"memberships", "roles"}}
	many := one
	many.List = true
	operations := []rest.Operation{
		{ID: "users.create", Method: http.MethodPost, Path: "/users", Tag: "Users", Summary: "Sign up", Anonymous: true, Negotiate: true, Status: http.StatusCreated,
			Request: rest.Schema{Type: "users", Attributes: newUser{}}, Response: one, Handle: h.create},
		{ID: "users.list", Method: http.MethodGet, Path: "/users", Tag: "Users", Summary: "List the members of the tenant", Query: Query, Cached: true,
			Response: many, Handle: h.list},
		{ID: "users.me", Method: http.MethodGet, Path: "/users/me", Tag: "Users", Summary: "Get oneself", Query: Query, Mode: rest.Document,
			Response: one, Handle: h.me},
		{ID: "users.retrieve", Method: http.MethodGet, Path: "/users/{id}", Tag: "Users", Summary: "Get a member of the tenant", Query: Query, Mode: rest.One,
			Response: one, Handle: h.retrieve},
		{ID: "users.update", Method: http.MethodPatch, Path: "/users/{id}", Tag: "Users", Summary: "Change a profile", Query: Query, Mode: rest.One,
			Request: rest.Schema{Type: "users", Attributes: newUser{}}, Response: rest.Schema{Type: "users", Attributes: profile{}}, Handle: h.update},
		{ID: "users.delete", Method: http.MethodDelete, Path: "/users/{id}", Tag: "Users", Summary: "Close one's own account", TextIDs: true, Personal: true,
			Status: http.StatusNoContent, Handle: h.delete},
	}
	relate := func(change rest.Change) rest.Handler { return rest.Relate("roles", h.found, change) }
	for _, one := range []struct {
		id      authz.Operation
		method  string
		summary string
		handle  rest.Handler
	}{
		{"add", http.MethodPost, "Give a member more roles", relate(h.roles.AddTo)},
		{"replace", http.MethodPatch, "Replace the roles of a member", relate(h.roles.ReplaceOf)},
		{"remove", http.MethodDelete, "Take all roles from a member", relate(h.takeRoles)},
	} {
		operations = append(operations, rest.Operation{ID: "users.relationships.roles." + one.id, Method: one.method, Path: "/users/{id}/relationships/roles",
			Tag: "Users", Summary: one.summary, Query: Query, Mode: rest.One, HTMLIDs: true, Status: http.StatusNoContent, Handle: one.handle})
	}
	return operations
}
