package resources_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/resources"
	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// TestFewAndManyAreReadAlike compares the two ways to read resources: along an index in the order of the page, and, of accounts that have
// few, all of them.
func TestFewAndManyAreReadAlike(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, eve := server.SignUp(t, "Ada"), server.SignUp(t, "Eve")
	main, side := ada.Connect(t, account, "Main"), ada.Connect(t, "222222222222", "Side")
	ada.Connect(t, "333333333333", "Empty")
	eve.Connect(t, account, "Theirs")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 300})
	ada.Ingest(t, ocsftest.File{Account: "222222222222", Findings: 90, Flip: 2})
	eve.Ingest(t, ocsftest.File{Account: account, Findings: 50})
	at := uuid.MustParse(ada.Tenant)
	for who, scope := range map[string]tenant.Scope{
		"owner":   tenant.NewScope(at, uuid.Nil, tenant.SeeAll()),
		"limited": tenant.NewScope(at, uuid.Nil, tenant.SeeWhere(filter.MustCondition("p.id", filter.Exact, uuid.MustParse(side)))),
	} {
		for _, raw := range []string{
			"", "sort=name", "sort=-region,uid", "filter[region]=eu-west-1", "filter[service]=s3&sort=-updated_at", "filter[type.icontains]=sample", "filter[search]=s3",
			"filter[name.icontains]=-1&sort=type", "filter[provider]=" + main, "filter[provider.in]=" + main + "," + side + "&sort=service", "filter[provider_alias]=Side",
			"filter[provider_uid]=" + account + "&filter[region]=us-east-1", "filter[tag_key]=team", "filter[uid]=nothing",
		} {
			many, total := ids(t, server, scope, raw, -1)
			few, counted := ids(t, server, scope, raw, 1_000)
			if !slices.Equal(many, few) || total != counted || int(total) != len(many) {
				t.Errorf("%s, %s: %d of %d when many, %d of %d when few", who, raw, len(many), total, len(few), counted)
			}
			if raw == "" && len(many) == 0 {
				t.Errorf("%s sees nothing", who)
			}
		}
	}
}

// ids are those of all resources that a query leaves, in its order, and how many are counted, with so many taken for few.
func ids(t *testing.T, server *apitest.Server, scope tenant.Scope, raw string, few int64) (ids []uuid.UUID, count int64) {
	t.Helper()
	query, err := filter.Parse(filter.ReadParams(raw), resources.LatestQuery)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	db := server.App.Tenants.Read(scope)
	markers := map[string]filter.Fragment{"where": query.Where, "providers": query.Part("provider", "provider_alias", "provider_uid")}
	if count, err = tenantdb.New(db.Shaped(markers)).CountResources(t.Context(), tenantdb.CountResourcesParams{Few: few, Scanned: true}); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	markers["order"], markers["position"] = query.Order, filter.Fragment{}
	for {
		rows, err := tenantdb.New(db.Shaped(markers)).ListResources(t.Context(), tenantdb.ListResourcesParams{Few: few, Scanned: true, PageSize: 40, PageOffset: int64(len(ids))})
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		if len(rows) < 40 {
			return ids, count
		}
	}
}
