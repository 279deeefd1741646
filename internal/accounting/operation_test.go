package accounting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
)

// TestNoOperationCrossesTheWall calls every operation of the API as people who must not learn of certain rows, with the ids
// and values of those rows in paths, filters and documents, against a server that has the rows and one that never had them.
// The two have to answer alike, nothing may change beyond the wall, and nothing may fail with a 5xx. Operations are taken
// from their declarations; one that changes something needs a document in bodies.
func TestNoOperationCrossesTheWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := map[string]string{}
	for name, one := range map[string]*apitest.Client{"ada": w.ada, "bob": w.bob, "carol": w.carol, "dan": w.dan} {
		tokens[name] = w.token(t, one)
	}
	tokens["erin by key"] = w.settleErin(t)
	known := w.ids(t, func(table) string { return "true" })
	operations := declared(t)

	cases := map[string]struct {
		picked       func(table) string
		own          func(table) string // rows of the subject's own
		user, tenant string
	}{
		"bob":         {w.withoutA, w.only(w.theirs, w.bob.Tenant), w.bob.User, w.bob.Tenant},
		"erin by key": {w.withoutA, w.only(w.theirs, w.bob.Tenant), w.erin.User, w.bob.Tenant},
		"dan":         {w.withoutHidden, w.only(w.open, w.ada.Tenant), w.dan.User, w.ada.Tenant},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			// Servers of its own: what one subject changes is no difference that another finds.
			with, without := w.serve(t, func(table) string { return "" }), w.serve(t, one.picked)
			caller := &caller{t: t, world: w, token: tokens[name], with: with, without: without, known: known, secret: w.ids(t, one.picked),
				values: w.values(t, one.picked), own: w.values(t, one.own), user: one.user, tenant: one.tenant, state: w.state(t, with.pool, one.picked),
				check: func() string { return w.state(t, with.pool, one.picked) }}
			for _, operation := range operations {
				if operation.Method == http.MethodGet {
					caller.walk(operation)
				}
			}
			for _, operation := range operations {
				if operation.Method != http.MethodGet {
					caller.walk(operation)
				}
			}
			t.Logf("%d operations, %d requests, answered with %v", len(operations), caller.requests, caller.statuses)
		})
	}
}

// TestTheAnswersWouldTell is the control of the test above: the owner's answers differ where there are rows to tell of.
func TestTheAnswersWouldTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Deleted late, and with a token of its own: by then the owner may have left the first one, or given away what decides there.
	second := w.ada.Post(t, "/tenants", "tenants", attributes{"name": "Second"}, nil).Want(t, http.StatusCreated).String("/data/id")
	there := w.token(t, w.ada.Switch(t, second))
	all, without := w.serve(t, func(table) string { return "" }), w.serve(t, w.withoutHidden)
	of := func(one table) string {
		if one.has("tenant_id") {
			return fmt.Sprintf(`tenant_id = '%s'`, w.ada.Tenant)
		}
		return ""
	}
	caller := &caller{t: t, world: w, token: w.token(t, w.ada), with: all, without: without, control: true, known: w.ids(t, func(table) string { return "true" }),
		secret: map[string]string{}, values: w.values(t, w.withoutHidden), own: w.values(t, of), user: w.ada.User, tenant: w.ada.Tenant,
		told: map[string]bool{}, done: map[string]bool{}}
	var silent, failed []string
	for _, operation := range declared(t) {
		if id := string(operation.ID); operation.Method == http.MethodGet {
			caller.walk(operation)
			if !caller.told[id] && !aboutPeople.MatchString(operation.Path) {
				silent = append(silent, id)
			}
		}
	}
	caller.values, caller.without = caller.own, nil
	changes := declared(t)
	slices.SortStableFunc(changes, func(a, b *rest.Operation) int { return gravity(a) - gravity(b) })
	for _, operation := range changes {
		if id := string(operation.ID); operation.Method != http.MethodGet {
			if id == "tenants.delete" {
				caller.values, caller.own = map[string][]string{"tenants.id": {second}}, nil
				caller.token = there
			}
			caller.walk(operation)
			if !caller.done[id] && refusedToAll[id] == "" {
				failed = append(failed, id)
			}
		}
	}
	if len(silent) > 0 {
		t.Errorf("operations whose answers do not tell of a provider that the owner sees: %v; the requests prove nothing", silent)
	}
	if len(failed) > 0 {
		t.Errorf("operations that the owner's requests never get done: %v; the documents prove nothing", failed)
	}
}

// gravity orders operations so that what is taken away is not needed any more.
func gravity(operation *rest.Operation) int {
	switch {
	case operation.ID == "users.delete":
		return 5 // it may be the owner's own account
	case operation.ID == "tenants.delete":
		return 4
	case strings.HasPrefix(string(operation.ID), "users.relationships"), operation.ID == "tenants.memberships.delete":
		return 3
	case operation.ID == "schedules.delete":
		return 1 // a deleted provider has no schedule
	case operation.Method == http.MethodDelete && !strings.HasSuffix(string(operation.ID), ".remove"):
		return 2
	case strings.HasSuffix(string(operation.ID), ".replace"), strings.HasSuffix(string(operation.ID), ".update"), operation.Method == http.MethodDelete:
		return 1
	}
	return 0
}

// refusedToAll are operations that the requests made here never get done, and why.
var refusedToAll = map[string]string{
	"tokens.create":            "the password is wrong",
	"tokens.github":            "no provider is set up",
	"tokens.google":            "no provider is set up",
	"tokens.refresh":           "the token is none",
	"users.delete":             "one closes one's own account alone, which would end the test",
	"auth.saml.initiate":       "the domain is nobody's",
	"saml_config.create":       "every organisation has its configuration",
	"tokens.saml":              "the token is none",
	"invitations.accept":       "the invitation is another person's",
	"mute_rules.create":        "a rule mutes the finding that is tried",
	"processors.create":        "every organisation has its mute list",
	"providers.secrets.create": "every provider has its credentials",
	"schedules.create":         "every provider has its schedule",
	"schedules.daily":          "every provider has its schedule",
	"schedules.run":            "scheduled scans of every provider wait",
	"tasks.revoke":             "the tasks that are tried have ended",
}

// aboutPeople are paths on which providers have no bearing.
var aboutPeople = regexp.MustCompile(`^/(users|tenants|roles|invitations|saml-config|audit-events|api-keys|processors|engines|compliance-frameworks|compliance-watchlist)`)

// TestThoseWithoutARoleAndStrangers: a member without a role reads nothing of the organisation but that it exists, and
// without credentials there is nothing at all.
func TestThoseWithoutARoleAndStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.serve(t, func(table) string { return "" })
	secret := w.ids(t, w.withoutA)
	for id, where := range secret {
		// A person's tenants are listed with the ids of their memberships.
		if strings.HasPrefix(where, "memberships.") || strings.HasPrefix(where, "users.") || strings.HasPrefix(where, "tenants.") || where == "role_users.user_id" {
			delete(secret, id)
		}
	}
	for id := range secret {
		if id == w.ada.Tenant || id == w.carol.User || id == w.dan.User || id == w.ada.User {
			delete(secret, id)
		}
	}
	// Carol may change herself, and what she is refused is noted.
	others := func(one table) string {
		if one.name == "audit_events" {
			return ""
		}
		if one.name == "users" {
			return fmt.Sprintf(`id in ('%s', '%s')`, w.ada.User, w.dan.User)
		}
		return w.withoutA(one)
	}
	for name, token := range map[string]string{"carol": w.token(t, w.carol), "nobody": ""} {
		t.Run(name, func(t *testing.T) {
			caller := &caller{t: t, world: w, token: token, with: all, secret: secret, known: secret, values: w.values(t, w.withoutA),
				user: w.carol.User, tenant: w.ada.Tenant, state: w.state(t, all.pool, others), check: func() string { return w.state(t, all.pool, others) }}
			for _, operation := range declared(t) {
				if operation.ID == "tenants.memberships.delete" || operation.ID == "users.delete" {
					continue // everybody may leave
				}
				if name == "nobody" && !operation.Anonymous {
					caller.want = http.StatusUnauthorized
				} else {
					caller.want = 0
				}
				caller.walk(operation)
			}
			t.Logf("%d requests, answered with %v", caller.requests, caller.statuses)
		})
	}
}

// bodies are the documents of the operations that take one: made of the id in the path and of the ids beyond the wall.
var bodies = map[string]func(b *builder) (contentType string, body []byte){
	"tokens.create":                                   resource("tokens", attributes{"email": "ada@example.com", "password": "wrong"}, nil),
	"tokens.github":                                   authorisation,
	"tokens.google":                                   authorisation,
	"tokens.refresh":                                  resource("tokens-refresh", attributes{"refresh": "no token"}, nil),
	"tokens.switch":                                   resource("tokens-switch-tenant", attributes{"tenant_id": "memberships.tenant_id"}, nil),
	"api_keys.create":                                 resource("api-keys", attributes{"name": "fresh"}, nil),
	"api_keys.update":                                 resource("api-keys", attributes{"name": "fresh"}, nil),
	"users.create":                                    resource("users", attributes{"name": "Someone", "email": "fresh@example.com", "password": apitest.Password}, nil),
	"users.update":                                    resource("users", attributes{"name": "Renamed"}, nil),
	"users.relationships.roles.add":                   linkage("roles", "roles.id"),
	"users.relationships.roles.replace":               linkage("roles", "roles.id"),
	"users.relationships.roles.remove":                linkage("roles", "roles.id"),
	"tenants.create":                                  resource("tenants", attributes{"name": "fresh"}, nil),
	"tenants.update":                                  resource("tenants", attributes{"name": "Taken over"}, nil),
	"roles.create":                                    resource("roles", role("fresh"), relations{"provider_groups": many("provider-groups", "provider_groups.id"), "users": many("users", "memberships.user_id")}),
	"roles.update":                                    resource("roles", role("fresh"), relations{"provider_groups": many("provider-groups", "provider_groups.id"), "users": many("users", "memberships.user_id")}),
	"roles.relationships.provider_groups.add":         linkage("provider-groups", "provider_groups.id"),
	"roles.relationships.provider_groups.replace":     linkage("provider-groups", "provider_groups.id"),
	"roles.relationships.provider_groups.remove":      linkage("provider-groups", "provider_groups.id"),
	"provider_groups.create":                          resource("provider-groups", attributes{"name": "fresh", "tags": []string{"theirs"}}, relations{"providers": many("providers", "providers.id"), "roles": many("roles", "roles.id")}),
	"provider_groups.update":                          resource("provider-groups", attributes{"name": "fresh", "tags": []string{"theirs"}}, relations{"providers": many("providers", "providers.id")}),
	"provider_groups.relationships.providers.add":     linkage("providers", "providers.id"),
	"provider_groups.relationships.providers.replace": linkage("providers", "providers.id"),
	"provider_groups.relationships.providers.remove":  linkage("providers", "providers.id"),
	"tenants.invitations.create":                      resource("invitations", attributes{"email": "fresh@example.com"}, relations{"roles": many("roles", "roles.id")}),
	"tenants.invitations.update":                      resource("invitations", attributes{"email": "fresh@example.com"}, relations{"roles": many("roles", "roles.id")}),
	"saml_config.create":                              resource("saml-configurations", attributes{"email_domain": "fresh-1.example", "metadata_xml": metadata}, nil),
	"saml_config.update":                              resource("saml-configurations", attributes{"email_domain": "fresh-1.example"}, nil),
	"auth.saml.initiate":                              resource("saml-initiate", attributes{"email_domain": "nobody-1.example"}, nil), // whether a domain is anybody's is no secret
	"tokens.saml":                                     nothing,
	"invitations.accept":                              resource("invitations", attributes{"invitation_token": "invitations.token"}, nil),
	"providers.create":                                resource("providers", attributes{"provider": "aws", "uid": "999999999999", "alias": "Another"}, nil),
	"providers.update":                                resource("providers", attributes{"alias": "Taken over"}, nil),
	"providers.connection":                            nothing,
	"providers.secrets.create":                        resource("provider-secrets", keys, relations{"provider": single("providers", "providers.id")}),
	"providers.secrets.update":                        resource("provider-secrets", keys, nil),
	"scans.create":                                    resource("scans", attributes{"name": "fresh"}, relations{"provider": single("providers", "providers.id")}),
	"scans.update":                                    resource("scans", attributes{"name": "Taken over"}, nil),
	"schedules.create":                                resource("schedules", attributes{"scan_frequency": "DAILY", "scan_hour": 5}, relations{"provider": single("providers", "providers.id")}),
	"schedules.update":                                resource("schedules", attributes{"scan_enabled": false}, nil),
	"schedules.run":                                   nothing,
	"schedules.daily":                                 resource("daily-schedules", attributes{"provider_id": "providers.id"}, nil),
	"processors.create":                               resource("processors", attributes{"processor_type": "mutelist", "configuration": mutelist}, nil),
	"processors.update":                               resource("processors", attributes{"configuration": mutelist}, nil),
	"mute_rules.create": func(b *builder) (string, []byte) {
		return resource("mute-rules", attributes{"name": "fresh", "reason": "Because", "finding_ids": []string{b.value("findings.id")}}, nil)(b)
	},
	"compliance_frameworks.create": resource("compliance-frameworks", attributes{"compliance_id": "custom_taken_over", "provider": "aws", "framework": "Theirs", "name": "Theirs",
		"requirements": []map[string]any{{"id": "1"}}}, nil),
	"compliance_frameworks.update": resource("compliance-frameworks", attributes{"name": "Taken over", "requirements": []map[string]any{{"id": "2"}}}, nil),
	"compliance_watchlist.update": func(b *builder) (string, []byte) {
		return jsonapi.MediaType, apitest.Resource("compliance-watchlists", b.value("memberships.tenant_id"), attributes{"compliance_ids": []string{worldFramework, b.value("compliance_frameworks.compliance_id")}}, nil)
	},
	"mute_rules.update": resource("mute-rules", attributes{"name": "fresh", "reason": "Because", "enabled": false}, nil),
	"ingestions.create": func(b *builder) (string, []byte) {
		account := b.value("providers.uid")
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, _ := form.CreateFormFile("file", "f.json")
		_ = (ocsftest.File{Account: account, Findings: 1}).Write(part)
		_ = form.Close()
		return form.FormDataContentType(), body.Bytes()
	},
}

type (
	attributes map[string]any
	relations  map[string]func(*builder) map[string]any
)

const metadata = `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="urn:taken-over">` +
	`<md:IDPSSODescriptor><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>none</ds:X509Certificate></ds:X509Data></ds:KeyInfo>` +
	`</md:KeyDescriptor><md:SingleSignOnService Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`

var mutelist = map[string]any{"Mutelist": map[string]any{"Accounts": map[string]any{"*": map[string]any{"Checks": map[string]any{
	"*": map[string]any{"Regions": []string{"*"}, "Resources": []string{"*"}}}}}}}

var keys = attributes{"name": "Stolen", "secret_type": "static", "secret": map[string]any{"aws_access_key_id": "AKIASTOLEN000", "aws_secret_access_key": "stolen"}}

func role(name string) attributes {
	return attributes{"name": name, "manage_users": true, "manage_account": true, "manage_providers": false, "manage_integrations": true,
		"manage_scans": true, "unlimited_visibility": false}
}

// builder makes one document.
type builder struct {
	id     string // in the path
	values map[string][]string
}

// value is one of a column beyond the wall; of a column that has none, an id that nobody has.
func (b *builder) value(column string) string {
	if found := b.values[column]; len(found) > 0 {
		return found[0]
	}
	return "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"
}

func nothing(*builder) (string, []byte) { return "", nil }

func authorisation(*builder) (string, []byte) {
	return "application/x-www-form-urlencoded", []byte("code=none")
}

var columnName = regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`)

func resource(kind string, given attributes, related relations) func(*builder) (string, []byte) {
	return func(b *builder) (string, []byte) {
		filled := maps.Clone(given)
		for name, value := range filled {
			text, ok := value.(string)
			if ok && strings.HasPrefix(text, "fresh") {
				filled[name] = strings.Replace(text, "fresh", "new-"+uuid.NewString(), 1)
			}
			if ok && columnName.MatchString(text) {
				filled[name] = b.value(text)
			}
		}
		relationships := map[string]any{}
		for name, make := range related {
			relationships[name] = make(b)
		}
		return jsonapi.MediaType, apitest.Resource(kind, b.id, filled, relationships)
	}
}

func single(kind, column string) func(*builder) map[string]any {
	return func(b *builder) map[string]any { return apitest.One(kind, b.value(column)) }
}

func many(kind, column string) func(*builder) map[string]any {
	return func(b *builder) map[string]any { return apitest.Many(kind, b.value(column)) }
}

func linkage(kind, column string) func(*builder) (string, []byte) {
	return func(b *builder) (string, []byte) {
		encoded, _ := json.Marshal(apitest.Many(kind, b.value(column)))
		return jsonapi.MediaType, encoded
	}
}

// declared are the operations that are built.
func declared(t *testing.T) []*rest.Operation {
	t.Helper()
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var operations []*rest.Operation
	for _, one := range server.Operations() {
		if !api.Pending(one) {
			operations = append(operations, one)
		}
	}
	return operations
}

// twin is a server on a copy of the world, with the same keys.
type twin struct {
	url  string
	pool *pgxpool.Pool
}

func (w *world) serve(t *testing.T, left func(table) string) *twin {
	t.Helper()
	db := w.copyWithout(t, left)
	program, err := app.Open(t.Context(), app.Settings{AppURL: db.URL(pgtest.App), SystemURL: db.URL(pgtest.System), MaxConns: 4,
		KeyDir: w.server.KeyDir, TokenLimit: "off"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	listener := httptest.NewServer(program)
	t.Cleanup(listener.Close)
	return &twin{url: listener.URL, pool: db.Pool(t, pgtest.Superuser)}
}

func (w *world) token(t *testing.T, client *apitest.Client) string {
	t.Helper()
	return w.server.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": client.Email, "password": apitest.Password, "tenant_id": client.Tenant}, nil).
		Want(t, 200).String("/data/attributes/access")
}

// only picks the rows of a provider, and those of its tenant that are about none.
func (w *world) only(provider uuid.UUID, tenant string) func(table) string {
	return func(one table) string {
		switch {
		case one.provider() != "":
			return fmt.Sprintf(`%s = '%s'`, one.provider(), provider)
		case one.has("tenant_id"):
			return fmt.Sprintf(`tenant_id = '%s'`, tenant)
		}
		return ""
	}
}

// state is a digest of the rows that a condition picks.
func (w *world) state(t *testing.T, pool *pgxpool.Pool, picked func(table) string) string {
	t.Helper()
	var parts []string
	for _, one := range tables(t, w.pool) {
		if condition := picked(one); condition != "" {
			name := pgx.Identifier{one.name}.Sanitize()
			parts = append(parts, fmt.Sprintf(`select '%s ' || count(*) || ' ' || coalesce(md5(string_agg(x::text, '' order by x::text)), '') as digest from %s x where %s`, one.name, name, condition))
		}
	}
	var state string
	if err := pool.QueryRow(t.Context(), `select string_agg(digest, E'\n' order by digest) from (`+strings.Join(parts, " union all ")+`) y`).Scan(&state); err != nil {
		t.Fatal(err)
	}
	return state
}

// caller walks operations as one subject.
type caller struct {
	t             *testing.T
	world         *world
	token         string
	with, without *twin // without may be nil: nothing is compared
	control       bool  // differences are noted, not refused
	known         map[string]string
	secret        map[string]string // ids that no answer may hold
	values        map[string][]string
	own           map[string][]string
	user, tenant  string
	want          int // status that every answer has; 0: any below 500
	state         string
	check         func() string

	requests int
	statuses map[int]int
	told     map[string]bool // operations whose answers differed
	done     map[string]bool // operations that were done once
}

func (c *caller) walk(operation *rest.Operation) {
	c.t.Helper()
	if _, ok := bodies[string(operation.ID)]; !ok && operation.Method != http.MethodGet && operation.Method != http.MethodDelete {
		c.t.Errorf("operation %s has no document in bodies", operation.ID)
		return
	}
	for _, path := range c.paths(operation) {
		for _, query := range c.queries(operation) {
			c.request(operation, path, query)
		}
	}
	if c.check != nil && operation.Method != http.MethodGet {
		if now := c.check(); now != c.state {
			c.t.Errorf("%s changed rows beyond the wall:\n%s", operation.ID, changed(c.state, now))
			c.state = now
		}
	}
}

func changed(before, after string) string {
	was := strings.Split(before, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(after, "\n"), func(line string) bool { return slices.Contains(was, line) }), "\n")
}

// paths puts ids beyond the wall, one of each table, into the path; for changes also the subject's own, so that the document
// is what reaches over.
func (c *caller) paths(operation *rest.Operation) []string {
	parameters := pathParameter.FindAllString(operation.Path, -1)
	if len(parameters) == 0 {
		return []string{operation.Path}
	}
	ids, each := map[string]bool{}, 1
	if c.control {
		each = 2
	}
	sample := func(values map[string][]string) {
		for column, found := range values {
			if strings.HasSuffix(column, ".id") || column == "memberships.user_id" || column == "memberships.tenant_id" ||
				column == "findings.check_id" && strings.HasPrefix(operation.Path, "/finding-groups/") {
				for _, one := range found[:min(len(found), each)] {
					ids[one] = true
				}
			}
		}
	}
	sample(c.values)
	if c.control || (operation.Method == http.MethodPost || operation.Method == http.MethodPatch) && !strings.HasPrefix(operation.Path, "/users") {
		sample(c.own)
	}
	var paths []string
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		path := operation.Path
		for i, parameter := range parameters {
			value := id
			if parameter == "{name}" {
				value = worldFramework
			}
			if i < len(parameters)-1 { // the outer resource is the subject's own once, and beyond the wall once
				paths = append(paths, fill(operation.Path, id))
				value = map[string]string{"{user_pk}": c.user, "{tenant_pk}": c.tenant}[parameter]
				if value == "" {
					value = id
				}
			}
			path = strings.Replace(path, parameter, value, 1)
		}
		paths = append(paths, path)
	}
	return paths
}

var pathParameter = regexp.MustCompile(`\{\w+\}`)

func fill(path, id string) string { return pathParameter.ReplaceAllString(path, id) }

// queries are the query strings to try: none, everything at once, and each filter with values from beyond the wall.
func (c *caller) queries(operation *rest.Operation) []string {
	if operation.Query == nil || operation.Method != http.MethodGet {
		return []string{""}
	}
	var queries []string
	include := ""
	if len(operation.Query.Includes) > 0 {
		include = "&include=" + strings.Join(operation.Query.Includes, ",")
	}
	today := time.Now().UTC().Format("2006-01-02")
	bases := []string{"", "?page[size]=100" + include}
	for _, dated := range []string{"inserted_at", "updated_at"} {
		if slices.Contains(operation.Query.Keys(), dated+"__gte") || slices.Contains(operation.Query.Keys(), dated) {
			bases = append(bases, "?page[size]=100"+include+"&filter["+dated+".gte]="+today, "?page[size]=100"+include+"&filter["+dated+"]="+today)
		}
	}
	queries = append(queries, bases...)
	if operation.Mode != rest.List && operation.Mode != rest.Late {
		return bases[:2]
	}
	for _, key := range operation.Query.Keys() {
		name, _, _ := strings.Cut(key, "__")
		value := c.filterValue(name)
		if value == "" {
			continue
		}
		queries = append(queries, bases[len(bases)-1]+"&filter["+url.QueryEscape(key)+"]="+url.QueryEscape(value)+besides[string(operation.ID)])
	}
	return append(queries, "?page[size]=100&filter[search]="+url.QueryEscape(c.filterValue("uid")))
}

// besides are parameters without which an operation refuses whatever else it is asked.
var besides = map[string]string{
	"finding_groups.list":                    "&filter[inserted_at]=" + time.Now().UTC().Format(time.DateOnly),
	"finding_groups.resources":               "&filter[inserted_at]=" + time.Now().UTC().Format(time.DateOnly),
	"compliance_overviews.providers":         "&filter[compliance_id]=" + worldFramework,
	"overviews.findings_severity.timeseries": "&filter[date_from]=" + time.Now().UTC().Format(time.DateOnly),
	"compliance_overviews.requirements":      "&filter[compliance_id]=" + worldFramework,
	"compliance_overviews.attributes":        "&filter[compliance_id]=" + worldFramework,
}

func (c *caller) filterValue(name string) string {
	for _, column := range []string{name, name + "_id", strings.TrimPrefix(name, "provider_"), strings.TrimSuffix(name, "s") + "_id", name + "s.id"} {
		if found := c.values[column]; len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// asksOutside reports whether an operation asks somebody who is not there in these tests, and says so by a 5xx.
func asksOutside(operation *rest.Operation) bool { return operation.ID == "resources.events" }

func (c *caller) request(operation *rest.Operation, path, query string) {
	c.t.Helper()
	var kind string
	var body []byte
	if build, ok := bodies[string(operation.ID)]; ok {
		one := &builder{values: c.values}
		if operation.Method == http.MethodPatch {
			one.id = path[strings.LastIndexByte(path, '/')+1:]
		}
		kind, body = build(one)
	}
	for _, id := range uuids.FindAllString(path+query+string(body), -1) {
		c.world.said[c.tenant+id] = true
	}
	seen := c.send(c.with, operation.Method, path+query, kind, body)
	c.requests++
	if c.statuses == nil {
		c.statuses = map[int]int{}
	}
	c.statuses[seen.status]++
	if c.done != nil && seen.status < 300 {
		c.done[string(operation.ID)] = true
	}
	what := fmt.Sprintf("%s %s%s %s", operation.Method, path, query, body)
	if seen.status >= 500 && !asksOutside(operation) {
		c.t.Errorf("%s: %d %s", what, seen.status, seen.body)
	}
	if c.want != 0 && seen.status != c.want {
		c.t.Errorf("%s: %d, want %d", what, seen.status, c.want)
	}
	sent := what
	for _, id := range uuids.FindAllString(seen.body, -1) {
		if c.world.said[c.tenant+id] && strings.HasPrefix(string(operation.ID), "audit_events.") {
			continue // the log repeats what people of the tenant have asked for
		}
		if where := c.secret[id]; where != "" && !strings.Contains(sent, id) {
			c.t.Errorf("%s: the answer holds %s (%s): %s", what, id, where, seen.body)
			break
		}
	}
	if seen.status < 300 && !strings.HasPrefix(string(operation.ID), "users.memberships.") { // those are one's own, whoever is named
		for _, id := range uuids.FindAllString(path, -1) {
			if where := c.secret[id]; where != "" {
				c.t.Errorf("%s: %d for %s", what, seen.status, where)
			}
		}
	}
	if c.without == nil {
		return
	}
	blind := c.send(c.without, operation.Method, path+query, kind, body)
	if seen == blind {
		return
	}
	if c.control {
		c.told[string(operation.ID)] = true
		return
	}
	c.t.Errorf("%s can tell whether rows beyond the wall exist:\n with    %+v\n without %+v", what, short(seen), short(blind))
}

type answer struct {
	status int
	body   string
}

func short(a answer) answer {
	if len(a.body) > 700 {
		a.body = a.body[:700] + "..."
	}
	return a
}

var (
	uuids   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	digests = regexp.MustCompile(`"(hash|previous_hash|request_id)":"[0-9a-f-]+"`)
	jwts    = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
	apiKeys = regexp.MustCompile(`pk_[0-9A-Z]{8}(\.[\w-]+)?`)
)

// scheme is how a credential is presented.
func scheme(credential string) string {
	if apiKeys.MatchString(credential) {
		return "Api-Key"
	}
	return "Bearer"
}

// send returns the answer without what differs from one server to another: its address, moments, ids that it made up.
func (c *caller) send(to *twin, method, path, kind string, body []byte) answer {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, to.url+rest.BasePath+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		request.Header.Set("Authorization", scheme(c.token)+" "+c.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	text := strings.ReplaceAll(string(raw)+response.Header.Get("Location")+response.Header.Get("Content-Location"), to.url, "")
	text = digests.ReplaceAllString(jwts.ReplaceAllString(moments.ReplaceAllString(text, "moment"), "token"), "digest")
	text = apiKeys.ReplaceAllString(text, "key")
	text = uuids.ReplaceAllStringFunc(text, func(id string) string {
		if _, ok := c.known[id]; ok || strings.Contains(path, id) || bytes.Contains(body, []byte(id)) {
			return id
		}
		return "made"
	})
	return answer{response.StatusCode, text}
}
