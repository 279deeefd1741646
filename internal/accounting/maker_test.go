package accounting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/rest"
)

// maker makes requests from the OpenAPI document: mostly what an operation takes, filled with values out of the tables, own
// ones, hidden ones and those of others; now and then something that is wrong in one of many ways.
type maker struct {
	random     *rand.Rand
	document   *huma.OpenAPI
	operations []*rest.Operation
	described  map[string]*huma.Operation // by method and path
	values     map[string][]held          // by table.column
	columns    map[string][]held          // by column
	invited    [][2]string                // address and token of the invitations
	refresh    []string                   // refresh tokens that were given out
	invitation *[2]string                 // the one that the request at hand is about
	careful    bool                       // the request at hand has nothing wrong on purpose
}

// held is a text in a table and the tenants whose it is.
type held struct {
	text    string
	tenants []string
}

// request is a made request.
type request struct {
	operation    *rest.Operation
	method       string
	path, query  string // escaped
	kind, accept string
	header       string // Authorization
	body         []byte
	said         string // all of it, unescaped, in lower case
}

// String shows the request so that it can be sent again.
func (q *request) String() string {
	body := string(q.body)
	if len(body) > 1000 {
		body = body[:1000] + "..."
	}
	return fmt.Sprintf("%s %s?%s (%q, accept %q) %q", q.method, q.path, q.query, q.kind, q.accept, body)
}

// holds reports whether the request itself said a text, which an answer may then repeat.
func (q *request) holds(text string) bool {
	if q.said == "" {
		path, _ := url.PathUnescape(q.path)
		query, _ := url.QueryUnescape(q.query)
		decoded := string(q.body)
		var document any
		if json.Unmarshal(q.body, &document) == nil {
			texts(document, func(one string) { decoded += " " + one })
		}
		form, _ := url.QueryUnescape(string(q.body))
		q.said = strings.ToLower(strings.Join([]string{path, query, decoded, form}, " "))
	}
	return strings.Contains(q.said, strings.ToLower(text)) || strings.Contains(strings.ReplaceAll(q.said, "-", ""), strings.ToLower(strings.ReplaceAll(text, "-", "")))
}

func newMaker(t *testing.T, random *rand.Rand) *maker {
	t.Helper()
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{random: random, document: server.OpenAPI(), described: map[string]*huma.Operation{}}
	for path, item := range m.document.Paths {
		for _, one := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Put, item.Delete} {
			if one != nil {
				m.described[one.Method+" "+strings.TrimPrefix(path, rest.BasePath)] = one
			}
		}
	}
	for _, one := range server.Operations() {
		weight := 10
		switch {
		case api.Pending(one):
			weight = 1
		case one.Method == http.MethodDelete:
			weight = 2 // what these take away is missed by all others
		case one.ID == "roles.update" || strings.HasSuffix(string(one.ID), ".replace"):
			weight = 4
		case one.ID == "users.create" || one.ID == "tokens.create":
			weight = 5 // passwords take their time
		}
		if m.described[one.Method+" "+one.Path] == nil {
			t.Fatalf("the OpenAPI document lacks %s %s", one.Method, one.Path)
		}
		for range weight {
			m.operations = append(m.operations, one)
		}
	}
	return m
}

// take keeps the values of the tables, in an order that does not depend on that of maps.
func (m *maker) take(values map[string][]held) {
	m.values, m.columns = values, map[string][]held{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		_, column, _ := strings.Cut(name, ".")
		m.columns[column] = append(m.columns[column], values[name]...)
	}
}

func (m *maker) chance(percent int) bool { return m.random.IntN(100) < percent }

// odd is chance for what is wrong on purpose.
func (m *maker) odd(percent int) bool { return !m.careful && m.chance(percent) }

func choose[T any](m *maker, from []T) T { return from[m.random.IntN(len(from))] }

func (m *maker) request(by *person) *request {
	m.careful = m.chance(50)
	operation := choose(m, m.operations)
	described := m.described[operation.Method+" "+operation.Path]
	one := &request{operation: operation, method: operation.Method, accept: jsonapi.MediaType, header: by.header}
	if m.odd(2) {
		one.method = choose(m, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})
		for _, other := range m.operations {
			if other.Path == operation.Path && other.Method == one.method {
				one.operation = other
			}
		}
	}
	m.invitation = nil
	for range 20 {
		// An invitation of one's own, for those who have an account, or anybody's to sign up by.
		if found := m.anInvitation(); found != nil && m.chance(30) && (operation.ID == "users.create" || found[0] == by.client.Email) {
			m.invitation = found
		}
	}
	if m.odd(5) {
		one.accept = choose(m, []string{"", "*/*", "text/html", "application/json", "application/vnd.api+json;q=0.1, text/csv", "application/x-ndjson", "nonsense"})
	}
	if m.odd(2) {
		one.header = choose(m, []string{"Bearer undefined", "Bearer", "Api-Key nonsense", "Bearer a.b.c", "Basic YTpi", strings.ToLower(by.header)})
	}
	id := ""
	one.path = pathParameter.ReplaceAllStringFunc(operation.Path, func(parameter string) string {
		id = m.pathID(by, operation.Path, parameter)
		return url.PathEscape(id)
	})
	one.query = m.query(by, operation, described)
	if operation.Method != http.MethodGet || m.odd(2) {
		one.kind, one.body = m.body(by, operation, described, id)
	}
	return one
}

func (m *maker) anInvitation() *[2]string {
	if len(m.invited) == 0 {
		return nil
	}
	return &m.invited[m.random.IntN(len(m.invited))]
}

// collections are the tables of what paths and relationships name otherwise.
var collections = map[string]string{"secrets": "provider_secrets", "daily": "schedules", "entity": "users", "inviter": "users", "saml-config": "saml_configurations"}

func tableOf(word string) string {
	if known, ok := collections[word]; ok {
		return known
	}
	return strings.ReplaceAll(word, "-", "_")
}

func (m *maker) pathID(by *person, path, parameter string) string {
	before, _, _ := strings.Cut(path, "/"+parameter)
	table := tableOf(before[strings.LastIndexByte(before, '/')+1:])
	switch {
	case m.odd(8):
		return m.junk()
	case m.odd(8):
		return choose(m, []string{uuid.NewString(), "me", "{" + uuid.NewString() + "}", strings.ToUpper(by.client.User), strings.ReplaceAll(by.tenant(), "-", ""), "00000000-0000-0000-0000-000000000000"})
	case m.odd(8):
		return m.pick(by, m.columns["id"])
	case len(m.values[table+".id"]) == 0:
		return uuid.NewString()
	case parameter == "{name}" && m.chance(80):
		return choose(m, []string{worldFramework, "prowler_threatscore_aws", "custom_rules"})
	case table == "users" && by.client.User != "" && m.chance(40):
		return by.client.User
	}
	return m.pick(by, m.values[table+".id"])
}

// pick takes one of the values, in most cases one of the person's own tenant.
func (m *maker) pick(by *person, from []held) string {
	if len(from) == 0 {
		return uuid.NewString()
	}
	one := choose(m, from)
	for range 6 {
		if !m.careful && m.chance(35) || slices.Contains(one.tenants, by.tenant()) {
			break
		}
		one = choose(m, from)
	}
	return one.text
}

// junk is nonsense that a careless program could stumble over.
func (m *maker) junk() string {
	return choose(m, []string{"", " ", "x", "0", "-1", "1e400", "99999999999999999999999", "null", "true", "\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "ä", "ｆｕｌｌ", "İı", "e\u0301",
		"\u202eabc", "👩‍👩‍👧", "%", "%25", "%_\\", "'", "\"", "' or 1=1 --", "$1", "{}", "[]", "{,}", "NULL", "../..", "a,b,,c", ",", strings.Repeat("x", 300),
		strings.Repeat("ä", 5000), "NaN", "2026-02-30", "0000-00-00", "9999-12-31T23:59:60Z", "<script>", "\r\nX: y", "1.5", "0x10", "١٢"})
}

var oddMoments = []string{"2026-01-01", "1970-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+14:00", "2026-1-1", "now", "20260101", "0000-01-01",
	"9999-12-31T23:59:59.999999-12:00", "infinity", "-infinity", "294277-01-01"}

func (m *maker) moment() string {
	if m.chance(60) {
		return time.Now().UTC().AddDate(0, 0, m.random.IntN(6)-3).Format(choose(m, []string{"2006-01-02", time.RFC3339}))
	}
	return choose(m, oddMoments)
}

func (m *maker) query(by *person, operation *rest.Operation, described *huma.Operation) string {
	var parts []string
	add := func(name, value string) { parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value)) }
	var known []string
	for _, parameter := range described.Parameters {
		if parameter.In == "query" {
			known = append(known, parameter.Name)
		}
	}
	if len(known) > 0 && m.chance(80) {
		for range m.random.IntN(4) {
			name := choose(m, known)
			if m.chance(10) {
				name = m.misspell(name)
			}
			value := m.parameter(by, operation, name)
			if m.odd(12) {
				value = m.junk()
			}
			add(name, value)
			if m.odd(4) {
				add(name, value)
			}
		}
		// Operations that must have a date have one more often than not.
		if operation.Query.Required != nil && m.chance(70) {
			add("filter["+operation.Query.Required.Fields[0]+"]", time.Now().UTC().Format("2006-01-02"))
		}
	}
	if operation.ID == "users.create" && m.invitation != nil && m.chance(50) {
		add("invitation_token", m.invitation[1])
	}
	if m.odd(5) {
		parts = append(parts, choose(m, []string{"filter[unknown]=1", "filter[]=1", "filter=1", "page[number]=0", "page[size]=-1", "page[size]=100000", "page[number]=99999999999999999999",
			"page[disable]=true", "include=unknown", "include=a.b.c", "sort=unknown", "sort=-", "fields[unknown]=a", "fields[]=", "format=api", "format=json", "%FF=%FF", "&&&", "a=%00", "=",
			"filter[id]=%FF", "filter[search]=%00", "page[number]=last", "x=%zz", ";"}))
	}
	return strings.Join(parts, "&")
}

// misspell writes a parameter in one of the spellings that people send.
func (m *maker) misspell(name string) string {
	inner := strings.TrimSuffix(strings.TrimPrefix(name, "filter["), "]")
	return choose(m, []string{"filter." + inner, "filter[" + strings.ReplaceAll(inner, "__", ".") + "]", "filter." + strings.ReplaceAll(inner, "__", "."), inner,
		strings.ToUpper(name), name + "[]", "filter[" + inner + "__exact]", "filter[" + inner + "__unknown]", "filter[[" + inner + "]]", "filter[" + inner})
}

// parameter is a value for a query parameter.
func (m *maker) parameter(by *person, operation *rest.Operation, name string) string {
	table := operation.Query
	list := func(from []string) string {
		var some []string
		for range 1 + m.random.IntN(3) {
			some = append(some, choose(m, from))
		}
		return strings.Join(some, ",")
	}
	switch {
	case strings.HasPrefix(name, "page[number"):
		return choose(m, []string{"1", "2", "0", "-1", "last", "first", "1000000", "9223372036854775807", "1.0"})
	case strings.HasPrefix(name, "page[size"):
		return choose(m, []string{"1", "5", "100", "0", "101", "1000", "-1", "x"})
	case name == "include":
		return list(table.Includes)
	case name == "sort":
		keys := []string{"id", "-id", "unknown"}
		for _, one := range table.Sorts {
			keys = append(keys, one.Name, "-"+one.Name)
		}
		return list(keys)
	case strings.HasPrefix(name, "fields["):
		var names []string
		for _, one := range m.attributes(m.described[operation.Method+" "+operation.Path]) {
			names = append(names, one.name)
		}
		return list(append(names, "unknown", "", "roles", "provider"))
	}
	key := strings.TrimSuffix(strings.TrimPrefix(name, "filter["), "]")
	base, lookup, _ := strings.Cut(key, "__")
	for _, field := range table.Fields {
		if field.Name != base {
			continue
		}
		if lookup == "isnull" {
			return choose(m, []string{"true", "false", "1", "x"})
		}
		value := func() string { return m.filterValue(by, field) }
		if lookup == "in" || field.List {
			return strings.Join([]string{value(), value()}, ",")
		}
		return value()
	}
	return m.pick(by, m.columns["name"])
}

func (m *maker) filterValue(by *person, field filter.Field) string {
	switch field.Kind {
	case filter.Choice:
		return choose(m, append([]string{"unknown"}, field.Choices...))
	case filter.Bool:
		return choose(m, []string{"true", "false", "True", "0", "1", "yes"})
	case filter.Integer, filter.Decimal:
		return choose(m, []string{"0", "1", "-1", "100", "9223372036854775807", "9223372036854775808", "1e3", "0.5"})
	case filter.DateTime, filter.Moment, filter.Date:
		return m.moment()
	case filter.UUID, filter.UUIDv7, filter.Reference:
		if field.Target != "" && m.chance(70) {
			return m.pick(by, m.values[tableOf(field.Target)+".id"])
		}
		return m.pick(by, m.columns["id"])
	}
	name := strings.TrimPrefix(strings.TrimPrefix(field.Name, "provider_"), "resource_")
	for _, column := range []string{field.Name, name, strings.TrimSuffix(name, "s")} {
		if from := m.columns[column]; len(from) > 0 {
			value := m.pick(by, from)
			if m.chance(20) && len(value) > 3 {
				value = value[:len(value)-2]
			}
			return value
		}
	}
	return m.pick(by, m.columns["name"])
}

// attribute is a member that the OpenAPI document knows of a document's resource.
type attribute struct {
	name   string
	schema *huma.Schema
}

// attributes are those of the request's document, or of the answer's for an operation that takes none.
func (m *maker) attributes(described *huma.Operation) []attribute {
	return m.members(m.resource(described), "attributes")
}

func (m *maker) members(resource *huma.Schema, kind string) []attribute {
	if resource == nil || resource.Properties[kind] == nil {
		return nil
	}
	schema := m.resolve(resource.Properties[kind])
	var members []attribute
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		members = append(members, attribute{name, m.resolve(schema.Properties[name])})
	}
	return members
}

func (m *maker) resolve(schema *huma.Schema) *huma.Schema {
	if schema.Ref != "" {
		return m.document.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

func (m *maker) resource(described *huma.Operation) *huma.Schema {
	var content map[string]*huma.MediaType
	if described.RequestBody != nil {
		content = described.RequestBody.Content
	} else {
		for _, status := range slices.Sorted(maps.Keys(described.Responses)) {
			if status < "300" {
				content = described.Responses[status].Content
			}
		}
	}
	if content[jsonapi.MediaType] == nil {
		return nil
	}
	data := content[jsonapi.MediaType].Schema.Properties["data"]
	if data != nil && data.Items != nil {
		data = data.Items
	}
	return data
}

var relationPath = regexp.MustCompile(`/relationships/(\w+)$`)

func (m *maker) body(by *person, operation *rest.Operation, described *huma.Operation, id string) (kind string, body []byte) {
	var document any
	switch related := relationPath.FindStringSubmatch(operation.Path); {
	case operation.Request.Media != "":
		return m.file(by)
	case related != nil:
		document = map[string]any{"data": m.linkage(by, related[1])}
	case described.RequestBody != nil:
		document = m.object(by, operation, described, id)
	default:
		return choose(m, []string{"", jsonapi.MediaType}), choose(m, [][]byte{nil, nil, []byte("{}"), []byte(`{"data":null}`)})
	}
	kind = jsonapi.MediaType
	if m.odd(4) {
		kind = choose(m, []string{"", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain",
			"application/vnd.api+json; charset=utf-16", "application/xml", "/", ";"})
	}
	if m.odd(16) {
		document = m.spoil(document)
	}
	body, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	if m.odd(4) {
		body = choose(m, [][]byte{nil, []byte("{"), []byte("null"), []byte("[]"), []byte(`"x"`), []byte("\xff\xfe"), append(body, body...), body[:len(body)/2],
			[]byte(strings.Repeat("[", 20000)), bytes.ToUpper(body), append([]byte("\xef\xbb\xbf"), body...), []byte(`{"data":{"attributes":{"a":1},"attributes":{"a":2}}}`),
			bytes.Repeat([]byte(" "), 3<<20), []byte("name=x&email=y%40example.com"), []byte("--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nv\r\n--x--\r\n")})
	}
	return kind, body
}

// object is a document with one resource.
func (m *maker) object(by *person, operation *rest.Operation, described *huma.Operation, id string) any {
	resource := m.resource(described)
	data := map[string]any{"type": operation.Request.Type}
	if operation.Method == http.MethodPatch {
		data["id"] = id
	}
	attributes, relationships := map[string]any{}, map[string]any{}
	leaveOut := 15
	if operation.Method == http.MethodPatch {
		leaveOut = 50
	}
	for _, one := range m.members(resource, "attributes") {
		if !m.chance(leaveOut) {
			attributes[one.name] = m.attribute(by, operation.Request.Type, one)
		}
	}
	for _, one := range m.members(resource, "relationships") {
		if !m.chance(leaveOut) {
			relationships[one.name] = map[string]any{"data": m.linkage(by, one.name)}
		}
	}
	if m.odd(5) {
		attributes[choose(m, []string{"id", "type", "tenant_id", "unknown", "role", "roles", "manage_billing", "inserted_at", "state", "is_active"})] = m.value()
	}
	if m.odd(4) {
		relationships[choose(m, []string{"roles", "unknown", "tenant", "users", "provider"})] = map[string]any{"data": m.linkage(by, "roles")}
	}
	data["attributes"], data["relationships"] = attributes, relationships
	return map[string]any{"data": data}
}

func (m *maker) attribute(by *person, kind string, one attribute) any {
	if m.odd(10) {
		return m.value()
	}
	switch {
	case len(one.schema.Enum) > 0:
		return choose(m, one.schema.Enum)
	case one.schema.Type == "boolean":
		return m.chance(50)
	case one.schema.Type == "integer" || one.schema.Type == "number":
		return choose(m, []any{0, 1, -1, 24, 1e18, 0.5})
	}
	switch name := one.name; {
	case name == "email" && kind == "tokens" && by.client.Email != "" && m.chance(60):
		return by.client.Email
	case name == "refresh" && len(m.refresh) > 0 && m.chance(80):
		return choose(m, m.refresh)
	case name == "invitation_token" && m.invitation != nil:
		return m.invitation[1]
	case name == "email" && m.invitation != nil && m.chance(50):
		return m.invitation[0]
	case name == "email":
		return m.address(by)
	case name == "password":
		if m.careful {
			return apitest.Password
		}
		return choose(m, []string{apitest.Password, "short", "password1234", strings.Repeat("Aa1!", 30)})
	case name == "secret":
		if m.careful {
			return keys["secret"]
		}
		return choose(m, []any{keys["secret"], map[string]any{"role_arn": "arn:aws:iam::111111111111:role/x", "external_id": by.tenant()}, map[string]any{}, map[string]any{"unknown": []any{1}}})
	case name == "secret_type":
		if m.careful {
			return "static"
		}
		return choose(m, []string{"static", "role", "service_account", "unknown"})
	case name == "provider":
		if m.careful {
			return "aws"
		}
		return choose(m, []string{"aws", "azure", "gcp", "github", "kubernetes", "unknown"})
	case name == "uid":
		if m.careful {
			return fmt.Sprintf("%012d", m.random.IntN(1e9))
		}
		return choose(m, []string{fmt.Sprintf("%012d", m.random.IntN(1e9)), openAccount, hiddenAccount, theirAccount, uuid.NewString(), "x"})
	case name == "invitation_token":
		return m.pick(by, m.values["invitations.token"])
	case strings.HasSuffix(name, "_id"):
		return m.pick(by, m.values[strings.TrimSuffix(name, "_id")+"s.id"])
	case strings.HasSuffix(name, "_at") && m.careful:
		return time.Now().UTC().AddDate(0, 0, 3).Format(time.RFC3339)
	case strings.HasSuffix(name, "_at") || one.schema.Format == "date-time":
		return m.moment()
	case (name == "name" || name == "alias") && m.chance(10):
		return m.pick(by, m.columns[name])
	}
	return fmt.Sprintf("made %s %d", kind, m.random.IntN(1e9))
}

// address is an e-mail address: new, somebody's, or somebody's in letters that look alike.
func (m *maker) address(by *person) string {
	address := choose(m, m.columns["email"]).text
	if m.careful && m.chance(60) {
		return address
	}
	switch m.random.IntN(12) {
	case 0:
		return strings.ToUpper(address)
	case 1:
		return " " + address + " "
	case 2:
		return strings.ReplaceAll(address, "i", "ı")
	case 3:
		return strings.ReplaceAll(address, "a", "ａ")
	case 4:
		return address + "."
	case 5, 6:
		return address
	case 7:
		return strings.Repeat("x", 250) + "@example.com"
	}
	return fmt.Sprintf("made-%d@example.com", m.random.IntN(1e9))
}

// value is a JSON value of any kind.
func (m *maker) value() any {
	if m.chance(60) {
		return strings.ToValidUTF8(m.junk(), "\ufffd")
	}
	return choose(m, []any{nil, true, false, 0, -1, 1.5, json.Number("1e400"), json.Number("123456789012345678901234567890"), []any{}, []any{nil}, []any{"a", 1}, map[string]any{},
		map[string]any{"data": nil}, map[string]any{"a": map[string]any{"b": []any{1}}}, []any{[]any{[]any{}}}})
}

// linkage is the data of a relationship.
func (m *maker) linkage(by *person, name string) any {
	table := tableOf(name)
	single := len(m.values[table+".id"]) == 0 && len(m.values[table+"s.id"]) > 0
	if single {
		table += "s"
	}
	kind := strings.ReplaceAll(table, "_", "-")
	identifier := func() any {
		one := map[string]any{"type": kind, "id": m.pick(by, m.values[table+".id"])}
		if m.odd(5) {
			one["id"] = m.value()
		}
		if m.odd(4) {
			one["type"] = choose(m, []any{"users", "roles", nil, 1, ""})
		}
		if m.odd(2) {
			delete(one, choose(m, []string{"id", "type"}))
		}
		return one
	}
	list := []any{}
	for range m.random.IntN(4) {
		list = append(list, identifier())
	}
	if len(list) > 0 && m.odd(10) {
		list = append(list, list[0])
	}
	switch {
	case m.odd(8):
		return choose(m, []any{nil, "x", 1, true, map[string]any{}, []any{nil}, []any{"x"}, []any{[]any{}}})
	case single != m.odd(4):
		return identifier()
	}
	return list
}

// spoil damages one member somewhere in a document.
func (m *maker) spoil(document any) any {
	switch typed := document.(type) {
	case map[string]any:
		if len(typed) == 0 || m.chance(20) {
			return m.value()
		}
		name := choose(m, slices.Sorted(maps.Keys(typed)))
		switch m.random.IntN(5) {
		case 0:
			delete(typed, name)
		case 1:
			typed[name+"x"] = typed[name]
			delete(typed, name)
		default:
			typed[name] = m.spoil(typed[name])
		}
		return typed
	case []any:
		if len(typed) == 0 || m.chance(30) {
			return m.value()
		}
		i := m.random.IntN(len(typed))
		typed[i] = m.spoil(typed[i])
		return typed
	}
	return m.value()
}

// file is a form with a findings file.
func (m *maker) file(by *person) (kind string, body []byte) {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	field, name := "file", "f.ocsf.json"
	if m.odd(40) {
		field, name = choose(m, []string{"file", "other", ""}), choose(m, []string{"f.json", "../x", "\x00", strings.Repeat("x", 400)})
	}
	part, _ := writer.CreateFormFile(field, name)
	if m.odd(25) {
		_, _ = part.Write([]byte(m.junk()))
	} else {
		_ = (ocsftest.File{Account: m.pick(by, m.values["providers.uid"]), Findings: m.random.IntN(3)}).Write(part)
	}
	_ = writer.Close()
	if m.odd(10) {
		return choose(m, []string{"", "multipart/form-data", jsonapi.MediaType}), form.Bytes()
	}
	if m.odd(10) {
		return writer.FormDataContentType(), form.Bytes()[:form.Len()/2]
	}
	return writer.FormDataContentType(), form.Bytes()
}
