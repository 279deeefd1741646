package secrets_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
)

// uids has an identifier of every provider type.
var uids = map[provider.Type]string{
	provider.AWS: "123456789012", provider.Azure: "00000000-1111-4222-8333-444444444444", provider.GCP: "acme-project-1", provider.Kubernetes: "cluster-1",
	provider.M365: "acme.example", provider.GitHub: "acme", provider.MongoDBAtlas: "0123456789abcdef01234567", provider.IaC: "https://github.com/acme/infra",
	provider.OracleCloud: "ocid1.tenancy.oc1..aaaa", provider.AlibabaCloud: "1234567890123456", provider.Cloudflare: "0123456789abcdef0123456789abcdef",
	provider.OpenStack: "project-1", provider.Image: "registry.example/app", provider.GoogleWorkspace: "C01234abc", provider.Vercel: "team_0123456789abcdef",
	provider.Okta: "acme.okta.com",
}

// TestHostileSecretsAreRefused sends what refers to the engine's machine, and what is no secret at all, for every provider type:
// each is a refusal that quotes nothing, and nothing is stored.
func TestHostileSecretsAreRefused(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	const mark = "never-shown-again"
	hostile := map[provider.Type][]map[string]any{
		provider.Kubernetes: {
			{"kubeconfig_content": "users: [{user: {exec: {command: " + mark + "}}}]"},
			{"kubeconfig_content": "a: &u {exec: {command: " + mark + "}}\nusers: [{user: {<<: *u}}]"},
			{"kubeconfig_content": "users: [{user: {token: x, token: " + mark + "}}]"},
			{"kubeconfig_content": "users: [{user: {tokenFile: /" + mark + "}}]"},
			{"kubeconfig_content": "users: [{user: {auth-provider: {name: " + mark + "}}}]"},
			{"kubeconfig_content": "a: b\n---\nusers: [{user: {exec: " + mark + "}}]"},
			{"kubeconfig_content": strings.Repeat(mark, 20_000)},
		},
		provider.OpenStack: {
			{"clouds_yaml_cloud": "m", "clouds_yaml_content": "clouds: {m: {cacert: /" + mark + "}}"},
			{"clouds_yaml_cloud": "m", "clouds_yaml_content": "clouds: {m: {profile: 'http://" + mark + "'}}"},
		},
		provider.GoogleWorkspace: {{"delegated_user": "a@example.com", "credentials_content": `{"type":"external_account","x":"` + mark + `"}`}},
		provider.Okta:            {{"okta_client_id": "c", "okta_private_key": "/etc/" + mark}},
		provider.M365:            {{"client_id": "c", "tenant_id": "t", "client_secret": "\u2019; " + mark + "; \u2018"}},
		provider.Vercel:          {{"api_token": strings.Repeat(mark, 20_000)}},
	}
	for _, kind := range provider.Types() {
		id := connect(t, ada, string(kind), uids[kind])
		secrets := []any{5, 1.5, true, "text " + mark, []any{mark}, []any{}, map[string]any{"": mark}}
		if kind == provider.GitHub || kind == provider.Image {
			secrets = secrets[:len(secrets)-1] // theirs may be empty
		}
		for _, one := range hostile[kind] {
			secrets = append(secrets, one)
		}
		for _, secret := range secrets {
			answer := store(t, ada, id, map[string]any{"secret_type": "static", "secret": secret})
			if answer.Status != 400 || strings.Contains(string(answer.Raw), mark) || !strings.HasPrefix(answer.String("/errors/0/source/pointer"), "/data/attributes/secret") {
				t.Errorf("%s %.60v: %d %.300s", kind, secret, answer.Status, answer.Raw)
			}
		}
		for _, key := range []map[string]any{{"type": "external_account", "x": mark}, {"credential_source": map[string]any{"file": mark}},
			{"type": "service_account", "token_uri": "http://" + mark}} {
			answer := store(t, ada, id, map[string]any{"secret_type": "service_account", "secret": map[string]any{"service_account_key": key}}).Want(t, 400)
			if strings.Contains(string(answer.Raw), mark) || answer.String("/errors/0/source/pointer") != "/data/attributes/secret/service_account_key" {
				t.Errorf("%s %v: %s", kind, key, answer.Raw)
			}
		}
	}
	if count := ada.Get(t, "/providers/secrets").Len("/data"); count != 0 {
		t.Errorf("%d secrets after refusals", count)
	}
}

// TestDocumentsThatAreNoneAreRefused sends attributes, ids and identifiers of the wrong kinds.
func TestDocumentsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	aws := connect(t, ada, "aws", "123456789012")
	secretID := store(t, ada, aws, map[string]any{"secret_type": "static", "secret": awsKeys()}).Want(t, 201).String("/data/id")
	for _, attributes := range []string{`[]`, `["secret"]`, `"text"`, `5`, `true`, `null`} {
		for path, body := range map[string]string{
			"POST /providers":                      `{"data":{"type":"providers","attributes":` + attributes + `}}`,
			"POST /providers/secrets":              `{"data":{"type":"provider-secrets","attributes":` + attributes + `}}`,
			"PATCH /providers/secrets/" + secretID: `{"data":{"type":"provider-secrets","id":"` + secretID + `","attributes":` + attributes + `}}`,
		} {
			method, path, _ := strings.Cut(path, " ")
			if answer := ada.Do(t, method, path, jsonapi.MediaType, []byte(body)); answer.Status != 400 || answer.Len("/errors") == 0 {
				t.Errorf("%s %s with %s: %d %s", method, path, attributes, answer.Status, answer.Raw)
			}
		}
	}
	for _, id := range []string{`5`, `true`, `null`, `[]`, `{}`, `1.5`, `"` + strings.Repeat("x", 1000) + `"`} {
		body := fmt.Sprintf(`{"data":{"type":"provider-secrets","attributes":{"secret_type":"static","secret":{"aws_access_key_id":"a","aws_secret_access_key":"b"}},
			"relationships":{"provider":{"data":{"type":"providers","id":%s}}}}}`, id)
		if answer := ada.Do(t, "POST", "/providers/secrets", jsonapi.MediaType, []byte(body)); answer.Status != 400 {
			t.Errorf("provider id %.20s: %d %s", id, answer.Status, answer.Raw)
		}
		body = fmt.Sprintf(`{"data":{"type":"provider-secrets","id":%s,"attributes":{"secret":{"aws_access_key_id":"a","aws_secret_access_key":"b"}}}}`, id)
		if answer := ada.Do(t, "PATCH", "/providers/secrets/"+secretID, jsonapi.MediaType, []byte(body)); answer.Status < 400 || answer.Status >= 500 {
			t.Errorf("id %.20s: %d %s", id, answer.Status, answer.Raw)
		}
	}
	for _, uid := range []any{"١٢٣٤٥٦٧٨٩٠١٢", "１２３４５６７８９０１２", "𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗𝟎𝟏𝟐", "12345678901²", "123456789012\u200b", true, []any{"222222222222"}, map[string]any{}, nil, 1.5} {
		answer := ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid}, nil)
		if answer.Status != 400 || answer.String("/errors/0/source/pointer") != "/data/attributes/uid" {
			t.Errorf("uid %v: %d %s", uid, answer.Status, answer.Raw)
		}
	}
	ada.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": json.Number("222222222222")}, nil).Want(t, 201)
	if count := ada.Get(t, "/providers").Len("/data"); count != 2 {
		t.Errorf("%d providers after refusals", count)
	}
}
