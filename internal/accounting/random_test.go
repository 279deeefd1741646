package accounting

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
)

var (
	requestCount = flag.Int("requests", 1500, "how many random requests are sent; see make fuzz")
	requestSeed  = flag.Uint64("seed", 1, "seed of the random requests; 0: another one every time")
	reportFile   = flag.String("report", "", "file for the table of random requests and their answers")
)

// worldLife is after how many requests the world, of which some have taken pieces away, is made anew.
const worldLife = 1500

// TestRandomRequests sends requests made at random from the OpenAPI document, good ones, odd ones and nonsense, as people who
// may do and see different things. No answer may be a failure, malformed, or hold anything of a tenant or a provider that the
// person must not learn of; a refused change changes nothing; in the end the tables are in order.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	seed := *requestSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	tally := tally{}
	for epoch, left := uint64(0), *requestCount; left > 0; epoch++ {
		ok := t.Run(fmt.Sprintf("seed=%d", seed+epoch), func(t *testing.T) {
			r := newRun(t, seed+epoch, tally)
			for range min(left, worldLife) {
				left--
				r.step()
			}
			r.settle()
			r.checkTables()
		})
		if !ok {
			t.Logf("again with: go test ./internal/accounting -run TestRandomRequests -seed=%d -requests=%d", seed+epoch, worldLife)
			break
		}
	}
	tally.print(t)
}

// person is one of those who send requests.
type person struct {
	name   string
	client *apitest.Client
	header string // Authorization
	keyed  bool   // comes with an API key
}

func (p *person) tenant() string { return p.client.Tenant }

// owner is a tenant whose row holds a text, and the provider that the row is about.
type owner struct{ table, tenant, provider string }

// run is a world and what is known of it.
type run struct {
	t      *testing.T
	w      *world
	random *rand.Rand
	maker  *maker
	people []*person
	tables []table
	tally  tally
	sent   int
	hashes map[string]string          // passwords as they were, by user
	owners map[string]map[owner]bool  // of every text in a row, ids too
	homes  map[string]map[string]bool // tenants of which somebody is or was a member, by user
	sight  map[string]sight           // what people see, until the next change
	open   []observation              // texts that belonged to nobody when they were seen
	ground string                     // digest of who may do what
}

type observation struct {
	text, what string
	by         *person
	saw        sight
}

// sight is which providers somebody sees.
type sight struct {
	all       bool
	providers map[string]bool
}

func newRun(t *testing.T, seed uint64, counted tally) *run {
	t.Helper()
	w := raiseWorld(t)
	r := &run{t: t, w: w, random: rand.New(rand.NewPCG(seed, 0)), tally: counted, tables: tables(t, w.pool), hashes: map[string]string{},
		owners: map[string]map[owner]bool{}, homes: map[string]map[string]bool{}}
	r.furnish()
	r.maker = newMaker(t, r.random)
	r.learn()
	r.ground = r.footing()
	return r
}

// furnish adds people and names of both tenants to the world.
func (r *run) furnish() {
	w, t := r.w, r.t
	for client, word := range map[*apitest.Client]string{w.ada: "mark_of_4", w.bob: "mark_of_5"} {
		client.Patch(t, "/tenants/"+client.Tenant, "tenants", client.Tenant, map[string]any{"name": word + " organisation"}, nil).Want(t, 200)
		client.Patch(t, "/users/"+client.User, "users", client.User, map[string]any{"name": word + " owner", "company_name": word + " company"}, nil).Want(t, 200)
		client.Role(t, word+" role", map[string]any{"manage_scans": true})
		client.Invite(t, "invited-by-"+word+"@example.com", client.Role(t, word+" guests", nil)).Want(t, 201)
	}
	// All permissions and sight of nothing.
	blind := w.ada.Role(t, "Blind", map[string]any{"manage_users": true, "manage_account": true, "manage_integrations": true, "manage_scans": true})
	w.exec(t, `update roles set manage_providers = true where id = $1`, blind)
	eve := w.join(t, "Eve", blind)
	add := func(name string, client *apitest.Client) *person {
		one := &person{name: name, client: client}
		if client.User != "" {
			one.header = "Bearer " + w.token(t, client)
		}
		r.people = append(r.people, one)
		return one
	}
	add("owner", w.ada)
	add("limited", w.dan)
	add("without a role", w.carol)
	add("blind", eve)
	add("other owner", w.bob)
	add("anonymous", w.server.Anonymous())
	if key := r.key(w.dan); key != "" {
		one := add("limited, by key", w.dan)
		one.header, one.keyed = "Api-Key "+key, true
	}
	rows, err := w.pool.Query(t.Context(), `select id::text, password from users`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, hash string
		if err := rows.Scan(&id, &hash); err != nil {
			t.Fatal(err)
		}
		r.hashes[id] = hash
	}
}

// key makes an API key of a person; empty while there are none.
func (r *run) key(client *apitest.Client) string {
	for _, operation := range everyOperation(r.t) {
		if operation.ID == "api_keys.create" && !api.Pending(operation) {
			return client.Post(r.t, "/api-keys", "api-keys", map[string]any{"name": "Key of " + client.Email}, nil).Want(r.t, 201).String("/data/attributes/api_key")
		}
	}
	return ""
}

// step sends one request and judges the answer.
func (r *run) step() {
	if r.sent%100 == 99 {
		r.learn()
		r.settle()
	}
	r.sent++
	by := choose(r.maker, r.people)
	if (by.header == "" || by.name == "without a role") && r.maker.chance(60) {
		by = choose(r.maker, r.people) // most of what these two get is the same refusal
	}
	one := r.maker.request(by)
	saw := r.seen(by)
	status, header, body := r.send(by, one)
	r.tally.count(string(one.operation.ID), status, api.Pending(one.operation))
	what := fmt.Sprintf("request %d, %s: %s", r.sent, by.name, one)
	if fault := malformed(one, status, header, body); fault != "" {
		r.t.Errorf("%s: %s\nanswer %d %q: %.600s", what, fault, status, header.Get("Content-Type"), body)
	}
	r.look(by, one, saw, what, status, body)
	if refresh := refreshTokens.FindSubmatch(body); refresh != nil && status < 300 {
		r.maker.refresh = append(r.maker.refresh, string(refresh[1]))
	}
	if one.method != http.MethodGet && one.method != http.MethodHead && one.method != http.MethodOptions {
		now := r.footing()
		if status >= 400 && now != r.ground {
			r.t.Errorf("%s\nwas refused with %d %.300s and changed %s", what, status, body, changed(r.ground, now))
		}
		if now != r.ground {
			r.sight = nil
		}
		r.ground = now
	}
	if status == http.StatusUnauthorized && by.header != "" && one.header == by.header {
		r.revive(by)
		r.ground = r.footing()
	}
}

func (r *run) send(by *person, one *request) (int, http.Header, []byte) {
	sent, err := http.NewRequestWithContext(r.t.Context(), one.method, strings.TrimSuffix(r.w.server.URL, rest.BasePath), bytes.NewReader(one.body))
	if err != nil {
		r.t.Fatal(err)
	}
	sent.URL = one.address(sent.URL)
	for name, value := range map[string]string{"Content-Type": one.kind, "Accept": one.accept, "Authorization": one.header} {
		if value != "" {
			sent.Header.Set(name, value)
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(sent)
	if err != nil {
		r.t.Fatalf("%s: %s: %v", by.name, one, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatalf("%s: %s: %v", by.name, one, err)
	}
	return answer.StatusCode, answer.Header, body
}

// revive logs somebody in again whose password or membership has changed; whoever is gone sends no more requests.
func (r *run) revive(by *person) {
	var email string
	err := r.w.pool.QueryRow(r.t.Context(), `
		update users u set password = $3 from memberships m where u.id = $1 and m.user_id = u.id and m.tenant_id = $2 returning u.email`,
		by.client.User, by.tenant(), r.hashes[by.client.User]).Scan(&email)
	if err != nil || by.keyed || len(r.people) < 4 {
		r.people = slices.DeleteFunc(r.people, func(one *person) bool { return one == by })
		return
	}
	by.client.Email = email
	by.header = "Bearer " + r.w.token(r.t, by.client)
}

// learn reads which tenant and provider every text in the tables belongs to. What was known stays known: rows that are gone
// were somebody's too.
func (r *run) learn() {
	values := map[string][]held{}
	users := map[string][]string{}
	r.rows("memberships", func(row map[string]any) {
		user, tenant := fmt.Sprint(row["user_id"]), fmt.Sprint(row["tenant_id"])
		users[user] = append(users[user], tenant)
		if r.homes[user] == nil {
			r.homes[user] = map[string]bool{}
		}
		r.homes[user][tenant] = true
	})
	r.maker.invited = nil
	r.rows("invitations", func(row map[string]any) {
		r.maker.invited = append(r.maker.invited, [2]string{text(row["email"]), text(row["token"])})
	})
	for _, of := range r.tables {
		r.rows(of.name, func(row map[string]any) {
			tenants, provider := []string{""}, ""
			switch {
			case of.has("tenant_id"):
				tenants = []string{fmt.Sprint(row["tenant_id"])}
			case of.name == "tenants":
				tenants = []string{fmt.Sprint(row["id"])}
			case of.name == "users" || of.has("user_id"):
				tenants = users[cmp.Or(text(row["user_id"]), text(row["id"]))]
			}
			if column := of.provider(); column != "" && row[column] != nil {
				provider = fmt.Sprint(row[column])
			}
			for _, tenant := range tenants {
				texts(row, func(found string) { r.belongs(found, owner{of.name, tenant, provider}) })
			}
			for column, value := range row {
				if one := text(value); one != "" && len(one) < 300 {
					values[of.name+"."+column] = append(values[of.name+"."+column], held{one, tenants})
				}
			}
		})
	}
	r.maker.take(values)
}

func (r *run) belongs(found string, to owner) {
	if r.owners[found] == nil {
		r.owners[found] = map[owner]bool{}
	}
	r.owners[found][to] = true
}

func (r *run) rows(name string, each func(map[string]any)) {
	rows, err := r.w.pool.Query(r.t.Context(), `select to_jsonb(x) from `+name+` x`)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var row map[string]any
		if err := rows.Scan(&row); err != nil {
			r.t.Fatal(err)
		}
		each(row)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
}

func text(value any) string {
	one, _ := value.(string)
	return one
}

// texts calls fn with every text in a JSON value.
func texts(value any, fn func(string)) {
	switch typed := value.(type) {
	case string:
		fn(typed)
	case []any:
		for _, one := range typed {
			texts(one, fn)
		}
	case map[string]any:
		for _, one := range typed {
			texts(one, fn)
		}
	}
}

// seen is which providers a person sees now.
func (r *run) seen(by *person) sight {
	if known, ok := r.sight[by.name]; ok {
		return known
	}
	now := sight{providers: map[string]bool{}}
	if by.client.User != "" {
		rows, err := r.w.pool.Query(r.t.Context(), `
			select ro.unlimited_visibility, coalesce(gp.provider_id::text, '') from role_users ru
			join roles ro on ro.tenant_id = ru.tenant_id and ro.id = ru.role_id
			left join role_provider_groups rg on rg.tenant_id = ru.tenant_id and rg.role_id = ru.role_id
			left join provider_group_providers gp on gp.tenant_id = rg.tenant_id and gp.provider_group_id = rg.provider_group_id
			where ru.tenant_id = $1 and ru.user_id = $2`, by.tenant(), by.client.User)
		if err != nil {
			r.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var all bool
			var provider string
			if err := rows.Scan(&all, &provider); err != nil {
				r.t.Fatal(err)
			}
			now.all = now.all || all
			now.providers[provider] = true
		}
	}
	if r.sight == nil {
		r.sight = map[string]sight{}
	}
	r.sight[by.name] = now
	return now
}

// look searches an answer for what the person must not learn of.
func (r *run) look(by *person, one *request, saw sight, what string, status int, body []byte) {
	found := map[string]bool{}
	var document any
	if json.Unmarshal(body, &document) == nil {
		texts(document, func(one string) {
			if len(one) >= 8 && telling.MatchString(one) {
				found[one] = true
			}
		})
	}
	for _, id := range uuids.FindAllString(strings.ToLower(string(body)), -1) {
		found[id] = true
	}
	made := ""
	if status == http.StatusCreated {
		made = text(at(document, "data", "id")) // also where the person does not see what they make
	}
	for text := range found {
		if one.holds(text) || text == made {
			continue
		}
		seen := observation{text, what, by, saw}
		switch owners := r.owners[text]; {
		case len(owners) == 0:
			r.open = append(r.open, seen)
		case !r.mayLearn(seen):
			// What is known may be old: the person may have come in since.
			r.learn()
			r.sight = nil
			if seen.saw = r.seen(by); !r.mayLearn(seen) {
				r.t.Errorf("%s\ntells of %q, which is of %v: %.2000s", what, text, slices.Collect(maps.Keys(owners)), body)
			}
		}
	}
}

var refreshTokens = regexp.MustCompile(`"refresh":"([^"]+)"`)

// telling are the texts that were made for one tenant, all of which have a digit or are addresses. The others every tenant has:
// states, kinds, sentences of the program.
var telling = regexp.MustCompile(`[0-9@]`)

// at is the member of a JSON value that names lead to.
func at(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// settle judges what belonged to nobody when it was seen.
func (r *run) settle() {
	for _, one := range r.open {
		if len(r.owners[one.text]) > 0 && !r.mayLearn(one) {
			r.t.Errorf("%s\ntold of %q, which is of %v", one.what, one.text, slices.Collect(maps.Keys(r.owners[one.text])))
		}
	}
	r.open = nil
}

// mayLearn reports whether a text belongs to anybody of whom the person may learn.
func (r *run) mayLearn(seen observation) bool {
	for of := range r.owners[seen.text] {
		switch {
		case of.tenant == "":
			return true
		case of.tenant == seen.by.tenant():
			if of.provider == "" || seen.saw.all || seen.saw.providers[of.provider] {
				return true
			}
		case (of.table == "tenants" || of.table == "memberships" || of.table == "users") && r.homes[seen.by.client.User][of.tenant]:
			return true
		}
	}
	return false
}

// grounds are the tables that say who is who and who may do what. Nothing but a request changes them.
var grounds = []string{"tenants", "users", "memberships", "roles", "role_users", "role_provider_groups", "provider_groups", "provider_group_providers",
	"invitations", "invitation_roles", "providers", "provider_secrets", "api_keys", "saml_configurations", "social_accounts"}

// footing is a digest of the grounds, without what moves by itself: moments of use, and providers and tenants that are being
// deleted.
func (r *run) footing() string {
	var parts []string
	for _, of := range r.tables {
		if !slices.Contains(grounds, of.name) {
			continue
		}
		condition := "true"
		if column := of.provider(); column != "" {
			condition = fmt.Sprintf(`exists (select from providers p where p.id = x.%s and p.deleted_at is null)`, column)
		}
		switch {
		case of.has("tenant_id"):
			condition += ` and exists (select from tenants o where o.id = x.tenant_id and o.deleted_at is null)`
		case of.name == "tenants":
			condition = `deleted_at is null`
		}
		parts = append(parts, fmt.Sprintf(`select '%s ' || count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(x) - array['updated_at', 'last_login',
			'last_used_at', 'connected', 'connection_last_checked_at', 'state'])::text, '' order by x::text)), '') as digest from %[1]s x where %s`, of.name, condition))
	}
	var digest string
	if err := r.w.pool.QueryRow(r.t.Context(), `select string_agg(digest, E'\n' order by digest) from (`+strings.Join(parts, " union all ")+`) y`).Scan(&digest); err != nil {
		r.t.Fatal(err)
	}
	return digest
}

// checkTables looks whether what always holds of the tables still does.
func (r *run) checkTables() {
	faults, err := migrate.WallFaults(r.t.Context(), r.w.server.DB.URL(pgtest.App))
	if err != nil || len(faults) > 0 {
		r.t.Errorf("the wall: %v, %v", faults, err)
	}
	for name, query := range map[string]string{
		"organisations with members and nobody who manages the account": `select id from tenants t where exists (select from memberships m where m.tenant_id = t.id)
			and not exists (select from role_users ru join roles ro on ro.tenant_id = ru.tenant_id and ro.id = ru.role_id where ru.tenant_id = t.id and ro.manage_account)`,
		"roles of people who are no members": `select user_id from role_users ru
			where not exists (select from memberships m where m.tenant_id = ru.tenant_id and m.user_id = ru.user_id)`,
		"addresses that are not in their normal form": `select id from users where email <> lower(email) or email <> btrim(email)`,
		"scans whose figures are not those of their findings": `select s.id from scans s where s.state = 'completed' and
			(select coalesce(sum(total), 0) from scan_summaries x where x.scan_id = s.id) <>
			(select count(*) from findings f where f.scan_id = s.id)`,
	} {
		var found []string
		if err := r.w.pool.QueryRow(r.t.Context(), `select coalesce(array_agg(id::text), '{}') from (`+query+`) x(id)`).Scan(&found); err != nil {
			r.t.Fatalf("%s: %v", name, err)
		}
		if len(found) > 0 {
			r.t.Errorf("%s: %v", name, found)
		}
	}
}

// malformed says what is wrong with the form of an answer; empty when it is as JSON:API has it.
func malformed(one *request, status int, header http.Header, body []byte) string {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	switch {
	case status == http.StatusNotImplemented && api.Pending(one.operation):
	case status >= 500 && asksOutside(one.operation):
	case status >= 500:
		return "a failure"
	case status == http.StatusNoContent || one.method == http.MethodHead:
		if len(body) > 0 {
			return "a body where there is none"
		}
		return ""
	case status == http.StatusNotFound && kind == "text/html":
		return ""
	case kind == "text/csv" && status == http.StatusOK:
		reader := csv.NewReader(bytes.NewReader(body))
		if one.operation.ID == "scans.compliance" {
			reader.Comma = ';'
		}
		if _, err := reader.ReadAll(); err != nil {
			return "no table: " + err.Error()
		}
		return ""
	case kind == "application/x-ndjson" && status == http.StatusOK:
		for line := range bytes.Lines(body) {
			var row resourceObject
			if err := json.Unmarshal(line, &row); err != nil || row.Type == nil {
				return "a line that is no resource"
			}
		}
		return ""
	}
	if kind != "application/vnd.api+json" {
		return "no JSON:API document"
	}
	var document struct {
		Data     json.RawMessage            `json:"data"`
		Errors   json.RawMessage            `json:"errors"`
		Included []resourceObject           `json:"included"`
		Meta     map[string]json.RawMessage `json:"meta"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return "no JSON: " + err.Error()
	}
	if (document.Data == nil) == (document.Errors == nil) {
		return "not one of data and errors"
	}
	if document.Errors != nil {
		return malformedErrors(status, document.Errors)
	}
	if status >= 400 {
		return "data in a refusal"
	}
	return malformedData(document.Data, document.Included)
}

type resourceObject struct {
	Type *string `json:"type"`
	ID   *string `json:"id"`
}

func malformedErrors(status int, raw json.RawMessage) string {
	if status < 400 {
		return "errors in a good answer"
	}
	var objects []struct{ Detail, Status, Code string }
	if json.Unmarshal(raw, &objects) != nil {
		var one struct{ Detail string }
		if json.Unmarshal(raw, &one) != nil || one.Detail == "" {
			return "errors of no known form"
		}
		return ""
	}
	for _, one := range objects {
		if one.Detail == "" || one.Code == "" || one.Status != fmt.Sprint(status) {
			return "an error object without its members"
		}
	}
	if len(objects) == 0 {
		return "no error in errors"
	}
	return ""
}

func malformedData(raw json.RawMessage, included []resourceObject) string {
	var primary []resourceObject
	if raw[0] != '[' {
		var one resourceObject
		if err := json.Unmarshal(raw, &one); err != nil {
			return "data: " + err.Error()
		}
		primary = append(primary, one)
	} else if err := json.Unmarshal(raw, &primary); err != nil {
		return "data: " + err.Error()
	}
	seen := map[[2]string]bool{}
	for _, one := range append(primary, included...) {
		if one.Type == nil || *one.Type == "" {
			return "a resource without a type"
		}
		if one.ID == nil {
			continue // tokens and sums have none
		}
		if key := [2]string{*one.Type, *one.ID}; seen[key] {
			return fmt.Sprintf("%v twice", key)
		}
		seen[[2]string{*one.Type, *one.ID}] = true
	}
	return ""
}

// tally counts answers by operation and class of status.
type tally map[string]map[string]int

func (c tally) count(operation string, status int, pending bool) {
	if c[operation] == nil {
		c[operation] = map[string]int{}
	}
	class := fmt.Sprintf("%dxx", status/100)
	if status == http.StatusNotImplemented && pending {
		class = "501"
	}
	c[operation][class]++
}

func (c tally) print(t *testing.T) {
	t.Helper()
	var out strings.Builder
	classes := []string{"2xx", "3xx", "4xx", "501", "5xx"}
	fmt.Fprintf(&out, "%-52s%8s%8s%8s%8s%8s\n", "operation", "2xx", "3xx", "4xx", "501", "5xx")
	sums := map[string]int{}
	line := func(name string, counts map[string]int) {
		fmt.Fprintf(&out, "%-52s", name)
		for _, class := range classes {
			fmt.Fprintf(&out, "%8d", counts[class])
		}
		out.WriteByte('\n')
	}
	var undone []string
	for _, operation := range slices.Sorted(maps.Keys(c)) {
		line(operation, c[operation])
		for _, class := range classes {
			sums[class] += c[operation][class]
		}
		if c[operation]["2xx"]+c[operation]["501"] == 0 {
			undone = append(undone, operation)
		}
	}
	line("all", sums)
	fmt.Fprintf(&out, "never done: %v\n", undone)
	if *reportFile != "" {
		if err := os.WriteFile(*reportFile, []byte(out.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Log("\n" + out.String())
}

// address puts the path and the query of a request, as they are, behind a server's address.
func (q *request) address(server *url.URL) *url.URL {
	to := *server
	to.Opaque = rest.BasePath + q.path
	to.RawQuery = q.query
	return &to
}
