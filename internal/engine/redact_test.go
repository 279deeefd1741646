package engine

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// TestNoSecretOfAnyProviderTypeShows prints each credential in the ways in which libraries do: as it is, as part of an
// address, and cut out of the file's contents that it stands in.
func TestNoSecretOfAnyProviderTypeShows(t *testing.T) {
	t.Parallel()
	const hush, line = "hush+hush/hush=", "hush2line"
	pem := "-----BEGIN PRIVATE KEY-----\n" + line + "\n-----END PRIVATE KEY-----\n"
	quoted := func(value any) string {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	for kind, secret := range map[string]map[string]any{
		"aws":                {"aws_access_key_id": "AKIA", "aws_secret_access_key": hush, "aws_session_token": line},
		"azure":              {"client_id": "c", "client_secret": hush, "tenant_id": line},
		"gcp":                {"client_id": "c", "client_secret": hush, "refresh_token": line},
		"gcp key":            {"service_account_key": map[string]any{"type": "service_account", "private_key": pem, "private_key_id": hush}},
		"gcp key as text":    {"service_account_key": quoted(map[string]any{"private_key": pem, "private_key_id": hush})},
		"kubernetes":         {"kubeconfig_content": quoted(map[string]any{"kind": "Config", "users": []any{map[string]any{"user": map[string]any{"token": hush, "password": line}}}})},
		"kubernetes in YAML": {"kubeconfig_content": "kind: Config\nusers:\n- name: ci\n  user:\n    token: \"" + hush + "\"\n    password: " + line + "\n"},
		"m365":               {"client_id": "c", "client_secret": hush, "tenant_id": "t", "password": line},
		"github":             {"personal_access_token": hush, "oauth_app_token": line},
		"github app":         {"github_app_id": 1, "github_app_key_content": pem, "oauth_app_token": hush},
		"mongodbatlas":       {"atlas_public_key": hush, "atlas_private_key": line},
		"iac":                {"repository_url": "u", "access_token": hush + line},
		"oraclecloud":        {"user": "u", "fingerprint": "f", "tenancy": "t", "key_content": pem, "pass_phrase": hush},
		"alibabacloud":       {"access_key_id": "a", "access_key_secret": hush, "security_token": line},
		"cloudflare":         {"api_token": hush + line},
		"openstack":          {"clouds_yaml_cloud": "m", "clouds_yaml_content": quoted(map[string]any{"clouds": map[string]any{"m": map[string]any{"auth": map[string]any{"password": hush, "username": line}}}})},
		"image":              {"registry_username": line, "registry_password": hush},
		"googleworkspace":    {"delegated_user": "d", "credentials_content": quoted(map[string]any{"private_key": pem, "private_key_id": hush})},
		"vercel":             {"api_token": hush + line},
		"okta":               {"okta_client_id": hush, "okta_private_key": pem, "okta_scopes": []any{"s"}},
	} {
		redactor := newRedactor([]byte(quoted(secret)))
		shown := []string{hush, line, url.QueryEscape(hush), url.PathEscape(hush), quoted(pem), quoted(secret)}
		if strings.Contains(quoted(secret), hush+line) {
			shown = []string{hush + line, url.QueryEscape(hush + line), url.PathEscape(hush + line), quoted(secret)}
		}
		for _, text := range shown {
			got := redactor.clean("error: Config of https://user:" + text + "@example.com refused")
			if strings.Contains(got, "hush") || !strings.Contains(got, "Config of https://user:") {
				t.Errorf("%s: %s", kind, got)
			}
		}
	}
}
