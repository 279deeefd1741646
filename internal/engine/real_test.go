package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/ocsf"
)

// collected is a sink that keeps the findings.
type collected struct {
	findings []ocsf.Finding
	progress float64
	refused  int
}

func (c *collected) Connected() error               { return nil }
func (c *collected) Progress(percent float64) error { c.progress = percent; return nil }
func (c *collected) Finding(finding ocsf.Finding) error {
	c.findings = append(c.findings, finding)
	return nil
}
func (c *collected) Refused(*ocsf.ItemError) error { c.refused++; return nil }

func TestRealEngineAgainstAnEmulator(t *testing.T) {
	interpreter := enginetest.Real(t)
	t.Setenv("AWS_ENDPOINT_URL", enginetest.Emulator(t, interpreter))
	var checks catalogue.Checks
	engine := NewProwler(Options{
		Python: interpreter, TempDir: t.TempDir(), PassEnv: []string{"AWS_ENDPOINT_URL"}, ScanTimeout: 5 * time.Minute,
		Checks: func(context.Context) (*catalogue.Checks, error) { return &checks, nil },
	})
	secret := Secret(`{"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "unknown_member": 1}`)
	right := Request{Provider: "aws", UID: enginetest.EmulatedAccount, Secret: secret, Scope: Scope{Services: []string{"iam", "s3"}, Regions: []string{"us-east-1"}}}
	wrong := right
	wrong.UID = "999999999999"

	t.Run("describe", func(t *testing.T) {
		frameworks := 0
		header, err := engine.Describe(t.Context(), func(c catalogue.Check) error { checks.Add(c); return nil },
			func(catalogue.Framework) error { frameworks++; return nil }, "aws")
		if err != nil || header.Version == "" || checks.Len() < 100 || frameworks < 10 {
			t.Fatalf("%+v: %d checks, %d frameworks, %v", header, checks.Len(), frameworks, err)
		}
	})
	t.Run("connect", func(t *testing.T) {
		if got, err := engine.Connect(t.Context(), right); err != nil || !got.Connected || got.Error != "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("connect to another account", func(t *testing.T) {
		got, err := engine.Connect(t.Context(), wrong)
		if err != nil || got.Connected || got.Error == "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("scan", func(t *testing.T) {
		var got collected
		result, err := engine.Scan(t.Context(), right, &got)
		if err != nil {
			t.Fatalf("%v\n%s", err, outputOf(err))
		}
		if len(got.findings) == 0 || got.progress != 100 || got.refused != 0 || result.Findings != int64(len(got.findings)) {
			t.Fatalf("%d findings, progress %v, %+v", len(got.findings), got.progress, result)
		}
		for _, finding := range got.findings {
			if finding.AccountUID != enginetest.EmulatedAccount || (finding.Resource.Service != "iam" && finding.Resource.Service != "s3") {
				t.Errorf("a finding that was not asked for: %+v", finding)
			}
			if known, ok := checks.Lookup("aws", finding.CheckID); !ok || finding.Check.ResourceGroup != known.ResourceGroup {
				t.Errorf("%s was not completed from the engine's own catalogue", finding.CheckID)
			}
		}
		if strings.Contains(result.Output, "wJalrXUtnFEMI") {
			t.Error("the secret shows in the engine's output")
		}
	})
	t.Run("scan of another account", func(t *testing.T) {
		_, err := engine.Scan(t.Context(), wrong, &collected{})
		if failure, ok := errors.AsType[*NotConnectedError](err); !ok || failure.Reason == "" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("unknown check", func(t *testing.T) {
		unknown := right
		unknown.Scope = Scope{Checks: []string{"no_such_check"}}
		if _, err := engine.Scan(t.Context(), unknown, &collected{}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no_such_check") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("unknown provider type", func(t *testing.T) {
		unknown := right
		unknown.Provider = "mainframe"
		if _, err := engine.Connect(t.Context(), unknown); !errors.Is(err, ErrRefused) {
			t.Errorf("got %v", err)
		}
	})
}

// TestRealEngineFitsTheSDK offers secrets that open nothing: each gives a reason of the SDK's and none an error of
// ours, which shows that class and argument names fit. Types whose SDK would call the internet are left out.
func TestRealEngineFitsTheSDK(t *testing.T) {
	engine := NewProwler(Options{Python: enginetest.Real(t), TempDir: t.TempDir(), ConnectTimeout: time.Minute})
	for kind, test := range map[string]struct{ uid, secret string }{
		"kubernetes":      {"cluster", `{"kubeconfig_content": "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []"}`},
		"iac":             {"https://127.0.0.1:1/nothing.git", `{}`},
		"image":           {"127.0.0.1:1/nothing:none", `{}`},
		"oraclecloud":     {"ocid1.tenancy.oc1..a", `{"user": "u", "fingerprint": "f", "tenancy": "t", "key_content": "a2V5"}`},
		"openstack":       {"project", `{"clouds_yaml_content": "clouds: {}", "clouds_yaml_cloud": "none"}`},
		"googleworkspace": {"C0123", `{"credentials_content": "{\"type\": \"service_account\"}", "delegated_user": "a@example.org"}`},
	} {
		t.Run(kind, func(t *testing.T) {
			got, err := engine.Connect(t.Context(), Request{Provider: kind, UID: test.uid, Secret: Secret(test.secret)})
			if err != nil || got.Connected || got.Error == "" {
				t.Errorf("got %+v, %v\n%s", got, err, outputOf(err))
			}
			for _, misfit := range []string{"unexpected keyword", "has no attribute", "takes", "No module"} {
				if strings.Contains(got.Error, misfit) {
					t.Errorf("names do not fit: %s", got.Error)
				}
			}
		})
	}
}

// TestRealEngineRefusesWhatIsOfThisMachine offers secrets that would have the SDK read files, run commands or take the
// identity of the machine that it runs on.
func TestRealEngineRefusesWhatIsOfThisMachine(t *testing.T) {
	engine := NewProwler(Options{Python: enginetest.Real(t), TempDir: t.TempDir(), ConnectTimeout: time.Minute})
	for name, test := range map[string]struct{ kind, secret, reason string }{
		"kubeconfig by path":   {"kubernetes", `{"kubeconfig_file": "/etc/hosts"}`, "holds nothing"},
		"kubeconfig, token":    {"kubernetes", `{"kubeconfig_content": "users: [{name: a, user: {tokenFile: /etc/hosts}}]"}`, "tokenFile"},
		"kubeconfig, command":  {"kubernetes", `{"kubeconfig_content": "users: [{name: a, user: {exec: {command: id}}}]"}`, "exec"},
		"kubeconfig, ca":       {"kubernetes", `{"kubeconfig_content": "clusters: [{cluster: {certificate-authority: /etc/hosts}}]"}`, "certificate-authority"},
		"kubeconfig, no map":   {"kubernetes", `{"kubeconfig_content": "- a"}`, "not valid"},
		"gcp external account": {"gcp", `{"service_account_key": {"type": "external_account", "credential_source": {"file": "/etc/hosts"}}}`, "service_account"},
		"gcp tokens elsewhere": {"gcp", `{"service_account_key": {"type": "service_account", "token_uri": "http://169.254.169.254/"}}`, "token_uri"},
		"workspace, external":  {"googleworkspace", `{"credentials_content": "{\"type\": \"external_account\"}", "delegated_user": "a@example.org"}`, "service_account"},
		"okta key by path":     {"okta", `{"okta_client_id": "c", "okta_private_key": "/etc/hosts"}`, "neither PEM nor JWK"},
		"m365 quotes":          {"m365", `{"client_id": "c", "tenant_id": "t", "client_secret": "\u2019; id; \u2018"}`, "typographic"},
		"gcp by path":          {"gcp", `{"credentials_file": "/etc/hosts"}`, "holds nothing"},
		"azure identity":       {"azure", `{"managed_identity_auth": true}`, "holds nothing"},
		"aws profile":          {"aws", `{"profile": "default"}`, "holds nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := engine.Connect(t.Context(), Request{Provider: test.kind, UID: "uid", Secret: Secret(test.secret)})
			if err != nil || got.Connected || !strings.Contains(got.Error, test.reason) {
				t.Errorf("got %+v, %v\n%s", got, err, outputOf(err))
			}
		})
	}
}

func outputOf(err error) string {
	if failure, ok := errors.AsType[*ProcessError](err); ok {
		return fmt.Sprint(failure.Output)
	}
	return ""
}
