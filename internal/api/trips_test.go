package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
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
	"findings.history": 4, // which finding it is about is asked first
	"users.list":       4, // memberships span tenants and need the system role; their tenants and the roles follow from them
	"api_keys.list":    3, // roles of the people whom the keys stand for
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
