package resources_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

const (
	account = "123456789012"
	other   = "222222222222"
)

func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return path + "?" + values.Encode()
}

func today() string { return time.Now().UTC().Format("2006-01-02") }

func count(t *testing.T, answer *apitest.Answer) int {
	t.Helper()
	n, ok := answer.Want(t, 200).At("/meta/pagination/count").(float64)
	if !ok {
		t.Fatalf("no count in %s", answer.Raw)
	}
	return int(n)
}

func TestResourcesAreReadWithWhatWasFound(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 40})
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 40, Flip: 3})
	list := ada.Get(t, query("/resources", "filter[scan]", scan, "sort", "name", "include", "findings,provider", "page[size]", "100")).Want(t, 200)
	id := list.String("/data/0/id")
	for pointer, want := range map[string]any{
		"/data/0/type": "resources", "/data/0/links/self": server.URL + "/resources/" + id, "/data/0/attributes/tags/env": "sample",
		"/data/0/relationships/provider/data/id": provider, "/data/0/attributes/partition": "aws",
	} {
		if got := list.At(pointer); got != want {
			t.Errorf("%s is %v, want %v", pointer, got, want)
		}
	}
	if _, isText := list.At("/data/0/attributes/metadata").(string); !isText {
		t.Errorf("metadata is %v", list.At("/data/0/attributes/metadata"))
	}
	all := list.Len("/data/0/relationships/findings/data")
	one := ada.Get(t, "/resources/"+id+"?include=findings&fields[findings]=uid&nonsense=1").Want(t, 200)
	newest := one.Len("/data/relationships/findings/data")
	if newest == 0 || all != 2*newest || one.Len("/included") != newest {
		t.Errorf("the list shows %d findings, the resource %d, included %d", all, newest, one.Len("/included"))
	}
	if one.At("/included/0/attributes/status") != nil || one.String("/included/0/attributes/uid") == "" || one.At("/included/0/relationships") != nil {
		t.Errorf("included %v", one.At("/included/0"))
	}
	sparse := ada.Get(t, query("/resources/latest", "fields[resources]", "name", "include", "findings")).Want(t, 200)
	if sparse.At("/data/0/relationships") != nil || sparse.At("/included") != nil {
		t.Errorf("sparse fields leave %s", sparse.Raw)
	}
}

func TestFiltersFind(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	ada.Connect(t, other, "Other")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 200})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 40})
	total := count(t, ada.Get(t, "/resources/latest"))
	mine := count(t, ada.Get(t, query("/resources", "filter[scan]", scan)))
	if mine == 0 || mine >= total {
		t.Fatalf("%d of %d resources are of the scan's provider", mine, total)
	}
	tests := map[string]struct {
		pairs []string
		want  int // -1: some, but not all
	}{
		"provider":        {[]string{"filter[provider]", provider}, mine},
		"type of account": {[]string{"filter[provider_type]", "aws"}, total},
		"alias":           {[]string{"filter[provider_alias]", "Main"}, mine},
		"service":         {[]string{"filter[service]", "s3"}, -1},
		"region":          {[]string{"filter[region__icontains]", "CENTRAL"}, -1},
		"tag key":         {[]string{"filter[tag_key]", "EN"}, total},
		"tag value":       {[]string{"filter[tag_value]", "nothing"}, 0},
		"tag words":       {[]string{"filter[tag]", "env sample"}, total},
		"tags":            {[]string{"filter[tags]", "env nothing"}, 0},
		"search":          {[]string{"filter[search]", "kms"}, -1},
		"search in tags":  {[]string{"filter[search]", "sample"}, total},
		"no such group":   {[]string{"filter[groups]", "x"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ada.Get(t, query("/resources/latest", append(slices.Clone(test.pairs), "page[size]", "100", "fields[resources]", "name")...))
			got := count(t, answer)
			if test.want >= 0 && got != test.want || test.want < 0 && (got == 0 || got == total) {
				t.Errorf("found %d of %d, want %d", got, total, test.want)
			}
			if listed := answer.Len("/data"); listed != min(got, 100) {
				t.Errorf("counted %d, listed %d", got, listed)
			}
		})
	}
	sorted := ada.Get(t, query("/resources", "filter[updated_at]", today(), "page[size]", "100")).Want(t, 200)
	last := 1e9
	for i := range sorted.Len("/data") {
		failed, _ := sorted.At(fmt.Sprintf("/data/%d/attributes/failed_findings_count", i)).(float64)
		if failed > last {
			t.Errorf("resource %d has more failures than the one before", i)
		}
		last = failed
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	tests := map[string]struct {
		path    string
		status  int
		code    string
		pointer string
	}{
		"no date":          {"/resources", 400, "required", "/data/attributes/updated_at"},
		"range":            {"/resources?filter[updated_at__gte]=2024-01-01", 400, "invalid", "/data/attributes/updated_at"},
		"unknown provider": {"/resources/latest?filter[provider]=00000000-0000-4000-8000-000000000000", 400, "invalid_choice", "/data/relationships/provider"},
		"provider in metadata": {"/resources/metadata?filter[updated_at]=" + today() + "&filter[provider]=00000000-0000-4000-8000-000000000000", 400, "invalid_choice",
			"/data/attributes/provider"},
		"provider":       {"/resources/latest?filter[provider__in]=x", 400, "invalid", "/data/attributes/provider__in"},
		"hidden sort":    {"/resources/latest?sort=failed_findings_count", 400, "invalid", "/data"},
		"sort by uid":    {"/resources/latest?sort=provider_uid", 400, "invalid", "/data"},
		"include":        {"/resources/latest?include=scan", 400, "parse_error", "/data"},
		"scan on latest": {"/resources/latest?filter[scan]=x", 400, "invalid", "/data"},
		"unknown id":     {"/resources/00000000-0000-4000-8000-000000000000", 404, "not_found", ""},
		"no id":          {"/resources/nothing", 404, "not_found", ""},
		"page":           {"/resources/latest?page[number]=2", 404, "not_found", "/data"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ada.Get(t, test.path).Want(t, test.status)
			if answer.String("/errors/0/code") != test.code || answer.String("/errors/0/source/pointer") != test.pointer {
				t.Errorf("refused with %s", answer.Raw)
			}
			server.Anonymous().Get(t, test.path).Want(t, 401)
		})
	}
}

func TestPeopleSeeWhatPolicyShowsThem(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	hidden, shown := ada.Connect(t, account, "Hidden"), ada.Connect(t, other, "Shown")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	hiddenScan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 200})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 8})
	secret := ada.Get(t, query("/resources/latest", "filter[provider]", hidden)).Want(t, 200).String("/data/0/id")
	visible := count(t, ada.Get(t, query("/resources/latest", "filter[provider]", shown)))
	for client, want := range map[*apitest.Client]int{dan: visible, bob: 0} {
		for _, path := range []string{"/resources/latest", query("/resources", "filter[updated_at]", today()), query("/resources/latest", "filter[tag]", "env")} {
			if got := count(t, client.Get(t, path)); got != want {
				t.Errorf("%s sees %d resources at %s, want %d", client.Email, got, path, want)
			}
		}
		if got := count(t, client.Get(t, query("/resources", "filter[scan]", hiddenScan))); got != 0 {
			t.Errorf("%s sees %d resources of the hidden scan", client.Email, got)
		}
		client.Get(t, "/resources/"+secret).Want(t, 404)
		client.Get(t, query("/resources/latest", "filter[provider]", hidden)).Want(t, 400)
		metadata := client.Get(t, query("/resources/metadata", "filter[scan]", hiddenScan)).Want(t, 200)
		if metadata.Len("/data/attributes/services") != 0 || metadata.Len("/data/attributes/types") != 0 {
			t.Errorf("%s learns of the hidden scan: %s", client.Email, metadata.Raw)
		}
	}
	latest := dan.Get(t, "/resources/metadata/latest").Want(t, 200)
	if latest.Len("/data/attributes/regions") != 1 {
		t.Errorf("dan's regions %s", latest.Raw)
	}
	included := dan.Get(t, query("/resources/latest", "include", "provider,findings", "page[size]", "100")).Want(t, 200)
	for i := range included.Len("/included") {
		if id := included.String(fmt.Sprintf("/included/%d/id", i)); included.String(fmt.Sprintf("/included/%d/type", i)) == "providers" && id != shown {
			t.Errorf("dan is shown provider %s", id)
		}
	}
}
