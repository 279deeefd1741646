package auditevents_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/policy"
)

// office is a server with an organisation of several people, and a superuser's view of its log.
type office struct {
	*apitest.Server
	pool  *pgxpool.Pool
	ada   *apitest.Client // owner
	carol *apitest.Client // has a role that grants nothing
	bob   *apitest.Client // of another organisation
}

func newOffice(t testing.TB, settings app.Settings) *office {
	t.Helper()
	o := &office{Server: apitest.StartWith(t, apitest.Setup{Settings: settings})}
	o.pool = o.DB.Pool(t, pgtest.Superuser)
	o.ada, o.bob = o.SignUp(t, "Ada"), o.SignUp(t, "Bob")
	o.carol = o.ada.Member(t, "Carol", o.ada.Role(t, "Nothing", nil))
	return o
}

// event is what the tests look at of a stored event.
type event struct {
	Kind, Operation, Rule, Reason, Credential, Request, Target, Client, Revision string
	Tenant, User                                                                 uuid.UUID
	Allowed, Write                                                               bool
	Status                                                                       int
}

func (o *office) events(t testing.TB, where string, args ...any) []event {
	t.Helper()
	rows, err := o.pool.Query(t.Context(), `select kind, operation, rule, reason, credential, request_id, coalesce(target_id, ''), client_address,
		policy_revision, tenant_id, user_id, allowed, write, coalesce(status, 0) from audit_events where `+where+` order by tenant_id, seq`, args...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func requestID(answer *apitest.Answer) string { return answer.Header.Get("Correlation-ID") }

// await waits until the log has what nobody waited for.
func (o *office) await(t testing.TB, count int, where string, args ...any) []event {
	t.Helper()
	for range 500 {
		if found := o.events(t, where, args...); len(found) >= count {
			return found
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no %d events where %s %v", count, where, args)
	return nil
}

func (o *office) verify(t testing.TB) {
	t.Helper()
	logs := 0
	err := o.App.VerifyAudit(t.Context(), uuid.Nil, nil, func(chain audit.Chain) error {
		logs++
		if chain.Break != nil {
			t.Errorf("%+v %+v", chain, *chain.Break)
		}
		return nil
	})
	if err != nil || logs == 0 {
		t.Error(logs, err)
	}
}

// TestEveryDenialAndEveryWriteIsRecordedOnce asks for every operation that there is, as people who may and people who may not.
func TestEveryDenialAndEveryWriteIsRecordedOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	known, err := authz.Load(t.Context(), authz.Folders{Base: policy.FS})
	if err != nil {
		t.Fatal(err)
	}
	denials, writes, reads := 0, 0, 0
	for _, one := range o.App.Server.Operations() {
		if one.Anonymous {
			continue
		}
		info := known.Operations()[one.ID]
		for _, client := range []*apitest.Client{o.ada, o.carol} {
			target := uuid.NewString()
			path := one.Path
			named := ""
			for strings.Contains(path, "{") {
				from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
				path, named = path[:from]+target+path[to+1:], target
			}
			answer := client.Do(t, one.Method, path, "", nil)
			if answer.Status >= 500 && answer.Status != http.StatusNotImplemented {
				t.Errorf("%s: %d %s", one.ID, answer.Status, answer.Raw)
			}
			found := o.events(t, `request_id = $1 and kind = 'decision'`, requestID(answer))
			denied := len(found) == 1 && !found[0].Allowed
			if one.Method == http.MethodGet && !denied {
				if reads++; len(found) != 0 {
					t.Errorf("%s: an allowed read is recorded", one.ID)
				}
				if info.Permission != "authenticated" && info.Permission != "member" && client == o.carol {
					t.Errorf("%s: Carol has no permission and no denial is recorded: %d", one.ID, answer.Status)
				}
				continue
			}
			want := event{Kind: "decision", Operation: string(one.ID), Rule: info.Rule, Reason: "allowed", Credential: "token",
				Request: requestID(answer), Target: named, Client: "127.0.0.1", Revision: known.Revision(), Tenant: uuid.MustParse(o.ada.Tenant),
				User: uuid.MustParse(client.User), Allowed: true, Write: one.Method != http.MethodGet}
			if denied {
				want.Allowed, want.Reason, want.Status = false, "denied", http.StatusForbidden
				if denials++; answer.Status != http.StatusForbidden {
					t.Errorf("%s: a denial is recorded and the answer is %d", one.ID, answer.Status)
				}
			} else {
				writes++
			}
			if len(found) != 1 || found[0] != want {
				t.Errorf("%s: %+v, want %+v", one.ID, found, want)
			}
		}
	}
	t.Logf("%d denials, %d writes, %d reads", denials, writes, reads)
	if denials < 50 || writes < 60 || reads < 60 {
		t.Error("too few of a kind: the walk proves nothing")
	}
	for _, outcome := range o.await(t, writes, `kind = 'outcome'`) {
		if outcome.Status == 0 || !outcome.Allowed || !outcome.Write {
			t.Errorf("%+v", outcome)
		}
	}
	o.verify(t)
}

// Nothing is recorded of those whom nobody knows, and nothing of a body, a query or a header that could be secret.
func TestWhatIsNotInTheLog(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{AuditReadSample: 1})
	before := len(o.events(t, `true`))
	o.Anonymous().Post(t, "/tokens", "tokens", map[string]any{"email": o.ada.Email, "password": "m4rk3r-wrong"}, nil).Want(t, 400)
	o.Anonymous().Get(t, "/users/me").Want(t, 401)
	o.Anonymous().Delete(t, "/providers/"+uuid.NewString()).Want(t, 401)
	if after := len(o.events(t, `true`)); after != before {
		t.Errorf("%d events of nobody", after-before)
	}
	provider := o.ada.Connect(t, "123456789012", "m4rk3r-alias")
	o.ada.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"name": "m4rk3r-name", "secret_type": "static",
		"secret": map[string]any{"aws_access_key_id": "m4rk3r-id", "aws_secret_access_key": "m4rk3r-secret"}},
		map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	o.ada.Get(t, "/providers?filter[search]=m4rk3r-query").Want(t, 200)
	_, key := o.ada.Key(t, "m4rk3r-key")
	o.WithKey(key).Get(t, "/providers").Want(t, 200)
	o.carol.Post(t, "/roles?x=m4rk3r", "roles", map[string]any{"name": "m4rk3r"}, nil).Want(t, 403)
	o.await(t, 2, `operation = 'providers.list'`)
	_, secret, _ := strings.Cut(key, ".")
	var text string
	if err := o.pool.QueryRow(t.Context(), `select string_agg(a::text, E'\n') from audit_events a`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	for _, marker := range []string{"m4rk3r", secret, apitest.Password, "@example.com"} {
		if strings.Contains(text, marker) {
			t.Errorf("the log holds %q", marker)
		}
	}
}

func TestWhoSeesTheLog(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	provider := o.ada.Connect(t, "123456789012", "Mine")
	changed := o.ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"alias": "Renamed"}, nil).Want(t, 200)
	byRequest := "/audit-events?filter[kind]=decision&filter[request_id]=" + requestID(changed)
	seen := o.ada.Get(t, byRequest).Want(t, 200)
	if seen.Len("/data") != 1 || seen.String("/data/0/attributes/target_id") != provider || seen.String("/data/0/attributes/operation") != "providers.update" ||
		seen.String("/data/0/attributes/rule") != "provider-changes" || seen.String("/data/0/relationships/user/data/id") != o.ada.User {
		t.Fatalf("%s", seen.Raw)
	}
	id := seen.String("/data/0/id")
	if one := o.ada.Get(t, "/audit-events/"+id).Want(t, 200); fmt.Sprint(one.At("/data")) != fmt.Sprint(seen.At("/data/0")) {
		t.Errorf("alone %s, in the list %s", one.Raw, seen.Raw)
	}

	o.carol.Get(t, "/audit-events").Want(t, 403)
	o.carol.Get(t, "/audit-events/"+id).Want(t, 403)
	if _, err := o.pool.Exec(t.Context(), `delete from role_users where user_id = $1`, o.carol.User); err != nil {
		t.Fatal(err)
	}
	o.carol.Get(t, "/audit-events").Want(t, 403)
	o.Anonymous().Get(t, "/audit-events").Want(t, 401)

	o.bob.Get(t, "/audit-events/"+id).Want(t, 404)
	if theirs := o.bob.Get(t, byRequest).Want(t, 200); theirs.Len("/data") != 0 {
		t.Errorf("another tenant sees %s", theirs.Raw)
	}
	if theirs := o.bob.Get(t, "/audit-events?page[size]=1000").Want(t, 200); strings.Contains(string(theirs.Raw), o.ada.User) || strings.Contains(string(theirs.Raw), provider) {
		t.Errorf("another tenant sees %s", theirs.Raw)
	}

	// Who manages the account without seeing every provider reads what happened, not to what.
	limited := o.ada.Member(t, "Dan", o.ada.Role(t, "Limited", map[string]any{"manage_account": true, "unlimited_visibility": false}))
	for _, answer := range []*apitest.Answer{limited.Get(t, "/audit-events/"+id).Want(t, 200), limited.Get(t, "/audit-events?page[size]=1000").Want(t, 200)} {
		if strings.Contains(string(answer.Raw), provider) || !strings.Contains(string(answer.Raw), id) {
			t.Errorf("%s", answer.Raw)
		}
	}
	for path, status := range map[string]int{"/audit-events/" + uuid.NewString(): 404, "/audit-events/x": 404, "/audit-events/" + id + "?filter[outcome]=denied": 404} {
		o.ada.Get(t, path).Want(t, status)
	}
	for _, method := range []string{"POST", "PATCH", "PUT", "DELETE"} {
		o.ada.Do(t, method, "/audit-events/"+id, jsonapi.MediaType, []byte(`{}`)).Want(t, 405)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	keyID, key := o.ada.Key(t, "Robot")
	o.WithKey(key).Connect(t, "123456789012", "By key")
	denied := o.carol.Get(t, "/roles").Want(t, 403)
	o.await(t, 1, `kind = 'outcome' and api_key_id = $1`, keyID)
	var total, decisions, outcomes, first int
	var revision, decision string
	if err := o.pool.QueryRow(t.Context(), `select count(*), count(*) filter (where kind = 'decision'), count(*) filter (where kind = 'outcome'), min(seq),
		max(policy_revision), (max(decision_id::text) filter (where api_key_id = $2)) from audit_events where tenant_id = $1`, o.ada.Tenant, keyID).
		Scan(&total, &decisions, &outcomes, &first, &revision, &decision); err != nil {
		t.Fatal(err)
	}
	prefix, _, _ := strings.Cut(key, ".")
	today := time.Now().UTC()
	for query, want := range map[string]int{
		"": total,
		"filter[inserted_at.gte]=" + today.Add(-24*time.Hour).Format("2006-01-02"):                total,
		"filter[inserted_at__gt]=" + url.QueryEscape(today.Add(time.Hour).Format(time.RFC3339)):   0,
		"filter[inserted_at__lte]=" + url.QueryEscape(today.Add(-time.Hour).Format(time.RFC3339)): 0,
		"filter[inserted_at]=2001-01-01":     0,
		"filter[kind]=outcome":               outcomes,
		"filter[kind]=decision":              decisions,
		"filter[operation]=providers.create": 2,
		"filter[operation__in]=providers.create,roles.list&filter[kind]=decision": 2,
		"filter[operation.icontains]=ROLES.L":                                     1,
		"filter[outcome]=denied":                                                  1,
		"filter[outcome]=allowed":                                                 total - 1,
		"filter[write]=false":                                                     1,
		"filter[reason]=denied":                                                   1,
		"filter[reason.in]=denied,no_role":                                        1,
		"filter[rule]=provider-changes":                                           2,
		"filter[policy_revision]=" + revision:                                     total,
		"filter[policy_revision]=x":                                               0,
		"filter[status]=403":                                                      1,
		"filter[status]=9223372036854775807":                                      0,
		"filter[sequence.lte]=9223372036854775807":                                total,
		"filter[status.gte]=400":                                                  1,
		"filter[user]=" + o.carol.User:                                            1,
		"filter[user.in]=" + o.carol.User + "," + o.ada.User:                      total,
		"filter[credential]=api_key":                                              2,
		"filter[api_key]=" + keyID:                                                2,
		"filter[api_key_prefix]=" + prefix:                                        2,
		"filter[request_id]=" + requestID(denied):                                 1,
		"filter[client_address]=127.0.0.1":                                        total,
		"filter[decision]=" + decision:                                            1,
		"filter[sequence.lte]=" + fmt.Sprint(first):                               1,
		"filter[sequence]=" + fmt.Sprint(total+1):                                 0,
		"filter[operation]=providers.create&filter[credential]=token":             0,
		"filter[operation]=" + url.QueryEscape("' or true --"):                    0,
		"filter[search]=anything":                                                 total,
		"sort=sequence":                                                           total,
		"fields[audit-events]=operation":                                          total,
	} {
		if answer := o.ada.Get(t, "/audit-events?page[size]=1000&"+query).Want(t, 200); answer.Len("/data") != want {
			t.Errorf("%s: %d events, want %d", query, answer.Len("/data"), want)
		}
	}
	for _, query := range []string{"filter[kind]=x", "filter[user]=x", "filter[api_key]=x", "filter[inserted_at]=x", "filter[target_id]=x", "filter[outcome]=x",
		"filter[sequence]=x", "filter[operation]=", "filter[nonsense]=x", "sort=operation", "sort=inserted_at", "include=user", "x=y"} {
		if answer := o.ada.Get(t, "/audit-events?"+query).Want(t, 400); !strings.HasPrefix(string(answer.Raw), `{"errors":[`) {
			t.Errorf("%s: %s", query, answer.Raw)
		}
	}
}

// Pages follow one another in either direction while events are added, and none is shown twice or left out.
func TestPagesByCursor(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	for range 7 {
		o.carol.Get(t, "/roles").Want(t, 403)
	}
	path := func(answer *apitest.Answer, link string) string {
		_, below, _ := strings.Cut(answer.String("/links/"+link), rest.BasePath)
		return below
	}
	walk := func(query string) (seen []int) {
		next := "/audit-events?page[size]=2&filter[operation]=roles.list" + query
		for next != "" {
			answer := o.ada.Get(t, next).Want(t, 200)
			if n := answer.Len("/data"); n > 2 || n == 0 {
				t.Fatalf("a page of %d", n)
			}
			for i := range answer.Len("/data") {
				number, _ := answer.At(fmt.Sprintf("/data/%d/attributes/sequence", i)).(float64)
				seen = append(seen, int(number))
			}
			if next = path(answer, "next"); len(seen) < 7 {
				o.carol.Get(t, "/roles").Want(t, 403)
			}
			if path(answer, "first") == "" || answer.At("/meta/pagination") != nil {
				t.Fatalf("%s", answer.Raw)
			}
		}
		return seen
	}
	down := walk("")
	if len(down) != 7 || !slices.IsSortedFunc(down, func(a, b int) int { return b - a }) || len(slices.Compact(down)) != 7 {
		t.Errorf("downwards %v", down)
	}
	up := walk("&sort=sequence")
	if len(up) < 11 || !slices.IsSorted(up) || len(slices.Compact(slices.Clone(up))) != len(up) { // what is added lies ahead
		t.Errorf("upwards %v", up)
	}
	first := o.ada.Get(t, "/audit-events?page[size]=2").Want(t, 200)
	cursor := first.String("/links/next")
	parsed, err := url.Parse(cursor)
	if err != nil || parsed.Query().Get("page[size]") != "2" {
		t.Fatal(cursor, err)
	}
	after := parsed.Query().Get("page[after]")
	for _, bad := range []string{"x", "!", after + "A", after[1:], strings.ToUpper(after), after + "=", url.QueryEscape("' or true"), "MWQtMQ==", "MWF4", strings.Repeat("A", 5000)} {
		answer := o.ada.Get(t, "/audit-events?page[after]="+bad).Want(t, 400)
		if answer.String("/errors/0/source/parameter") != "page[after]" {
			t.Errorf("%q: %s", bad, answer.Raw)
		}
	}
	o.ada.Get(t, "/audit-events?sort=sequence&page[after]="+after).Want(t, 400)
	o.ada.Get(t, "/audit-events?page[after]="+after+"&page[after]="+after).Want(t, 400)
	o.ada.Get(t, "/audit-events?page[number]=1").Want(t, 400)
	o.ada.Get(t, "/audit-events?page[size]=100000").Want(t, 200)
	if last := o.ada.Get(t, "/audit-events?page[size]=1000").Want(t, 200); last.At("/links/next") != nil || last.Len("/data") < 10 {
		t.Errorf("%s", last.Raw)
	}
	if empty := o.ada.Get(t, "/audit-events?filter[rule]=none").Want(t, 200); empty.Len("/data") != 0 || empty.At("/links/next") != nil {
		t.Errorf("%s", empty.Raw)
	}
}

// What cannot be recorded is not done.
func TestWithoutTheLogNothingIsDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{AuditReadSample: 1})
	exec := func(sql string) {
		t.Helper()
		if _, err := o.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`revoke insert on audit_events from palisade_app`)
	refused := o.ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": "123456789012"}, nil).Want(t, 503)
	if refused.String("/errors/0/code") != "service_unavailable" {
		t.Errorf("%s", refused.Raw)
	}
	o.carol.Get(t, "/roles").Want(t, 503)
	if there := o.ada.Get(t, "/providers").Want(t, 200); there.Len("/data") != 0 {
		t.Errorf("something was done though its decision was not recorded: %s", there.Raw)
	}
	exec(`grant insert on audit_events to palisade_app`)
	o.ada.Connect(t, "123456789012", "Later")
	if found := o.events(t, `request_id = $1`, requestID(refused)); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	o.verify(t)
}

// A decision that rests on the roles held in another tenant than the token's is in the log of that tenant.
func TestADecisionIsInTheLogOfItsTenant(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	o.bob.Invite(t, o.ada.Email, o.bob.Role(t, "Guest", nil)).Want(t, 201)
	var token string
	if err := o.pool.QueryRow(t.Context(), `select token from invitations where email = $1`, o.ada.Email).Scan(&token); err != nil {
		t.Fatal(err)
	}
	o.ada.Post(t, "/invitations/accept", "invitations", map[string]any{"invitation_token": token}, nil).Want(t, 201)
	refused := o.ada.Patch(t, "/tenants/"+o.bob.Tenant, "tenants", o.bob.Tenant, map[string]any{"name": "Taken over"}, nil).Want(t, 403)
	found := o.events(t, `request_id = $1`, requestID(refused))
	if len(found) != 1 || found[0].Tenant != uuid.MustParse(o.bob.Tenant) || found[0].User != uuid.MustParse(o.ada.User) || found[0].Allowed {
		t.Errorf("%+v", found)
	}
}

// Eight clients of two tenants at once: every change is in the log, and the chains are whole.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	const clients, each = 8, 15
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			person := []*apitest.Client{o.ada, o.bob}[client%2]
			for i := range each {
				name := fmt.Sprintf("group-%d-%d", client, i)
				answer := person.Do(t, http.MethodPost, "/provider-groups", jsonapi.MediaType, apitest.Resource("provider-groups", "", map[string]any{"name": name}, nil))
				if answer.Status != 201 {
					t.Errorf("%d %s", answer.Status, answer.Raw)
				}
			}
		})
	}
	group.Wait()
	o.await(t, clients*each, `operation = 'provider_groups.create' and kind = 'outcome' and status = 201`)
	if n := len(o.events(t, `operation = 'provider_groups.create' and kind = 'decision'`)); n != clients*each {
		t.Errorf("%d decisions", n)
	}
	o.verify(t)
}

// Stopping the program writes what nobody waited for.
func TestStoppingWritesWhatWaits(t *testing.T) {
	t.Parallel()
	o := newOffice(t, app.Settings{})
	other := apitest.StartWith(t, apitest.Setup{DB: o.DB, Settings: app.Settings{KeyDir: o.KeyDir, AuditReadSample: 1}})
	ada := other.As(o.ada)
	for range 20 {
		ada.Get(t, "/users/me").Want(t, 200)
	}
	other.App.Close()
	if n := len(o.events(t, `operation = 'users.me'`)); n != 20 {
		t.Errorf("%d of 20 reads are in the log", n)
	}
	o.verify(t)
}

// BenchmarkWrites measures a small write through HTTP by eight clients, with the log and without.
func BenchmarkWrites(b *testing.B) {
	for name, without := range map[string]bool{"with": false, "without": true} {
		b.Run(name, func(b *testing.B) {
			o := &office{Server: apitest.StartWith(b, apitest.Setup{Settings: app.Settings{WithoutAudit: without}})}
			ada := o.SignUp(b, "Ada")
			body := apitest.Resource("users", ada.User, map[string]any{"name": "Ada Person"}, nil)
			b.SetParallelism(4) // on two cores eight clients
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if answer := ada.Do(b, http.MethodPatch, "/users/"+ada.User, jsonapi.MediaType, body); answer.Status != 200 {
						b.Errorf("%d %s", answer.Status, answer.Raw)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}

// BenchmarkPages measures pages of a log of 200 000 events.
func BenchmarkPages(b *testing.B) {
	o := newOffice(b, app.Settings{})
	if _, err := o.pool.Exec(context.WithoutCancel(b.Context()), `insert into audit_events (tenant_id, id, kind, operation, allowed, write, reason, rule,
		policy_revision, user_id, credential, request_id, client_address) select $1, gen_random_uuid(), 'decision', 'operation.' || n % 90, n % 50 > 0, true, 'allowed', 'r',
		'v', gen_random_uuid(), 'token', '', '' from generate_series(1, 200000) n`, o.ada.Tenant); err != nil {
		b.Fatal(err)
	}
	if _, err := o.pool.Exec(b.Context(), `analyze audit_events`); err != nil {
		b.Fatal(err)
	}
	for name, query := range map[string]string{"first": "", "deep": "&filter[sequence.lt]=100000", "operation": "&filter[operation]=operation.7",
		"denied": "&filter[outcome]=denied", "day": "&filter[inserted_at]=" + time.Now().UTC().Format("2006-01-02"), "rare": "&filter[user]=" + o.carol.User} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				o.ada.Get(b, "/audit-events?page[size]=100"+query).Want(b, 200)
			}
		})
	}
}
