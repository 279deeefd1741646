package authz

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
)

// Permissions are the six manage permissions that a role grants. The zero value grants nothing.
type Permissions struct {
	ManageUsers        bool
	ManageAccount      bool
	ManageBilling      bool
	ManageProviders    bool
	ManageIntegrations bool
	ManageScans        bool
}

// Role is one role of a subject, as far as policy may look at it.
type Role struct {
	ID                  uuid.UUID
	Name                string
	Permissions         Permissions
	UnlimitedVisibility bool
	ProviderGroups      []uuid.UUID // the provider groups that the role shows; order has no meaning
}

// Subject is who asks: a user with the roles that they hold in the tenant of their token, and only those.
// The zero value is nobody. Policy sees the roles and whether there is a user, and of the tenant, the address and the
// credential what its rules refer to; never the user's id. Subjects that policy cannot tell apart get the same answer.
type Subject struct {
	TenantID   uuid.UUID
	UserID     uuid.UUID
	Email      string     // of the user, in the form in which addresses are stored
	Credential Credential // what the user presented
	Roles      []Role
}

// Credential is the kind of proof that a subject came with.
type Credential string

// The credentials that the server takes.
const (
	Token  Credential = "token"   // an access token from a log-in
	APIKey Credential = "api_key" // a key that acts for its owner
)

// Operation names something that can be asked of the server, e.g. "providers.create". The names are those of the
// policy's operations.json.
type Operation string

// permissionNames are the permissions in the order of [Permissions.flags], as policy and wire spell them.
var permissionNames = [...]string{
	"manage_users", "manage_account", "manage_billing", "manage_providers", "manage_integrations", "manage_scans",
}

func (p Permissions) flags() [len(permissionNames)]bool {
	return [...]bool{
		p.ManageUsers, p.ManageAccount, p.ManageBilling, p.ManageProviders, p.ManageIntegrations, p.ManageScans,
	}
}

// Permission returns the flag of a permission as policy spells it, nil when there is none of that name.
func (p *Permissions) Permission(name string) *bool {
	switch name {
	case "manage_users":
		return &p.ManageUsers
	case "manage_account":
		return &p.ManageAccount
	case "manage_billing":
		return &p.ManageBilling
	case "manage_providers":
		return &p.ManageProviders
	case "manage_integrations":
		return &p.ManageIntegrations
	case "manage_scans":
		return &p.ManageScans
	}
	return nil
}

// PermissionNames are the six permissions as policy spells them.
func PermissionNames() []string { return slices.Clone(permissionNames[:]) }

func (s Subject) authenticated() bool { return s.UserID != uuid.Nil }

// canonical returns the subject with roles and groups in one order, so that equal content gives equal keys and
// equal inputs: a cached answer can then not depend on the order that the first caller happened to use.
func (s Subject) canonical() Subject {
	byID := func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
	roles := slices.Clone(s.Roles)
	for i := range roles {
		if !slices.IsSortedFunc(roles[i].ProviderGroups, byID) {
			roles[i].ProviderGroups = slices.Clone(roles[i].ProviderGroups)
			slices.SortFunc(roles[i].ProviderGroups, byID)
		}
	}
	slices.SortFunc(roles, compareRoles)
	s.Roles = roles
	return s
}

func compareRoles(a, b Role) int {
	return cmp.Or(bytes.Compare(a.ID[:], b.ID[:]), bytes.Compare(a.encode(nil), b.encode(nil)))
}

// subjectKey identifies everything of a subject that policy can see.
type subjectKey [sha256.Size]byte

// key expects a canonical subject.
func (s Subject) key(seen attributes) subjectKey {
	encoded := make([]byte, 0, 512)
	if s.authenticated() {
		encoded = append(encoded, 1)
	} else {
		encoded = append(encoded, 0)
	}
	for _, one := range s.seen(seen) {
		encoded = binary.AppendUvarint(encoded, uint64(len(one.value)))
		encoded = append(encoded, one.value...)
	}
	for _, role := range s.Roles {
		encoded = role.encode(encoded)
	}
	return sha256.Sum256(encoded)
}

type namedText struct{ name, value string }

// seen are the attributes that a policy looks at, always in the same order; what the subject does not have is empty.
func (s Subject) seen(seen attributes) []namedText {
	var list []namedText
	if seen.credential {
		list = append(list, namedText{"credential", string(s.Credential)})
	}
	if seen.email {
		list = append(list, namedText{"email", s.Email})
	}
	if seen.tenant {
		id := ""
		if s.TenantID != uuid.Nil {
			id = s.TenantID.String()
		}
		list = append(list, namedText{"tenant_id", id})
	}
	return list
}

// encode appends the role's content; lengths before the variable parts keep different roles apart.
func (r Role) encode(to []byte) []byte {
	to = append(to, r.ID[:]...)
	var bits byte
	for i, granted := range r.Permissions.flags() {
		if granted {
			bits |= 1 << i
		}
	}
	if r.UnlimitedVisibility {
		bits |= 1 << len(permissionNames)
	}
	to = append(to, bits)
	to = binary.AppendUvarint(to, uint64(len(r.Name)))
	to = append(to, r.Name...)
	to = binary.AppendUvarint(to, uint64(len(r.ProviderGroups)))
	for _, group := range r.ProviderGroups {
		to = append(to, group[:]...)
	}
	return to
}

// input is the policy's input document for the subject; an empty operation is left out. It expects a canonical
// subject. The document's shape is that of input.schema.json, which policies are type-checked against.
func (s Subject) input(operation Operation, seen attributes) ast.Value {
	roles := make([]*ast.Term, len(s.Roles))
	for i, role := range s.Roles {
		roles[i] = role.term()
	}
	subject := ast.NewObject(
		ast.Item(ast.StringTerm("authenticated"), ast.BooleanTerm(s.authenticated())),
		ast.Item(ast.StringTerm("roles"), ast.ArrayTerm(roles...)),
	)
	for _, one := range s.seen(seen) {
		if one.value != "" {
			subject.Insert(ast.StringTerm(one.name), ast.StringTerm(one.value))
		}
	}
	input := ast.NewObject(ast.Item(ast.StringTerm("subject"), ast.NewTerm(subject)))
	if operation != "" {
		input.Insert(ast.StringTerm("operation"), ast.StringTerm(string(operation)))
	}
	return input
}

func (r Role) term() *ast.Term {
	permissions := ast.NewObject()
	for i, granted := range r.Permissions.flags() {
		permissions.Insert(ast.StringTerm(permissionNames[i]), ast.BooleanTerm(granted))
	}
	groups := make([]*ast.Term, len(r.ProviderGroups))
	for i, group := range r.ProviderGroups {
		groups[i] = ast.StringTerm(group.String())
	}
	return ast.ObjectTerm(
		ast.Item(ast.StringTerm("id"), ast.StringTerm(r.ID.String())),
		ast.Item(ast.StringTerm("name"), ast.StringTerm(r.Name)),
		ast.Item(ast.StringTerm("permissions"), ast.NewTerm(permissions)),
		ast.Item(ast.StringTerm("unlimited_visibility"), ast.BooleanTerm(r.UnlimitedVisibility)),
		ast.Item(ast.StringTerm("provider_groups"), ast.ArrayTerm(groups...)),
	)
}
