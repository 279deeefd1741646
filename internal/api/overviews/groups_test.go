package overviews_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
)

// figures are the members of each resource of a list as text, by id.
func figures(t *testing.T, answer *apitest.Answer, members ...string) map[string]string {
	t.Helper()
	answer.Want(t, 200)
	all := map[string]string{}
	for i := range answer.Len("/data") {
		text := ""
		for _, member := range members {
			text += fmt.Sprint(" ", number(t, answer, fmt.Sprintf("/data/%d/attributes/%s", i, member)))
		}
		all[answer.String(fmt.Sprintf("/data/%d/id", i))] = text[1:]
	}
	return all
}

func surfaces(t *testing.T, client *apitest.Client, query string) map[string]string {
	t.Helper()
	return figures(t, client.Get(t, "/overviews/attack-surfaces?"+query), "total_findings", "failed_findings", "muted_failed_findings")
}

func categories(t *testing.T, client *apitest.Client, query string) map[string]string {
	t.Helper()
	return figures(t, client.Get(t, "/overviews/categories?"+query), "total_findings", "failed_findings", "new_failed_findings",
		"severity/critical", "severity/high", "severity/medium", "severity/low", "severity/informational")
}

func resourceGroups(t *testing.T, client *apitest.Client, query string) map[string]string {
	t.Helper()
	return figures(t, client.Get(t, "/overviews/resource-groups?"+query), "total_findings", "failed_findings", "new_failed_findings", "resources_count",
		"severity/critical", "severity/high", "severity/medium", "severity/low", "severity/informational")
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// the findings of an account and of a subscription; every figure of TestGroups is counted from these lines.
var (
	ofAccount = []found{
		{check: "open_to_all", status: "FAIL", categories: []string{"internet-exposed", "encryption"}, group: "network", resource: "a"},
		{check: "open_to_all", status: "PASS", categories: []string{"internet-exposed", "encryption"}, group: "network", resource: "b", severity: "Low"},
		{check: "open_to_all", status: "FAIL", categories: []string{"internet-exposed", "encryption"}, group: "network", resource: "c", muted: true},
		{check: "open_to_all", status: "MANUAL", categories: []string{"internet-exposed", "encryption"}, group: "network", resource: "a"},
		{check: "key_in_text", status: "FAIL", categories: []string{"secrets", "internet-exposed"}, group: "code", resource: "a", severity: "Critical"},
		{check: "iam_policy_allows_privilege_escalation", status: "FAIL", categories: []string{"secrets"}, group: "IAM", severity: "Medium"},
		{check: "ec2_instance_imdsv2_enabled", status: "FAIL", categories: []string{"internet-exposed"}, group: "compute", severity: "Informational"},
		{check: "plain", status: "FAIL", group: "network", resource: "b"},
	}
	ofSubscription = []found{
		{check: "open_to_all", status: "FAIL", categories: []string{"internet-exposed"}, group: "network", resource: "a"},
		{check: "ec2_instance_imdsv2_enabled", status: "FAIL", group: "compute"}, // of another type: no surface
	}
)

// TestGroups holds the overviews of surfaces, categories and resource groups against figures counted by hand.
func TestGroups(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	main, other := ada.Connect(t, account, "Main"), connect(t, ada, "azure", subscription)
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", other)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	none := map[string]string{"internet-exposed": "0 0 0", "secrets": "0 0 0", "privilege-escalation": "0 0 0", "ec2-imdsv1": "0 0 0"}
	same(t, "surfaces of nothing", surfaces(t, ada, ""), none)
	same(t, "categories of nothing", categories(t, ada, ""), map[string]string{})
	same(t, "groups of nothing", resourceGroups(t, ada, ""), map[string]string{})
	importGroups(t, server, append(ofAccount, ofSubscription...)...)
	store(t, ada, "aws", account, found{check: "older", status: "FAIL", categories: []string{"old"}, group: "old"})
	store(t, ada, "aws", account, ofAccount...)
	store(t, ada, "azure", subscription, ofSubscription...)

	mine := map[string]string{"internet-exposed": "4 1 1", "secrets": "1 1 0", "privilege-escalation": "1 1 0", "ec2-imdsv1": "1 1 0"}
	theirs := map[string]string{"internet-exposed": "1 1 0", "secrets": "0 0 0", "privilege-escalation": "0 0 0", "ec2-imdsv1": "0 0 0"}
	both := map[string]string{"internet-exposed": "5 2 1", "secrets": "1 1 0", "privilege-escalation": "1 1 0", "ec2-imdsv1": "1 1 0"}
	for query, want := range map[string]map[string]string{"": both, "filter[provider_id]=" + main: mine, "provider_id__in=" + other: theirs,
		"filter[provider_type]=azure": theirs, "filter[provider_groups__in]=" + group: theirs, "filter[provider_type.in]=azure": both,
		"filter[colour]=red&nonsense=%00&sort=x&page[number]=7": both, "filter[provider_type]=okta": none, "filter[provider_id]=" + uuid.NewString(): none} {
		same(t, "surfaces "+query, surfaces(t, ada, query), want)
	}
	order := ada.Get(t, "/overviews/attack-surfaces?fields[attack-surface-overviews]=failed_findings").Want(t, 200)
	for i, name := range []string{"internet-exposed", "secrets", "privilege-escalation", "ec2-imdsv1"} {
		if order.String(fmt.Sprintf("/data/%d/id", i)) != name || order.At(fmt.Sprintf("/data/%d/attributes/total_findings", i)) != nil {
			t.Errorf("surfaces %s", order.Raw)
		}
	}

	same(t, "categories", categories(t, ada, ""), map[string]string{"encryption": "3 1 1 0 1 0 0 0", "internet-exposed": "6 4 4 1 2 0 0 1", "secrets": "2 2 2 1 0 1 0 0"})
	same(t, "categories of a provider", categories(t, ada, "filter[provider_id]="+other), map[string]string{"internet-exposed": "1 1 1 0 1 0 0 0"})
	same(t, "one category", categories(t, ada, "filter[category]=encryption&filter[provider_type.in]=azure"), map[string]string{"encryption": "3 1 1 0 1 0 0 0"})
	same(t, "some categories", categories(t, ada, "category__in=secrets,encryption,tea"),
		map[string]string{"encryption": "3 1 1 0 1 0 0 0", "secrets": "2 2 2 1 0 1 0 0"})
	same(t, "no category", categories(t, ada, "filter[category]=tea"), map[string]string{})

	network := "4 2 2 2 0 2 0 0 0" // of the account: a and b, which c is not among as it is muted
	same(t, "groups", resourceGroups(t, ada, ""), map[string]string{"IAM": "1 1 1 1 0 0 1 0 0", "code": "1 1 1 1 1 0 0 0 0",
		"compute": "2 2 2 2 0 1 0 0 1", "network": "5 3 3 3 0 3 0 0 0"})
	same(t, "one group", resourceGroups(t, ada, "filter[resource_group]=network&filter[provider_type]=aws"), map[string]string{"network": network})
	same(t, "groups of a group", resourceGroups(t, ada, "filter[provider_groups]="+group), map[string]string{"compute": "1 1 1 1 0 1 0 0 0", "network": "1 1 1 1 0 1 0 0 0"})
	if first := ada.Get(t, "/overviews/resource-groups").String("/data/0/id"); first != "IAM" {
		t.Errorf("the first group is %s: not in the order of code points", first)
	}

	same(t, "dan's surfaces", surfaces(t, dan, ""), theirs)
	same(t, "what dan does not see", surfaces(t, dan, "filter[provider_id]="+main), none)
	same(t, "dan's categories", categories(t, dan, ""), map[string]string{"internet-exposed": "1 1 1 0 1 0 0 0"})
	same(t, "dan's groups", resourceGroups(t, dan, "provider_id="+main), map[string]string{})
	same(t, "bob's surfaces", surfaces(t, bob, "filter[provider_id]="+main), none)
	same(t, "bob's categories", categories(t, bob, ""), map[string]string{})
	ada.Delete(t, "/providers/"+main).Want(t, 202)
	same(t, "surfaces without the deleted provider", surfaces(t, ada, ""), theirs)
	same(t, "groups without the deleted provider", resourceGroups(t, ada, ""), map[string]string{"compute": "1 1 1 1 0 1 0 0 0", "network": "1 1 1 1 0 1 0 0 0"})
}

// TestGroupsFollowMuting: every figure is that of a file in which the finding was muted from the start.
func TestGroupsFollowMuting(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Main")
	bob.Connect(t, account, "Main")
	importGroups(t, server, ofAccount...)
	fromTheStart := append([]found{}, ofAccount...)
	fromTheStart[0].muted = true
	store(t, ada, "aws", account, ofAccount...)
	store(t, bob, "aws", account, fromTheStart...)
	exposed := ada.Get(t, "/findings/latest?filter[check_id]=open_to_all&filter[status]=FAIL&filter[muted]=false").Want(t, 200).String("/data/0/id")
	ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": "Rule", "reason": "Because", "finding_ids": []string{exposed}}, nil).Want(t, 201)
	for range 200 {
		if surfaces(t, ada, "")["internet-exposed"] == surfaces(t, bob, "")["internet-exposed"] {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	same(t, "surfaces", surfaces(t, ada, ""), surfaces(t, bob, ""))
	same(t, "categories", categories(t, ada, ""), categories(t, bob, ""))
	same(t, "groups", resourceGroups(t, ada, ""), resourceGroups(t, bob, ""))
	for _, path := range []string{"/overviews/findings", "/overviews/findings_severity", "/overviews/services", "/overviews/regions",
		"/overviews/findings?filter[region__icontains]=e", "/overviews/services?filter[region]=eu-west-1", "/overviews/providers"} {
		mine, theirs := ada.Get(t, path).Want(t, 200), bob.Get(t, path).Want(t, 200)
		if string(mine.Raw) != string(theirs.Raw) {
			t.Errorf("%s: muted later %s, from the start %s", path, mine.Raw, theirs.Raw)
		}
	}
}

func TestGroupRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	for path, want := range map[string]string{
		"attack-surfaces?filter[provider_type]=x":            "/data/attributes/provider_type invalid Select a valid choice. x is not one of the available choices.",
		"attack-surfaces?filter[provider_id__in]=1,2":        "/data/attributes/provider_id__in invalid Enter a valid UUID.",
		"attack-surfaces?provider_groups=%00":                "/data/attributes/provider_groups invalid Enter a valid UUID.",
		"categories?filter[provider_type]=cobol":             "/data invalid Invalid choice: cobol",
		"categories?filter[provider_type__in]=aws,x,y":       "/data invalid Invalid choices: x, y",
		"categories?filter[provider_id]=x":                   "/data invalid “x” is not a valid UUID.",
		"categories?filter[category]=%00":                    "/data/attributes/category null_characters_not_allowed Null characters are not allowed.",
		"resource-groups?filter[provider_groups__in]=x":      "/data invalid “x” is not a valid UUID.",
		"resource-groups?provider_type__in=cobol":            "/data invalid Invalid choice: cobol",
		"resource-groups?filter[resource_group__in]=a,%00,b": "/data/attributes/resource_group__in null_characters_not_allowed Null characters are not allowed.",
		"categories?include=scans":                           "/data parse_error This endpoint does not support the include parameter",
	} {
		answer := ada.Get(t, "/overviews/"+path).Want(t, 400)
		if got := answer.String("/errors/0/source/pointer") + " " + answer.String("/errors/0/code") + " " + answer.String("/errors/0/detail"); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, path := range []string{"attack-surfaces", "categories", "resource-groups"} {
		server.Anonymous().Get(t, "/overviews/"+path).Want(t, 401)
		for _, query := range []string{"filter[provider_id]=", "filter[]=x", "filter[a][b]=c", "filter[provider_id__in]=,,", "filter[category]=%25%27%3B--", "filter[resource_group__in]="} {
			ada.Get(t, "/overviews/"+path+"?"+query).Want(t, 200)
		}
	}
}
