package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
)

// counted is a server behind proxies that count the round trips to its database.
type counted struct {
	*apitest.Client
	proxies []*pgtest.Proxy
}

func count(t *testing.T, h *hall) *counted {
	t.Helper()
	tenants, system := pgtest.NewProxy(t, h.server.DB.URL(pgtest.App)), pgtest.NewProxy(t, h.server.DB.URL(pgtest.System))
	server := apitest.StartWith(t, apitest.Setup{DB: h.server.DB, AppURL: tenants.URL, SystemURL: system.URL, Settings: app.Settings{KeyDir: h.server.KeyDir}})
	return &counted{Client: server.As(h.ada), proxies: []*pgtest.Proxy{tenants, system}}
}

// trips is how many round trips a request takes. Statements are described once a connection, so the least of some tries counts.
func (c *counted) trips(t *testing.T, path string) int {
	t.Helper()
	least := 1000
	for range 6 {
		for _, proxy := range c.proxies {
			proxy.Reset()
		}
		if answer := c.Get(t, path); answer.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.Status, answer.Raw)
		}
		trips := 0
		for _, proxy := range c.proxies {
			trips += proxy.Count('S') + proxy.Count('Q')
		}
		least = min(least, trips)
	}
	return least
}

// longer are the lists that take more for what they include, and why.
var longer = map[string]int{
	"findings.history": 3, // which finding is meant by the id of a sighting is asked first
}

// TestRoundTrips counts what each list costs in round trips to the database: finding out who asks, and two more at most, however
// many rows there are and whatever is included.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	h := fill(t)
	c := count(t, h)
	admission := c.trips(t, "/engines")
	t.Logf("admission takes %d", admission)
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range server.Operations() {
		if api.Pending(operation) || operation.Method != http.MethodGet || operation.Query == nil || operation.Mode != rest.List || !operation.Response.List {
			continue
		}
		includes := strings.Join(operation.Query.Includes, ",")
		for _, size := range []string{"1", "50"} {
			plain := c.trips(t, h.path(operation, url.Values{"page[size]": {size}})) - admission
			whole := plain
			if includes != "" {
				whole = c.trips(t, h.path(operation, url.Values{"page[size]": {size}, "include": {includes}})) - admission
			}
			if most := max(2, longer[string(operation.ID)]); plain > most || whole > most {
				t.Errorf("%s takes %d round trips for %s rows, and %d with all that can be included, more than %d", operation.ID, plain, size, whole, most)
			}
		}
	}
}

// catalogueOfOneFramework has a framework about checks of made findings files, and one with a score.
const catalogueOfOneFramework = `{"engine": "sample", "version": "0.0.1", "providers": {"aws": {"checks": {}, "frameworks": {
	"house_1.0_aws": {"framework": "House", "name": "House", "version": "1.0", "description": "", "requirements": [
		{"id": "1", "name": "1", "description": "One", "attributes": [], "checks": ["iam_sample_check_0", "iam_sample_check_1"]}]},
	"prowler_threatscore_aws": {"framework": "Scored", "name": "Scored", "version": "1.0", "description": "", "requirements": [
		{"id": "1", "name": "1", "description": "One", "attributes": [{"Title": "T", "Section": "1", "LevelOfRisk": 5, "Weight": 10}], "checks": ["iam_sample_check_0"]}]}}}}}`

// TestRoundTripsOfSingleAnswers counts the same for answers that are no lists of rows: figures, forms, compliance, and single objects.
func TestRoundTripsOfSingleAnswers(t *testing.T) {
	t.Parallel()
	h := fill(t)
	if _, err := catalogue.Import(t.Context(), h.server.App.System, strings.NewReader(catalogueOfOneFramework)); err != nil {
		t.Fatal(err)
	}
	provider := h.ada.Get(t, "/providers?filter[uid]="+account).Want(t, 200).String("/data/0/id")
	scan := h.ada.Ingest(t, ocsftest.File{Account: account, Findings: 300, Flip: 4})
	h.ada.Post(t, "/compliance-frameworks", "compliance-frameworks", map[string]any{"compliance_id": "custom_own", "provider": "aws", "framework": "Own",
		"name": "Own", "version": "1", "requirements": []map[string]any{{"id": "1", "name": "1", "description": "One", "checks": []string{}}}}, nil).Want(t, 201)
	finding := h.ada.Get(t, "/findings/latest").Want(t, 200).String("/data/0/id")
	resource := h.ada.Get(t, "/resources/latest").Want(t, 200).String("/data/0/id")
	paths := []string{"/findings/" + finding, "/findings/" + finding + "?include=resources,scan.provider", "/resources/" + resource,
		"/resources/" + resource + "?include=findings,provider", "/scans/" + scan, "/scans/" + scan + "?include=provider", "/providers/" + provider,
		"/findings/metadata?filter[scan]=" + scan, "/findings/metadata/latest", "/findings/metadata/latest?filter[status]=FAIL",
		"/resources/metadata?filter[scan]=" + scan, "/resources/metadata/latest", "/users/me", "/users/me?include=roles,memberships.tenant",
		"/compliance-overviews/metadata?filter[scan_id]=" + scan, "/compliance-overviews/metadata?filter[provider_type]=aws",
		"/overviews/compliance-watchlist", "/compliance-overviews/providers?filter[compliance_id]=house_1.0_aws"}
	for _, choice := range []string{"filter[scan_id]=" + scan, "filter[provider_type]=aws", "filter[scan_id]=" + scan + "&filter[region]=eu-west-1"} {
		paths = append(paths, "/compliance-overviews?"+choice)
		for _, framework := range []string{"house_1.0_aws", "prowler_threatscore_aws", "custom_own"} {
			paths = append(paths, "/compliance-overviews/requirements?filter[compliance_id]="+framework+"&"+choice)
		}
	}
	for _, framework := range []string{"house_1.0_aws", "custom_own"} {
		paths = append(paths, "/compliance-overviews/attributes?filter[compliance_id]="+framework, "/compliance-overviews/attributes?filter[compliance_id]="+framework+"&filter[scan_id]="+scan)
	}
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range server.Operations() {
		if operation.Method == http.MethodGet && strings.HasPrefix(operation.Path, "/overviews/") {
			paths = append(paths, h.path(operation, url.Values{}))
		}
	}
	paths = append(paths, "/overviews/threatscore?include=scan,provider", "/overviews/threatscore?snapshot_id="+scan+"&include=scan,provider")
	c := count(t, h)
	admission := c.trips(t, "/engines")
	for _, path := range paths {
		name, _, _ := strings.Cut(strings.NewReplacer(scan, "{scan}", finding, "{finding}", resource, "{resource}", provider, "{provider}").Replace(path), "?filter[scan]")
		if trips := c.trips(t, path) - admission; trips > 2 {
			t.Errorf("%s takes %d round trips, more than 2", name, trips)
		}
	}
}
