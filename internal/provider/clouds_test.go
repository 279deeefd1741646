package provider

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCanonicalClouds(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct{ given, want string }{
		"usual": {"clouds:\n  main:\n    auth:\n      auth_url: https://keystone.example/v3\n      username: u\n      password: 0123\n    region_name: r1\n",
			`{"clouds":{"main":{"auth":{"auth_url":"https://keystone.example/v3","password":"0123","username":"u"},"region_name":"r1"}}}`},
		"clouds with names of files": {"clouds: {cert: {a: 1}, key: {profile: ovh}}", `{"clouds":{"cert":{"a":1},"key":{"profile":"ovh"}}}`},
		"no mapping":                 {"- a", `["a"]`},
		"a text":                     {"hello", `"hello"`},
		"no YAML":                    {"not: [yaml", `"not: [yaml"`},
		"no YAML that refers":        {"cacert: [yaml", `"cacert: [yaml"`},
		"control characters":         {"a: \x7f", `"a: \u007f"`},
		"alias":                      {"a: &x {p: 1}\nclouds: {m: *x}", `{"a":{"p":1},"clouds":{"m":{"p":1}}}`},
	} {
		got, err := canonicalClouds(one.given)
		if err != nil || got != one.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", name, got, err, one.want)
			continue
		}
		if again, err := canonicalClouds(got); err != nil || again != got {
			t.Errorf("%s: read again: %s, %v", name, again, err)
		}
	}
}

func TestCloudsRefused(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		given string
		want  error
	}{
		"cacert":             {"clouds: {m: {cacert: /etc/passwd}}", errFiles},
		"cert":               {"clouds: {m: {cert: /etc/passwd}}", errFiles},
		"key":                {"clouds: {m: {key: /etc/passwd}}", errFiles},
		"client-key":         {"clouds: {m: {auth: {client-key: x}}}", errFiles},
		"other case":         {"clouds: {m: {CaCert: x}}", errFiles},
		"in a list":          {"clouds: {m: {regions: [{name: a, values: {cacert: x}}]}}", errFiles},
		"outside of clouds":  {"client: {cafile: x}", errFiles},
		"clouds is a list":   {"clouds: [{key: x}]", errFiles},
		"by merge":           {"a: &x {cacert: /etc/passwd}\nclouds: {m: {<<: *x}}", errFiles},
		"by alias":           {"clouds: {a: &x {cert: y}, b: *x}", errFiles},
		"in JSON":            {`{"clouds":{"m":{"\u0063acert":"x"}}}`, errFiles},
		"hook":               {"clouds: {m: {vendor_hook: 'os:system'}}", errFiles},
		"remote profile":     {"clouds: {m: {profile: 'http://169.254.169.254/'}}", errFiles},
		"remote profile, //": {"clouds: {m: {cloud: '//evil.example'}}", errFiles},
		"key twice":          {"clouds: {m: {a: 1, a: 2}}", errKubeconfig},
		"two documents":      {"clouds: {}\n---\nclouds: {}", errKubeconfig},
		"own tag":            {"clouds: !!python/object/apply:os.system [id]", errKubeconfig},
		"alias to itself":    {"clouds: &x {m: *x}", errKubeconfig},
		"too long":           {"a: " + strings.Repeat("y", maxKubeconfig), errKubeconfig},
		"too long, escaped":  {"[" + strings.Repeat("\x7f", maxKubeconfig/2), errKubeconfig},
	} {
		if got, err := canonicalClouds(one.given); !errors.Is(err, one.want) || got != "" {
			t.Errorf("%s: %.100q, %v; want %v", name, got, err, one.want)
		}
	}
}

func FuzzClouds(f *testing.F) {
	for _, seed := range []string{
		"clouds: {m: {cacert: x}}", "a: &x {cert: y}\nclouds: {m: {<<: *x}}", "not: [yaml", "hello", "a: \x7f", `{"clouds":{"m":{"profile":"//x"}}}`,
		"clouds: {key: {a: b}}", "--- a\n--- b", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		canonical, err := canonicalClouds(given)
		if err != nil || !utf8.ValidString(given) {
			return
		}
		for _, key := range keysOf(t, canonical) {
			// Those that a cloud may have for a name are not looked for.
			if slices.Contains([]string{"cacert", "ca_cert", "cert_file", "key_file", "vendor_hook"}, key) && !strings.Contains(canonical, `"clouds":`) {
				t.Errorf("%q lets %s through: %s", given, key, canonical)
			}
		}
		if again, err := canonicalClouds(canonical); err != nil || again != canonical {
			t.Errorf("%q is stored as %s, which reads as %s, %v", given, canonical, again, err)
		}
	})
}

func FuzzGoogleKey(f *testing.F) {
	for _, seed := range []string{
		`{"type":"service_account","token_uri":"https://oauth2.googleapis.com/token"}`, `{"credential_source":{}}`, `{"a":NaN}`,
		`{"type":"external_account","type":"service_account"}`, "not json", `{"a":"{\"credential_source\":1}"}`, `{"token_uri":"https://x/"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		stored, refused := serviceAccountText("secret/credentials_content", given)
		if refused != nil {
			return
		}
		text := stored.(string)
		if object, err := decodeObject(text); err == nil && googleKeyFault(object, 0) != "" {
			t.Errorf("%q lets %s through", given, text)
		}
		if again, refused := serviceAccountText("secret/credentials_content", text); refused != nil || again != text {
			t.Errorf("%q is stored as %s, which reads as %v, %v", given, text, again, refused)
		}
	})
}
