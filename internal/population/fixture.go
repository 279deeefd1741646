package population

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/palisade-sec/palisade/internal/authz"
)

// fixture is a file that describes organisations. Things refer to each other by their names, providers by their uids.
type fixture struct {
	Tenants []fixtureTenant `json:"tenants"`
}

type fixtureTenant struct {
	Name      string            `json:"name"`
	ID        uuid.UUID         `json:"id"`
	Providers []fixtureProvider `json:"providers"`
	Groups    []fixtureGroup    `json:"groups"`
	Roles     []fixtureRole     `json:"roles"`
	People    []fixturePerson   `json:"people"`
}

type fixtureProvider struct {
	Type  string    `json:"provider"`
	UID   string    `json:"uid"`
	Alias *string   `json:"alias"`
	ID    uuid.UUID `json:"id"`
}

type fixtureGroup struct {
	Name      string    `json:"name"`
	ID        uuid.UUID `json:"id"`
	Tags      []string  `json:"tags"`
	Providers []string  `json:"providers"`
}

type fixtureRole struct {
	Name        string    `json:"name"`
	ID          uuid.UUID `json:"id"`
	Permissions []string  `json:"permissions"`
	Unlimited   bool      `json:"unlimited_visibility"`
	Groups      []string  `json:"provider_groups"`
}

type fixturePerson struct {
	Email string   `json:"email"`
	Roles []string `json:"roles"`
}

// Parse reads a file of organisations, YAML or JSON:
//
//	tenants:
//	  - name: Harbour
//	    providers:
//	      - {provider: aws, uid: "111111111111", alias: production}
//	    groups:
//	      - {name: live, tags: [critical], providers: ["111111111111"]}
//	    roles:
//	      - {name: operators, permissions: [manage_scans], unlimited_visibility: false, provider_groups: [live]}
//	    people:
//	      - {email: ana@example.com, roles: [operators]}
//
// Everything but a tenant may carry the id that rules name it by; others get one that depends on the names alone.
func Parse(content []byte) ([]Tenant, error) {
	var file fixture
	if err := decode(content, &file); err != nil {
		return nil, fmt.Errorf("read fixture: %w", err)
	}
	if len(file.Tenants) == 0 {
		return nil, errors.New("read fixture: there are no tenants")
	}
	tenants := make([]Tenant, len(file.Tenants))
	names := map[string]bool{}
	for i, one := range file.Tenants {
		if one.Name == "" || names[one.Name] {
			return nil, fmt.Errorf("read fixture: a tenant needs a name of its own, %q is none", one.Name)
		}
		names[one.Name] = true
		var err error
		if tenants[i], err = one.build(); err != nil {
			return nil, fmt.Errorf("read fixture: tenant %q: %w", one.Name, err)
		}
	}
	return tenants, nil
}

// decode reads YAML, of which JSON is a part, by the rules of JSON: unknown members are errors.
func decode(content []byte, into any) error {
	var document any
	if err := yaml.Unmarshal(content, &document); err != nil {
		return err
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	return err
}

// namespace makes the ids of what has none in the file.
var namespace = uuid.MustParse("6a0e9a5e-6f0c-4d5c-9c0e-0d7d1f2b3c4d")

func (f fixtureTenant) build() (Tenant, error) {
	made := func(given uuid.UUID, kind, name string) uuid.UUID {
		if given != uuid.Nil {
			return given
		}
		return uuid.NewSHA1(namespace, []byte(f.Name+"\x00"+kind+"\x00"+name))
	}
	one := Tenant{ID: made(f.ID, "tenant", ""), Name: f.Name}
	members := map[string][]authz.ProviderGroup{}
	groups := map[string]uuid.UUID{}
	for _, group := range f.Groups {
		if _, taken := groups[group.Name]; taken || group.Name == "" {
			return one, fmt.Errorf("a group needs a name of its own, %q is none", group.Name)
		}
		groups[group.Name] = made(group.ID, "group", group.Name)
		for _, uid := range group.Providers {
			if !slices.ContainsFunc(f.Providers, func(provider fixtureProvider) bool { return provider.UID == uid }) {
				return one, fmt.Errorf("group %q: there is no provider with uid %q", group.Name, uid)
			}
			members[uid] = append(members[uid], authz.ProviderGroup{ID: groups[group.Name], Name: group.Name, Tags: group.Tags})
		}
	}
	for _, provider := range f.Providers {
		if provider.Type == "" || provider.UID == "" {
			return one, errors.New("a provider needs provider and uid")
		}
		one.Providers = append(one.Providers, authz.Provider{ID: made(provider.ID, "provider", provider.Type+" "+provider.UID), Type: provider.Type,
			UID: provider.UID, Alias: provider.Alias, Groups: members[provider.UID]})
	}
	roles := map[string]authz.Role{}
	for _, given := range f.Roles {
		role := authz.Role{ID: made(given.ID, "role", given.Name), Name: given.Name, UnlimitedVisibility: given.Unlimited}
		if _, taken := roles[given.Name]; taken || given.Name == "" {
			return one, fmt.Errorf("a role needs a name of its own, %q is none", given.Name)
		}
		for _, permission := range given.Permissions {
			flag := role.Permissions.Permission(permission)
			if flag == nil {
				return one, fmt.Errorf("role %q: there is no permission %q", given.Name, permission)
			}
			*flag = true
		}
		for _, name := range given.Groups {
			group, ok := groups[name]
			if !ok {
				return one, fmt.Errorf("role %q: there is no group %q", given.Name, name)
			}
			role.ProviderGroups = append(role.ProviderGroups, group)
		}
		roles[given.Name] = role
		one.Roles = append(one.Roles, role)
	}
	for _, given := range f.People {
		person := Person{ID: made(uuid.Nil, "person", given.Email), Email: given.Email}
		if given.Email == "" {
			return one, errors.New("a person needs an email")
		}
		for _, name := range given.Roles {
			role, ok := roles[name]
			if !ok {
				return one, fmt.Errorf("%s: there is no role %q", given.Email, name)
			}
			person.Roles = append(person.Roles, role)
		}
		one.People = append(one.People, person)
	}
	return one, nil
}
