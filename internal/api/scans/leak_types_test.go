package scans_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/provider"
)

// TestNoSecretOfAnyProviderTypeShows checks the connection of, and scans, an account of every type with an engine that prints
// every text of its secret and gives them all as the reason of a refusal.
func TestNoSecretOfAnyProviderTypeShows(t *testing.T) {
	t.Parallel()
	const token = enginetest.Token
	key := "-----BEGIN PRIVATE KEY-----\n" + token + "\n-----END PRIVATE KEY-----\n"
	static := map[string]any{"secret_type": provider.Static}
	accounts := map[provider.Type]struct {
		uid    string
		secret map[string]any
	}{
		provider.AWS:          {"123456789012", enginetest.Secret(enginetest.Refused)},
		provider.Azure:        {"00000000-1111-4222-8333-444444444444", map[string]any{"client_id": "c", "client_secret": token, "tenant_id": "t"}},
		provider.GCP:          {"acme-project-1", map[string]any{"client_id": "c", "client_secret": token, "refresh_token": token + token}},
		provider.Kubernetes:   {"cluster-1", map[string]any{"kubeconfig_content": "users:\n- name: ci\n  user:\n    token: " + token + "\n"}},
		provider.M365:         {"acme.example", map[string]any{"client_id": "c", "client_secret": token, "tenant_id": "t"}},
		provider.GitHub:       {"acme", map[string]any{"github_app_id": 1, "github_app_key_content": key, "personal_access_token": token}},
		provider.MongoDBAtlas: {"0123456789abcdef01234567", map[string]any{"atlas_public_key": "p", "atlas_private_key": token}},
		provider.IaC:          {"https://github.com/acme/infra", map[string]any{"repository_url": "https://github.com/acme/infra", "access_token": token}},
		provider.OracleCloud: {"ocid1.tenancy.oc1..aaaa", map[string]any{"user": "u", "fingerprint": "f", "tenancy": "t", "key_content": key,
			"pass_phrase": token}},
		provider.AlibabaCloud: {"1234567890123456", map[string]any{"access_key_id": "a", "access_key_secret": token}},
		provider.Cloudflare:   {"0123456789abcdef0123456789abcdef", map[string]any{"api_token": token}},
		provider.OpenStack: {"project-1", map[string]any{"clouds_yaml_cloud": "m",
			"clouds_yaml_content": "clouds:\n  m:\n    auth:\n      password: " + token + "\n"}},
		provider.Image: {"registry.example/app", map[string]any{"registry_username": "u", "registry_password": token}},
		provider.GoogleWorkspace: {"C01234abc", map[string]any{"delegated_user": "a@example.com",
			"credentials_content": `{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\n` + token + `\n-----END PRIVATE KEY-----\n"}`}},
		provider.Vercel: {"team_0123456789abcdef", map[string]any{"api_token": token}},
		provider.Okta:   {"acme.okta.com", map[string]any{"okta_client_id": "c", "okta_private_key": key}},
	}
	var log lockedBuffer
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{EnginePython: enginetest.Interpreter(t)},
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	for _, kind := range provider.Types() {
		account := accounts[kind]
		static["secret"] = account.secret
		id := ada.Post(t, "/providers", "providers", map[string]any{"provider": string(kind), "uid": account.uid}, nil).Want(t, 201).String("/data/id")
		ada.Post(t, "/providers/secrets", "provider-secrets", static, map[string]any{"provider": apitest.One("providers", id)}).Want(t, 201)
		check := reachable(t, ada, id)
		scan := ended(t, ada, start(t, ada, id, "").String("/data/id"))
		if shows([]byte(check)) || shows(scan.Raw) {
			t.Errorf("%s shows its secret: %s\n%s", kind, check, scan.Raw)
		}
		if !strings.Contains(check, "AccessDenied for ") || !strings.Contains(check, "***") {
			t.Errorf("%s was not refused by the engine: %s", kind, check)
		}
	}
	if shows(ada.Get(t, "/tasks?page[size]=100").Want(t, 200).Raw) || shows([]byte(log.String())) {
		t.Error("the tasks or the log show a secret")
	}
	noSecretIn(t, server.DB)
}
