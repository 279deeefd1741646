package overviews_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

const (
	account = "123456789012"
	other   = "222222222222"
)

func number(t *testing.T, answer *apitest.Answer, pointer string) int {
	t.Helper()
	n, ok := answer.Want(t, 200).At(pointer).(float64)
	if !ok {
		t.Fatalf("no number at %s in %s", pointer, answer.Raw)
	}
	return int(n)
}

// listed counts the findings that a list holds.
func listed(t *testing.T, client *apitest.Client, filters string) int {
	t.Helper()
	return number(t, client.Get(t, "/findings/latest?page[size]=1&"+filters), "/meta/pagination/count")
}

// TestFiguresAreThoseOfTheLists holds the figures against the counts of the lists.
func TestFiguresAreThoseOfTheLists(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	ada.Connect(t, other, "Other")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 120})
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 150, Flip: 4})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 40})
	for overview, list := range map[string]string{"": "", "filter[provider_id]=" + provider: "filter[provider_id]=" + provider,
		"filter[region]=eu-west-1": "filter[region]=eu-west-1", "filter[region__icontains]=US-": "filter[region__icontains]=US-",
		"filter[provider_type__in]=azure": "filter[provider_type__in]=azure"} {
		findings := ada.Get(t, "/overviews/findings?"+overview)
		for pointer, filters := range map[string]string{"total": "", "fail": "filter[status]=FAIL&filter[muted]=false", "pass": "filter[status]=PASS&filter[muted]=false",
			"new": "filter[delta]=new", "changed": "filter[delta]=changed", "muted": "filter[muted]=true"} {
			if got, want := number(t, findings, "/data/attributes/"+pointer), listed(t, ada, list+"&"+filters); got != want {
				t.Errorf("%q: %s is %d, the list has %d", overview, pointer, got, want)
			}
		}
		severities := ada.Get(t, "/overviews/findings_severity?filter[status]=FAIL&"+overview)
		for _, severity := range []string{"critical", "high", "medium", "low", "informational"} {
			if got, want := number(t, severities, "/data/attributes/"+severity), listed(t, ada, list+"&filter[status]=FAIL&filter[severity]="+severity); got != want {
				t.Errorf("%q: %s is %d, the list has %d", overview, severity, got, want)
			}
		}
	}
	services := ada.Get(t, "/overviews/services").Want(t, 200)
	if services.Len("/data") != 8 || services.String("/data/0/id") != "ec2" || number(t, services, "/data/0/attributes/total") != listed(t, ada, "filter[service]=ec2") {
		t.Errorf("services %s", services.Raw)
	}
	regions := ada.Get(t, "/overviews/regions").Want(t, 200)
	if regions.String("/data/0/id") != "aws:"+regions.String("/data/0/attributes/region") {
		t.Errorf("regions %s", regions.Raw)
	}
	providers := ada.Get(t, "/overviews/providers?nonsense=1&filter[x]=y").Want(t, 200)
	if providers.Len("/data") != 1 || number(t, providers, "/data/0/attributes/findings/total") != 190 {
		t.Errorf("providers %s", providers.Raw)
	}
	if counts := ada.Get(t, "/overviews/providers/count"); number(t, counts, "/data/0/attributes/count") != 2 {
		t.Errorf("counts %s", counts.Raw)
	}
	tomorrow := url.QueryEscape(time.Now().UTC().AddDate(0, 0, 1).Format("2006-01-02"))
	if later := ada.Get(t, "/overviews/findings?filter[inserted_at__gte]="+tomorrow); number(t, later, "/data/attributes/total") != 0 {
		t.Errorf("figures of tomorrow %s", later.Raw)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	tests := map[string]struct{ path, code, pointer string }{
		"status elsewhere": {"/overviews/findings?filter[status]=FAIL", "invalid", "/data"},
		"manual":           {"/overviews/findings_severity?filter[status]=MANUAL", "invalid_choice", "/data/attributes/status"},
		"one of several":   {"/overviews/findings_severity?filter[status__in]=FAIL,X", "invalid", "/data"},
		"provider":         {"/overviews/services?filter[provider_id]=x", "invalid", "/data/attributes/provider_id"},
		"type":             {"/overviews/regions?filter[provider_type]=cobol", "invalid_choice", "/data/attributes/provider_type"},
		"date":             {"/overviews/findings?filter[inserted_at]=soon", "invalid", "/data/attributes/inserted_at"},
		"parameter":        {"/overviews/findings?nonsense=1", "invalid", "/data"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ada.Get(t, test.path).Want(t, 400)
			if answer.String("/errors/0/code") != test.code || answer.String("/errors/0/source/pointer") != test.pointer {
				t.Errorf("refused with %s", answer.Raw)
			}
			server.Anonymous().Get(t, test.path).Want(t, 401)
		})
	}
}

func TestPeopleSeeFiguresOfWhatPolicyShowsThem(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	hidden, shown := ada.Connect(t, account, "Hidden"), ada.Connect(t, other, "Shown")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 80})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 16})
	for client, want := range map[*apitest.Client]int{ada: 96, dan: 16, bob: 0} {
		if got := number(t, client.Get(t, "/overviews/findings"), "/data/attributes/total"); got != want {
			t.Errorf("%s: %d findings, want %d", client.Email, got, want)
		}
		services := client.Get(t, "/overviews/services").Want(t, 200)
		total := 0
		for i := range services.Len("/data") {
			attributes, _ := services.At("/data").([]any)[i].(map[string]any)["attributes"].(map[string]any)
			n, _ := attributes["total"].(float64)
			total += int(n)
		}
		if total != want {
			t.Errorf("%s: services sum up to %d, want %d", client.Email, total, want)
		}
	}
	if got := number(t, dan.Get(t, "/overviews/findings?filter[provider_id]="+hidden), "/data/attributes/total"); got != 0 {
		t.Errorf("dan sees %d findings of the hidden provider", got)
	}
	if counts := dan.Get(t, "/overviews/providers/count"); number(t, counts, "/data/0/attributes/count") != 1 {
		t.Errorf("dan counts %s", counts.Raw)
	}
	if bob.Get(t, "/overviews/providers").Want(t, 200).Len("/data") != 0 {
		t.Error("bob sees providers")
	}
}
