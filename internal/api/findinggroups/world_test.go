package findinggroups_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/findinggroup"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const (
	account = "111111111111"
	other   = "222222222222"
)

func today() string { return time.Now().UTC().Format("2006-01-02") }

// file is a findings file in which checks find something about the same resource several times: in other regions, with another
// status or severity; some of it is manual, some muted.
func file(t *testing.T, uid string, findings, flip int) *bytes.Buffer {
	t.Helper()
	made := ocsftest.File{Account: uid, Findings: findings, Flip: flip}
	many := make([]map[string]any, findings)
	for i := range many {
		one := made.Finding(i)
		resource := one["resources"].([]any)[0].(map[string]any)
		if i%4 == 0 {
			resource["uid"] = fmt.Sprintf("arn:%s:shared-%d", uid, i%24)
		}
		if i%13 == 0 {
			one["status_code"] = "MANUAL"
		}
		if i%9 == 0 {
			one["status_id"] = 3
		}
		many[i] = one
	}
	encoded, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewBuffer(encoded)
}

// world is an organisation with two accounts, of which Dan sees the first; that one was scanned twice.
type world struct {
	server   *apitest.Server
	ada, dan *apitest.Client
	open     string
	older    string
	newer    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{server: apitest.Start(t)}
	w.ada = w.server.SignUp(t, "Ada")
	w.open = w.ada.Connect(t, account, "Main")
	w.ada.Connect(t, other, "Other")
	w.older = w.ada.IngestContent(t, file(t, account, 150, 0))
	w.newer = w.ada.IngestContent(t, file(t, account, 190, 4))
	w.ada.IngestContent(t, file(t, other, 120, 0))
	group := w.ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "team"},
		map[string]any{"providers": apitest.Many("providers", w.open)}).Want(t, 201).String("/data/id")
	w.dan = w.ada.Member(t, "Dan", w.ada.Role(t, "reader", nil, group))
	return w
}

// fact is a finding as it is stored, with its resource and provider as they are.
type fact struct {
	Check, Title, Delta, Service, Region, Type, Status, Severity, UID string
	Muted, Newest                                                     bool
	Scan, Provider, ProviderUID, Alias, Reason                        string
	Resource, ResourceUID, ResourceName, ResourceRegion, ResourceType string
	Categories                                                        []string
	FirstSeen, Inserted                                               time.Time
	ID                                                                string
}

// facts are the findings of an organisation in the order of their ids, read without any of the statements that are tested.
func (w *world) facts(t *testing.T) []fact {
	t.Helper()
	rows, err := w.server.DB.Pool(t, pgtest.Superuser).Query(t.Context(), `
		select f.check_id, c.content ->> 'checktitle', coalesce(f.delta, ''), f.service, f.region, f.resource_type, f.status, f.severity, f.uid, f.muted,
			not exists (select from scans o where o.provider_id = s.provider_id and o.state = 'completed' and o.completed_at > s.completed_at),
			s.id::text, p.provider, p.uid, p.alias, coalesce(f.muted_reason, ''), r.id::text, r.uid, r.name, r.region, r.type,
			array(select x.category from check_metadata_categories x where x.tenant_id = f.tenant_id and x.check_metadata_id = f.check_metadata_id),
			f.first_seen_at, f.inserted_at, f.id::text
		from findings f join scans s on s.id = f.scan_id join providers p on p.id = s.provider_id
		join resources r on r.id = f.resource_id
		join check_metadata c on c.tenant_id = f.tenant_id and c.id = f.check_metadata_id
		where f.tenant_id = $1 and s.state = 'completed' order by f.id`, w.ada.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
		return f, row.Scan(&f.Check, &f.Title, &f.Delta, &f.Service, &f.Region, &f.Type, &f.Status, &f.Severity, &f.UID, &f.Muted, &f.Newest, &f.Scan,
			&f.Provider, &f.ProviderUID, &f.Alias, &f.Reason, &f.Resource, &f.ResourceUID, &f.ResourceName, &f.ResourceRegion, &f.ResourceType,
			&f.Categories, &f.FirstSeen, &f.Inserted, &f.ID)
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d facts, %v", len(all), err)
	}
	return all
}

// groups counts what a list of groups must hold, by check. live: whether the first time counts all findings rather than new ones.
func groups(facts []fact, live bool) map[string]map[string]any {
	of := map[string]map[string]any{}
	seen := map[string]bool{}
	for _, f := range facts {
		g := of[f.Check]
		if g == nil {
			g = map[string]any{"check_id": f.Check, "check_title": f.Title, "severity": f.Severity, "impacted_providers": "", "resources_total": 0.0,
				"resources_fail": 0.0, "muted_count": 0.0, "first_seen_at": nil, "last_seen_at": nil, "failing_since": nil}
			for _, name := range counters {
				g[name] = 0.0
			}
			of[f.Check] = g
		}
		add := func(name string) { g[name] = g[name].(float64) + 1 }
		once := func(name, key string) {
			if key = name + f.Check + key; !seen[key] {
				seen[key] = true
				add(name)
			}
		}
		earliest := func(name string) {
			if at, ok := g[name].(time.Time); !ok || f.FirstSeen.Before(at) {
				g[name] = f.FirstSeen
			}
		}
		suffix := "_count"
		if f.Muted {
			suffix = "_muted_count"
			add("muted_count")
		}
		add(strings.ToLower(f.Status) + suffix)
		if f.Delta != "" {
			add(f.Delta + "_" + strings.ToLower(f.Status) + suffix)
		}
		once("resources_total", f.Resource)
		if !f.Muted {
			if f.Delta != "" {
				add(f.Delta + "_count")
			}
			if f.Status == "FAIL" {
				once("resources_fail", f.Resource)
				earliest("failing_since")
			}
		}
		if live || f.Delta == "new" && !f.Muted {
			earliest("first_seen_at")
		}
		if at, ok := g["last_seen_at"].(time.Time); !ok || f.Inserted.After(at) {
			g["last_seen_at"] = f.Inserted
		}
		if slices.Index(severities, f.Severity) < slices.Index(severities, g["severity"].(string)) {
			g["severity"] = f.Severity
		}
		g["impacted_providers"] = f.Provider // both accounts are of one type
	}
	for _, g := range of {
		count := func(name string) float64 { return g[name].(float64) }
		g["muted"] = count("fail_count")+count("pass_count")+count("manual_count") == 0
		switch {
		case count("fail_count") > 0:
			g["status"] = "FAIL"
		case count("pass_count")+count("pass_muted_count")+count("fail_muted_count") > 0:
			g["status"] = "PASS"
		default:
			g["status"] = "MANUAL"
		}
	}
	return of
}

var severities = []string{"critical", "high", "medium", "low", "informational"}

// counters are the names of a group's counts of findings, muted_count apart.
var counters = func() []string {
	names := []string{"new_count", "changed_count"}
	for _, prefix := range []string{"", "new_", "changed_"} {
		for _, status := range []string{"fail", "pass", "manual"} {
			names = append(names, prefix+status+"_count", prefix+status+"_muted_count")
		}
	}
	return names
}()

// list reads all pages of a list; its items by id, and the ids in order.
func list(t *testing.T, client *apitest.Client, path string, params url.Values) (map[string]map[string]any, []string) {
	t.Helper()
	items, order := map[string]map[string]any{}, []string{}
	for page := 1; ; page++ {
		query := url.Values{"page[size]": {"7"}, "page[number]": {fmt.Sprint(page)}}
		for name, values := range params {
			query[name] = values
		}
		answer := client.Get(t, path+"?"+query.Encode()).Want(t, 200)
		for i := range answer.Len("/data") {
			id := answer.String(fmt.Sprintf("/data/%d/id", i))
			order = append(order, id)
			items[id], _ = answer.At(fmt.Sprintf("/data/%d/attributes", i)).(map[string]any)
		}
		count, _ := answer.At("/meta/pagination/count").(float64)
		if pages, _ := answer.At("/meta/pagination/pages").(float64); page >= int(pages) {
			if int(count) != len(order) || len(items) != len(order) {
				t.Fatalf("%s %v: count %v, listed %d, distinct %d", path, params, count, len(order), len(items))
			}
			return items, order
		}
	}
}

// differ says where an item is not what it must be.
func differ(got, want map[string]any) string {
	for name, value := range want {
		same := got[name] == value
		switch value := value.(type) {
		case time.Time:
			text, _ := got[name].(string)
			at, err := time.Parse(time.RFC3339Nano, text)
			same = err == nil && at.Equal(value)
		case string:
			if many, ok := got[name].([]any); ok {
				same = fmt.Sprint(many) == "["+value+"]"
			}
		}
		if !same {
			return fmt.Sprintf("%s is %v, want %v", name, got[name], value)
		}
	}
	return ""
}

// narrowed are the facts that a condition leaves.
func narrowed(facts []fact, keep func(fact) bool) []fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f fact) bool { return !keep(f) })
}

// knows reports whether the lists take a filter: one that they ignore would prove nothing.
func knows(key string) bool { return slices.Contains(findinggroup.LatestQuery.Keys(), key) }
