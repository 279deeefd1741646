package findinggroups_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ingest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// filters are filters of groups, and which findings they leave. whole: the counts of whole checks answer it.
func filters(w *world, facts []fact) []struct {
	key, value string
	whole      bool
	keep       func(fact) bool
} {
	some := facts[len(facts)/2]
	has := func(text, part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) }
	in := func(text string, values ...string) bool { return slices.Contains(values, text) }
	return []struct {
		key, value string
		whole      bool
		keep       func(fact) bool
	}{
		{"", "", true, func(fact) bool { return true }},
		{"check_id", some.Check, true, func(f fact) bool { return f.Check == some.Check }},
		{"check_id__in", some.Check + ",s3_sample_check_2,nothing", true, func(f fact) bool { return in(f.Check, some.Check, "s3_sample_check_2") }},
		{"check_id__icontains", "CHECK_2", true, func(f fact) bool { return has(f.Check, "check_2") }},
		{"check_title__icontains", "of KMS", true, func(f fact) bool { return has(f.Title, "of kms") }},
		{"provider", w.open, true, func(f fact) bool { return f.ProviderUID == account }},
		{"provider_id__in", w.open + "," + uuid.NewString(), true, func(f fact) bool { return f.ProviderUID == account }},
		{"provider_type", "aws", true, func(fact) bool { return true }},
		{"provider_type__in", "azure,gcp", true, func(fact) bool { return false }},
		{"provider_uid", other, false, func(f fact) bool { return f.ProviderUID == other }},
		{"provider_alias__icontains", "MAI", false, func(f fact) bool { return f.Alias == "Main" }},
		{"region", "eu-west-1", false, func(f fact) bool { return f.Region == "eu-west-1" }},
		{"region__in", "eu-west-1,us-east-1", false, func(f fact) bool { return in(f.Region, "eu-west-1", "us-east-1") }},
		{"region__icontains", "EU-", false, func(f fact) bool { return has(f.Region, "eu-") }},
		{"service", "s3", false, func(f fact) bool { return f.Service == "s3" }},
		{"service__icontains", "K", false, func(f fact) bool { return has(f.Service, "k") }},
		{"resource_type", "AwsSamples3", false, func(f fact) bool { return f.Type == "AwsSamples3" }},
		{"resource_type__in", "AwsSamples3,AwsSamplekms", false, func(f fact) bool { return in(f.Type, "AwsSamples3", "AwsSamplekms") }},
		{"resource_type__icontains", "SAMPLEk", false, func(f fact) bool { return has(f.ResourceType, "samplek") }},
		{"resource_uid", some.ResourceUID, false, func(f fact) bool { return f.ResourceUID == some.ResourceUID }},
		{"resource_uid__icontains", "SHARED-4", false, func(f fact) bool { return has(f.ResourceUID, "shared-4") }},
		{"resource_name__in", some.ResourceName + ",x", false, func(f fact) bool { return f.ResourceName == some.ResourceName }},
		{"resource_name__icontains", "S3-1", false, func(f fact) bool { return has(f.ResourceName, "s3-1") }},
		{"resources", some.Resource + "," + facts[0].Resource, false, func(f fact) bool { return in(f.Resource, some.Resource, facts[0].Resource) }},
		{"resource_groups", "storage", false, func(fact) bool { return false }},
		{"category", "sample-s3", false, func(f fact) bool { return slices.Contains(f.Categories, "sample-s3") }},
		{"category__in", "sample-s3,sample-iam,nothing", false, func(f fact) bool {
			return slices.Contains(f.Categories, "sample-s3") || slices.Contains(f.Categories, "sample-iam")
		}},
		{"delta", "new", false, func(f fact) bool { return f.Delta == "new" }},
		{"delta", "changed", false, func(f fact) bool { return f.Delta == "changed" }},
		{"impact", "high", false, func(f fact) bool { return f.Severity == "high" }},
		{"scan", w.older, false, func(f fact) bool { return f.Scan == w.older }},
		{"scan__in", w.newer + "," + uuid.NewString(), false, func(f fact) bool { return f.Scan == w.newer }},
		{"uid", some.UID, false, func(f fact) bool { return f.UID == some.UID }},
		{"updated_at", today(), false, func(fact) bool { return true }},
	}
}

// TestListsAreWhatTheFindingsSay holds every filter, alone and with one more, of both lists against the findings themselves, for
// somebody who sees everything and for somebody who sees one account; as scans left them and after findings were muted.
func TestListsAreWhatTheFindingsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	check := func(t *testing.T, facts []fact, live bool) {
		for _, one := range filters(w, facts) {
			if one.key != "" && !knows(one.key) {
				t.Fatalf("the lists do not know %s", one.key)
			}
			if live && one.whole {
				continue
			}
			for _, more := range []string{"", "eu-west-1"} {
				for name, client := range map[string]*apitest.Client{"ada": w.ada, "dan": w.dan} {
					for _, path := range []string{"/finding-groups", "/finding-groups/latest"} {
						newest := path != "/finding-groups" || one.whole && more == ""
						left := narrowed(facts, func(f fact) bool {
							return one.keep(f) && (f.Newest || !newest) && (more == "" || f.Region == more) && (name == "ada" || f.ProviderUID == account)
						})
						params := url.Values{"filter[inserted_at]": {today()}}
						if more != "" {
							params.Set("filter[region]", more)
						}
						if one.key == "region" && more != "" {
							continue
						}
						if one.key != "" {
							params.Set("filter["+one.key+"]", one.value)
						}
						want := groups(left, !one.whole || more != "")
						got, _ := list(t, client, path, params)
						for id, group := range want {
							if problem := differ(got[id], group); problem != "" {
								t.Errorf("%s %s %v: %s: %s", name, path, params, id, problem)
							}
						}
						if len(got) != len(want) {
							t.Errorf("%s %s %v: %d groups, want %d", name, path, params, len(got), len(want))
						}
					}
				}
			}
		}
	}
	t.Run("as scanned", func(t *testing.T) { check(t, w.facts(t), false) })
	w.mute(t, func(f fact) bool { return f.Check == "kms_sample_check_1" || f.Region == "us-east-1" && f.Delta != "" })
	// Lists of findings that a filter leaves are right at once, those of whole checks when the scans have been counted again.
	t.Run("muted", func(t *testing.T) { check(t, w.facts(t), true) })
	w.recount(t)
	t.Run("counted again", func(t *testing.T) { check(t, w.facts(t), false) })
}

// mute makes a rule for the findings of the newest scans that a condition names.
func (w *world) mute(t *testing.T, which func(fact) bool) {
	t.Helper()
	var ids []string
	for _, f := range w.facts(t) {
		if f.Newest && !f.Muted && which(f) {
			ids = append(ids, f.ID)
		}
	}
	w.ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": "Rule", "reason": "Because", "finding_ids": ids}, nil).Want(t, 201)
}

// recount counts every scan again that findings were muted of, as the job does.
func (w *world) recount(t *testing.T) {
	t.Helper()
	scope := tenant.NewScope(uuid.MustParse(w.ada.Tenant), uuid.Nil, tenant.SeeAll())
	done := map[string]bool{}
	for _, f := range w.facts(t) {
		if done[f.Scan] {
			continue
		}
		done[f.Scan] = true
		provider := w.ada.Get(t, "/scans/"+f.Scan).Want(t, 200).String("/data/relationships/provider/data/id")
		scan := ingest.Scan{ID: uuid.MustParse(f.Scan), ProviderID: uuid.MustParse(provider)}
		err := w.server.App.Tenants.Write(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
			return ingest.RecountMuted(ctx, tx, scan, func() (bool, error) {
				_, err := tenantdb.New(tx).TakeScanRecounts(ctx, scan.ID)
				return true, err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestComputedFilters: filters by what a group is leave whole groups, and hide groups of which everything is muted as the wire says.
func TestComputedFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mute(t, func(f fact) bool { return f.Check == "kms_sample_check_1" || f.Service == "iam" })
	w.recount(t)
	facts := narrowed(w.facts(t), func(f fact) bool { return f.Newest })
	all := groups(facts, false)
	text := func(group map[string]any, name string) string { return fmt.Sprint(group[name]) }
	muted := len(slices.DeleteFunc(slices.Collect(maps.Values(all)), func(g map[string]any) bool { return g["muted"] != true }))
	if muted == 0 || muted == len(all) {
		t.Fatalf("%d of %d groups are muted: they prove nothing", muted, len(all))
	}
	for query, keep := range map[string]func(map[string]any) bool{
		"":                               func(map[string]any) bool { return true },
		"filter[status]=FAIL":            func(g map[string]any) bool { return g["status"] == "FAIL" && g["muted"] == false },
		"filter[status]=PASS":            func(g map[string]any) bool { return g["status"] == "PASS" && g["muted"] == false },
		"filter[status__in]=PASS,MANUAL": func(g map[string]any) bool { return g["status"] != "FAIL" && g["muted"] == false },
		"filter[status.in]=,":            func(map[string]any) bool { return false },
		"filter[severity]=high":          func(g map[string]any) bool { return g["severity"] == "high" && g["muted"] == false },
		"filter[severity__in]=high,critical": func(g map[string]any) bool {
			return strings.Contains("high critical", text(g, "severity")) && g["muted"] == false
		},
		"filter[muted]=true":                             func(g map[string]any) bool { return g["muted"] == true },
		"filter[muted]=false":                            func(g map[string]any) bool { return g["muted"] == false },
		"filter[muted]=perhaps":                          func(map[string]any) bool { return true },
		"filter[include_muted]=true":                     func(map[string]any) bool { return true },
		"filter[include_muted]=false":                    func(g map[string]any) bool { return g["muted"] == false },
		"filter[status]=PASS&filter[include_muted]=true": func(g map[string]any) bool { return g["status"] == "PASS" },
		"filter[status]=PASS&filter[muted]=true":         func(g map[string]any) bool { return g["status"] == "PASS" && g["muted"] == true },
		"filter[severity]=low&filter[status]=FAIL": func(g map[string]any) bool {
			return g["severity"] == "low" && g["status"] == "FAIL" && g["muted"] == false
		},
		"filter[search]=zebra&filter[colour]=red&filter[status.icontains]=x": func(map[string]any) bool { return true },
		"filter[delta.in]=bogus&filter[uid.in]=x&nonsense=1&nonsense=2":      func(map[string]any) bool { return true },
	} {
		params, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for id, group := range all {
			if keep(group) {
				want = append(want, id)
			}
		}
		_, got := list(t, w.ada, "/finding-groups/latest", params)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q lists %d groups, want %d", query, len(got), len(want))
		}
	}
}

// TestOrders: every sort key, both ways, by number and by cursor.
func TestOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rank := func(values ...string) func(any) float64 {
		return func(value any) float64 { return -float64(slices.Index(values, fmt.Sprint(value))) }
	}
	weights := map[string]func(any) float64{"status": rank("FAIL", "PASS", "MANUAL"), "severity": rank(severities...), "delta": rank("new", "changed", "<nil>"),
		"muted": rank("true", "false")}
	for path, sorts := range map[string]map[string]string{
		"/finding-groups/latest": {"check_id": "check_id", "status": "status", "severity": "severity", "muted": "muted", "delta": "new_count",
			"fail_count": "fail_count", "new_pass_muted_count": "new_pass_muted_count", "changed_fail_count": "changed_fail_count",
			"resources_total": "resources_total", "resources_fail": "resources_fail", "first_seen_at": "first_seen_at", "last_seen_at": "last_seen_at",
			"failing_since": "failing_since"},
		"/finding-groups/latest/s3_sample_check_2/resources": {"status": "status", "severity": "severity", "delta": "delta", "first_seen_at": "first_seen_at",
			"last_seen_at": "last_seen_at", "resource.uid": "resource/uid", "resource.name": "resource/name", "resource.region": "resource/region",
			"resource.service": "resource/service", "resource.type": "resource/type", "provider.uid": "provider/uid", "provider.alias": "provider/alias"},
	} {
		for sort, attribute := range sorts {
			for _, direction := range []string{"", "-"} {
				items, order := list(t, w.ada, path, url.Values{"sort": {direction + sort}})
				if len(order) < 5 {
					t.Fatalf("%s has %d rows: too few", path, len(order))
				}
				values := make([]any, len(order))
				for i, id := range order {
					values[i] = any(items[id])
					for _, step := range strings.Split(attribute, "/") {
						values[i] = values[i].(map[string]any)[step]
					}
				}
				if direction == "-" {
					slices.Reverse(values)
				}
				sorted := slices.IsSortedFunc(values, func(a, b any) int {
					if weigh := weights[attribute]; weigh != nil && path != "" {
						return int(weigh(a) - weigh(b))
					}
					first, ok := a.(float64)
					if second, too := b.(float64); ok && too {
						return int(first - second)
					}
					if a == nil || b == nil {
						return map[bool]int{true: 1}[a == nil] - map[bool]int{true: 1}[b == nil] // null comes last
					}
					return strings.Compare(strings.TrimRight(fmt.Sprint(a), "Z"), strings.TrimRight(fmt.Sprint(b), "Z"))
				})
				if !sorted {
					t.Errorf("%s by %s%s: %v", path, direction, sort, values)
				}
				if walked := walk(t, w.ada, path+"?page[size]=3&page[after]=&sort="+direction+sort); !slices.Equal(walked, order) {
					t.Errorf("%s by %s%s: by cursor %v, by number %v", path, direction, sort, walked, order)
				}
			}
		}
	}
}

// walk follows a list by cursor.
func walk(t *testing.T, client *apitest.Client, path string) []string {
	t.Helper()
	var ids []string
	for range 100 {
		answer := client.Get(t, path).Want(t, 200)
		for i := range answer.Len("/data") {
			ids = append(ids, answer.String(fmt.Sprintf("/data/%d/id", i)))
		}
		next, ok := answer.At("/links/next").(string)
		if !ok || next == "" {
			return ids
		}
		_, path, _ = strings.Cut(next, "/api/v1")
	}
	t.Fatal("the walk does not end")
	return nil
}
