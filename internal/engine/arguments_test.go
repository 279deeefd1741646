package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/provider"
)

// inspection loads the script without running it and says for each request which arguments the SDK's class is
// constructed and its connection tested with, and which of them the class does not take.
const inspection = `
import importlib.util, inspect, json, sys
spec = importlib.util.spec_from_file_location("script", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
def look(function, arguments):
    accepted = script.accepted(function, arguments)
    inspect.signature(function).bind(*([None] if function.__name__ == "__init__" else []), **accepted)
    return {"arguments": accepted, "dropped": sorted(set(arguments) - set(accepted))}
answers = []
for request in json.load(sys.stdin):
    made = script.provider_class(request["provider"])
    answers.append({"scan": look(made.__init__, {name: sorted(value) if isinstance(value, set) else value
                                                 for name, value in script.scan_arguments(request, request.get("scope") or {}).items()}),
                    "connection": look(made.test_connection, script.connection_arguments(request))})
print(json.dumps(answers))
`

type inspected struct {
	Arguments map[string]any `json:"arguments"`
	Dropped   []string       `json:"dropped"`
}

// TestRealEngineArguments looks at what every provider type's class is called with, against the class that is installed.
func TestRealEngineArguments(t *testing.T) {
	interpreter := enginetest.Real(t)
	const google = `{"type":"service_account"}`
	type call struct {
		name, kind, uid, secret string
		scan, connection        string   // arguments beside those that every type gets
		dropped                 []string // what only the construction takes
	}
	tests := []call{
		{"aws", "aws", "123456789012", `{"aws_access_key_id":"a","aws_secret_access_key":"b","aws_session_token":"c"}`,
			`{"aws_access_key_id":"a","aws_secret_access_key":"b","aws_session_token":"c"}`,
			`{"aws_access_key_id":"a","aws_secret_access_key":"b","aws_session_token":"c","provider_id":"123456789012"}`, nil},
		{"aws role", "aws", "123456789012", `{"role_arn":"r","external_id":"e","role_session_name":"n","session_duration":900}`,
			`{"role_arn":"r","external_id":"e","role_session_name":"n","session_duration":900}`,
			`{"role_arn":"r","external_id":"e","role_session_name":"n","session_duration":900,"provider_id":"123456789012"}`, nil},
		{"azure", "azure", "u", `{"client_id":"c","client_secret":"s","tenant_id":"t"}`,
			`{"client_id":"c","client_secret":"s","tenant_id":"t","subscription_ids":["u"]}`,
			`{"client_id":"c","client_secret":"s","tenant_id":"t","provider_id":"u"}`, nil},
		{"gcp", "gcp", "u", `{"client_id":"c","client_secret":"s","refresh_token":"r"}`,
			`{"client_id":"c","client_secret":"s","refresh_token":"r","project_ids":["u"]}`,
			`{"client_id":"c","client_secret":"s","refresh_token":"r","provider_id":"u"}`, nil},
		{"gcp key", "gcp", "u", `{"service_account_key":` + google + `}`,
			`{"service_account_key":` + google + `,"project_ids":["u"]}`, `{"service_account_key":` + google + `,"provider_id":"u"}`, nil},
		{"kubernetes", "kubernetes", "u", `{"kubeconfig_content":"{}"}`, `{"kubeconfig_content":"{}","context":"u"}`,
			`{"kubeconfig_content":"{}","provider_id":"u"}`, nil},
		{"m365", "m365", "u", `{"client_id":"c","client_secret":"s","tenant_id":"t","user":"x","password":"p"}`,
			`{"client_id":"c","client_secret":"s","tenant_id":"t","user":"x","password":"p"}`,
			`{"client_id":"c","client_secret":"s","tenant_id":"t","provider_id":"u"}`, []string{"password", "user"}},
		{"m365 certificate", "m365", "u", `{"client_id":"c","certificate_content":"YQ==","tenant_id":"t"}`,
			`{"client_id":"c","certificate_content":"YQ==","tenant_id":"t"}`, `{"client_id":"c","certificate_content":"YQ==","tenant_id":"t","provider_id":"u"}`, nil},
		{"github", "github", "u", `{"personal_access_token":"p"}`, `{"personal_access_token":"p","organizations":["u"]}`,
			`{"personal_access_token":"p","provider_id":"u"}`, nil},
		{"github app", "github", "u", `{"github_app_id":5,"github_app_key":"k"}`, `{"github_app_id":5,"github_app_key_content":"k","organizations":["u"]}`,
			`{"github_app_id":5,"github_app_key_content":"k","provider_id":"u"}`, nil},
		{"mongodbatlas", "mongodbatlas", "u", `{"atlas_public_key":"a","atlas_private_key":"b"}`,
			`{"atlas_public_key":"a","atlas_private_key":"b","atlas_organization_id":"u"}`, `{"atlas_public_key":"a","atlas_private_key":"b","provider_id":"u"}`, nil},
		{"iac", "iac", "u", `{"repository_url":"ignored","access_token":"a"}`, `{"oauth_app_token":"a","scan_repository_url":"u","provider_uid":"u"}`,
			`{"access_token":"a","scan_repository_url":"u","provider_id":"u"}`, nil},
		{"iac without a token", "iac", "u", `{}`, `{"scan_repository_url":"u","provider_uid":"u"}`, `{"scan_repository_url":"u","provider_id":"u"}`, nil},
		{"oraclecloud", "oraclecloud", "u", `{"user":"x","fingerprint":"f","tenancy":"t","key_content":"k","pass_phrase":"p","region":"r"}`,
			`{"user":"x","fingerprint":"f","tenancy":"t","key_content":"k","pass_phrase":"p"}`,
			`{"user":"x","fingerprint":"f","tenancy":"t","key_content":"k","pass_phrase":"p","region":"us-ashburn-1","provider_id":"u"}`, nil},
		{"alibabacloud", "alibabacloud", "u", `{"access_key_id":"a","access_key_secret":"b","security_token":"c"}`,
			`{"access_key_id":"a","access_key_secret":"b","security_token":"c"}`, `{"access_key_id":"a","access_key_secret":"b","security_token":"c","provider_id":"u"}`, nil},
		{"alibabacloud role", "alibabacloud", "u", `{"role_arn":"r","access_key_id":"a","access_key_secret":"b","role_session_name":"n"}`,
			`{"role_arn":"r","access_key_id":"a","access_key_secret":"b","role_session_name":"n"}`,
			`{"role_arn":"r","access_key_id":"a","access_key_secret":"b","role_session_name":"n","provider_id":"u"}`, nil},
		{"cloudflare", "cloudflare", "u", `{"api_token":"a"}`, `{"api_token":"a","filter_accounts":["u"]}`, `{"api_token":"a","provider_id":"u"}`, nil},
		{"cloudflare key", "cloudflare", "u", `{"api_key":"a","api_email":"e"}`, `{"api_key":"a","api_email":"e","filter_accounts":["u"]}`,
			`{"api_key":"a","api_email":"e","provider_id":"u"}`, nil},
		{"openstack", "openstack", "u", `{"clouds_yaml_content":"{}","clouds_yaml_cloud":"m"}`, `{"clouds_yaml_content":"{}","clouds_yaml_cloud":"m"}`,
			`{"clouds_yaml_content":"{}","clouds_yaml_cloud":"m","provider_id":"u"}`, nil},
		{"image", "image", "registry.example/app:1", `{"registry_username":"a","registry_password":""}`, `{"images":["registry.example/app:1"],"registry_username":"a"}`,
			`{"image":"registry.example/app:1","registry_username":"a","provider_id":"registry.example/app:1"}`, nil},
		{"image registry", "image", "registry.example", `{"registry_token":"a"}`, `{"registry":"registry.example","registry_token":"a"}`,
			`{"image":"registry.example","registry_token":"a","provider_id":"registry.example"}`, nil},
		{"googleworkspace", "googleworkspace", "u", `{"credentials_content":"{\"type\":\"service_account\"}","delegated_user":"d"}`,
			`{"credentials_content":"{\"type\":\"service_account\"}","delegated_user":"d"}`,
			`{"credentials_content":"{\"type\":\"service_account\"}","delegated_user":"d","provider_id":"u"}`, nil},
		{"vercel", "vercel", "u", `{"api_token":"a"}`, `{"api_token":"a","team_id":"u"}`, `{"api_token":"a","team_id":"u","provider_id":"u"}`, nil},
		{"okta", "okta", "u", `{"okta_client_id":"c","okta_private_key":"{}","okta_scopes":["s"]}`,
			`{"okta_client_id":"c","okta_private_key":"{}","okta_scopes":["s"],"okta_org_domain":"u"}`,
			`{"okta_client_id":"c","okta_private_key":"{}","okta_scopes":["s"],"okta_org_domain":"u","provider_id":"u"}`, nil},
	}
	for _, kind := range provider.TypeNames() {
		if !slices.ContainsFunc(tests, func(test call) bool { return test.kind == kind }) {
			t.Errorf("no case for %s", kind)
		}
	}
	requests := make([]map[string]any, len(tests))
	for i, test := range tests {
		secret := object(t, test.secret)
		// What the schemas leave out may lie in older rows; it must neither break the call nor reach the SDK.
		secret["profile"], secret["credentials_file"], secret["an unknown member"] = "root", "/etc/passwd", map[string]any{"any": "thing"}
		requests[i] = map[string]any{"provider": test.kind, "uid": test.uid, "secret": secret, "mutelist": map[string]any{"Mutelist": map[string]any{}}}
	}
	for i, got := range inspect(t, interpreter, requests) {
		test := tests[i]
		scan, connection := object(t, test.scan), object(t, test.connection)
		connection["raise_on_exception"] = false
		if test.kind != "iac" && test.kind != "image" {
			scan["mutelist_content"] = requests[i]["mutelist"]
		}
		if !reflect.DeepEqual(got.Scan.Arguments, scan) || len(got.Scan.Dropped) != 0 {
			t.Errorf("%s is scanned with\n     %v, without %v\nwant %v", test.name, got.Scan.Arguments, got.Scan.Dropped, scan)
		}
		if !reflect.DeepEqual(got.Connection.Arguments, connection) || !slices.Equal(got.Connection.Dropped, test.dropped) {
			t.Errorf("%s is connected with\n     %v, without %v\nwant %v, without %v", test.name, got.Connection.Arguments, got.Connection.Dropped, connection, test.dropped)
		}
	}
}

func inspect(t *testing.T, interpreter string, requests []map[string]any) (answers []struct{ Scan, Connection inspected }) {
	t.Helper()
	folder := t.TempDir()
	script := filepath.Join(folder, scriptName)
	if err := os.WriteFile(script, prowlerScript, 0o600); err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), interpreter, "-I", "-B", "-c", inspection, script)
	command.Dir, command.Stdin = folder, bytes.NewReader(input)
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &answers); err != nil || len(answers) != len(requests) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	return answers
}

func object(t *testing.T, text string) (decoded map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return decoded
}

// TestRealEngineTakesRegions compares what TakesRegions says of each type with the script and with the class that is installed.
func TestRealEngineTakesRegions(t *testing.T) {
	interpreter := enginetest.Real(t)
	var requests []map[string]any
	for _, kind := range provider.TypeNames() {
		if TakesRegions(kind) {
			requests = append(requests, map[string]any{"provider": kind, "uid": "u", "scope": map[string]any{"regions": []string{"b", "a"}},
				"secret": map[string]any{"aws_access_key_id": "a", "access_key_id": "a", "user": "u", "region": "dropped"}})
		}
	}
	for i, got := range inspect(t, interpreter, requests) {
		name := map[string]string{"aws": "regions", "alibabacloud": "regions", "oraclecloud": "region"}[requests[i]["provider"].(string)]
		regions, _ := got.Scan.Arguments[name].([]any)
		if len(got.Scan.Dropped) != 0 || len(regions) != 2 {
			t.Errorf("%s is scanned with %v, without %v", requests[i]["provider"], got.Scan.Arguments, got.Scan.Dropped)
		}
	}
	engine := NewProwler(Options{Python: interpreter, TempDir: t.TempDir()})
	for kind, scope := range map[string]Scope{"azure": {Regions: []string{"westeurope"}}, "aws": {Regions: []string{"mars-north-1"}},
		"oraclecloud": {Regions: []string{"mars-north-1"}}, "alibabacloud": {Regions: []string{"mars-north-1"}}, "image": {Services: []string{"s3"}}} {
		_, err := engine.Scan(t.Context(), Request{Provider: kind, UID: "u", Secret: Secret(`{}`), Scope: scope}, &collected{})
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
