package overviews_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

// found is a finding of a file that is made here.
type found struct {
	check, status string
	severity      string // High when empty
	muted         bool
	categories    []string
	group         string // resource group of the check; see importGroups
	resource      string // one of its own when empty
	region        string
}

// store hands in findings of an account and returns the scan's id.
func store(t *testing.T, client *apitest.Client, provider, account string, findings ...found) string {
	t.Helper()
	many := []map[string]any{}
	for i, one := range findings {
		many = append(many, one.encode(provider, account, i))
	}
	content, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	return client.IngestContent(t, bytes.NewReader(content))
}

// encode makes the i-th finding of a sample file into this one.
func (f found) encode(provider, account string, i int) map[string]any {
	made := ocsftest.File{Account: account}.Finding(i)
	made["metadata"].(map[string]any)["event_code"] = f.check
	made["status_code"] = f.status
	made["severity"] = "High"
	if f.severity != "" {
		made["severity"] = f.severity
	}
	if f.muted {
		made["status_id"] = 3
	}
	unmapped := made["unmapped"].(map[string]any)
	unmapped["provider"], unmapped["categories"] = provider, append([]string{}, f.categories...)
	cloud := made["cloud"].(map[string]any)
	cloud["provider"] = provider
	resource := made["resources"].([]any)[0].(map[string]any)
	name := f.resource
	if name == "" {
		name = fmt.Sprint("resource-", i)
	}
	resource["uid"], resource["name"] = name, name
	if f.region != "" {
		resource["region"], cloud["region"] = f.region, f.region
	}
	made["finding_info"].(map[string]any)["uid"] = fmt.Sprintf("prowler-%s-%s-%s-%d", provider, f.check, account, i)
	return made
}

// connect connects an account of a provider type.
func connect(t *testing.T, client *apitest.Client, provider, uid string) string {
	t.Helper()
	return client.Post(t, "/providers", "providers", map[string]any{"provider": provider, "uid": uid}, nil).Want(t, 201).String("/data/id")
}

// lightFramework is a ThreatScore framework of our own: lamps weigh more than doors, and keys are looked at by hand.
const lightFramework = `{"framework":"ProwlerThreatScore","name":"Of our own","version":"1.0","description":"","requirements":[
	{"id":"1.1","name":"1.1","description":"Lamps","attributes":[{"Title":"Lamps are off","Section":"1. Light","SubSection":"1.1 Lamps",
		"AttributeDescription":"About lamps","LevelOfRisk":5,"Weight":100}],"checks":["lamp_is_off"]},
	{"id":"2.1","name":"2.1","description":"Doors","attributes":[{"Title":"Doors are shut","Section":"2. Doors","SubSection":"2.1 Doors",
		"AttributeDescription":"About doors","LevelOfRisk":2,"Weight":10}],"checks":["door_is_shut","window_is_shut"]},
	{"id":"2.2","name":"2.2","description":"Keys","attributes":[{"Title":"Keys are hung up","Section":"2. Doors","SubSection":"2.2 Keys",
		"AttributeDescription":"About keys","LevelOfRisk":4,"Weight":1}],"checks":[]}]}`

// importFrameworks puts a ThreatScore framework of some provider types into the catalogue.
func importFrameworks(t *testing.T, server *apitest.Server, types ...string) {
	t.Helper()
	providers := map[string]any{}
	for _, one := range types {
		providers[one] = map[string]any{"checks": map[string]any{}, "frameworks": map[string]any{"prowler_threatscore_" + one: json.RawMessage(lightFramework)}}
	}
	importCatalogue(t, server, providers)
}

// importGroups has the catalogue know the resource groups of the findings' checks: findings do not say them.
func importGroups(t *testing.T, server *apitest.Server, findings ...found) {
	t.Helper()
	checks := map[string]any{}
	for _, one := range findings {
		checks[one.check] = map[string]any{"CheckID": one.check, "ResourceGroup": one.group}
	}
	importCatalogue(t, server, map[string]any{"aws": map[string]any{"checks": checks}, "azure": map[string]any{"checks": checks}})
}

func importCatalogue(t *testing.T, server *apitest.Server, providers map[string]any) {
	t.Helper()
	content, err := json.Marshal(map[string]any{"engine": "prowler", "version": "0.0.1", "providers": providers})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalogue.Import(t.Context(), server.App.System, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}
