package provider

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCanonicalKubeconfig(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct{ given, want string }{
		"usual": {
			"apiVersion: v1\nkind: Config\nclusters: []\nusers:\n- name: ci\n  user:\n    token: abc\n",
			`{"apiVersion":"v1","clusters":[],"kind":"Config","users":[{"name":"ci","user":{"token":"abc"}}]}`,
		},
		"empty mapping":  {"{}", `{}`},
		"no users":       {"a: b", `{"a":"b"}`},
		"no user":        {"users: [{name: a}]", `{"users":[{"name":"a"}]}`},
		"JSON":           {`{"users":[{"user":{"token":"a<b>"}}],"n":null}`, `{"n":null,"users":[{"user":{"token":"a<b>"}}]}`},
		"document start": {"---\na: b\n", `{"a":"b"}`},
		"types":          {"a: 1\nb: 1.50\nc: 0x1F\nd: true\ne: yes\nf: ~\ng: 2026-01-01\nh: '5'\ni: !!str 5\nj: .inf\n1: x", `{"1":"x","a":1,"b":1.50,"c":"0x1F","d":true,"e":"yes","f":null,"g":"2026-01-01","h":"5","i":"5","j":".inf"}`},
		"alias":          {"a: &x {token: t}\nusers: [{user: *x}]", `{"a":{"token":"t"},"users":[{"user":{"token":"t"}}]}`},
		"merge":          {"a: &x {p: 1, q: 1}\nb: &y {q: 2, r: 2}\nc: {<<: [*x, *y], p: 3}", `{"a":{"p":1,"q":1},"b":{"q":2,"r":2},"c":{"p":3,"q":1,"r":2}}`},
		"quoted merge":   {"a: &x {p: 1}\nc: {'<<': *x}", `{"a":{"p":1},"c":{"\u003c\u003c":{"p":1}}}`},
		"data keys":      {"users: [{user: {client-key-data: a, client-certificate-data: b}}]", `{"users":[{"user":{"client-certificate-data":"b","client-key-data":"a"}}]}`},
		"line breaks":    {`a: "b\x85\x7f"`, `{"a":"b\u0085\u007f"}`},
		"exec in a text": {"a: 'exec: x'", `{"a":"exec: x"}`},
	} {
		got, err := canonicalKubeconfig(one.given)
		want := strings.ReplaceAll(one.want, `\u003c`, "<")
		if err != nil || got != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", name, got, err, want)
			continue
		}
		if again, err := canonicalKubeconfig(got); err != nil || again != got {
			t.Errorf("%s: read again: %s, %v", name, again, err)
		}
	}
}

func TestKubeconfigRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	bomb := "a0: &a0 [x]\n"
	for i := 1; i < 12; i++ {
		previous := string(rune('a'+i-1)) + "0"
		if i == 1 {
			previous = "a0"
		}
		name := string(rune('a'+i)) + "0"
		bomb += name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat("*"+previous+",", 10), ",") + "]\n"
	}
	long := "a: &x " + strings.Repeat("y", 100_000) + "\nb: [" + strings.TrimSuffix(strings.Repeat("*x,", 1000), ",") + "]"
	for name, one := range map[string]struct {
		given string
		want  error
	}{
		"not YAML":                 {"a: [b", errKubeconfig},
		"scalar":                   {"hello", errKubeconfig},
		"list":                     {"- a", errKubeconfig},
		"comment":                  {"# nothing", errKubeconfig},
		"two documents":            {"a: b\n---\nusers: [{user: {exec: x}}]", errKubeconfig},
		"second document broken":   {"a: b\n---\n[", errKubeconfig},
		"users mapping":            {"users: {}", errKubeconfig},
		"users of texts":           {"users:\n- a", errKubeconfig},
		"users null":               {"users:", errKubeconfig},
		"user text":                {"users:\n- name: a\n  user: b", errKubeconfig},
		"user null":                {"users:\n- name: a\n  user:", errKubeconfig},
		"user list":                {"users: [{user: []}]", errKubeconfig},
		"own tag":                  {"a: !!python/object/apply:os.system [id]", errKubeconfig},
		"own tag of a scalar":      {"a: !x y", errKubeconfig},
		"own tag of a mapping":     {"!x {a: b}", errKubeconfig},
		"set":                      {"!!set {a, b}", errKubeconfig},
		"key is a list":            {"? [a]\n: b", errKubeconfig},
		"key twice":                {"users: [{user: {token: a, token: b}}]", errKubeconfig},
		"key twice by alias":       {"x: &k token\nusers: [{user: {token: a, *k : b}}]", errKubeconfig},
		"key twice by type":        {"1: a\n'1': b", errKubeconfig},
		"users twice":              {"users: []\nusers: [{user: {token: a}}]", errKubeconfig},
		"merge twice":              {"a: &x {p: 1}\nb: {<<: *x, <<: *x}", errKubeconfig},
		"merge of a text":          {"b: {<<: x}", errKubeconfig},
		"unknown alias":            {"a: *x", errKubeconfig},
		"alias to itself":          {"a: &x [*x]", errKubeconfig},
		"merge of itself":          {"a: &x {<<: *x}", errKubeconfig},
		"key too long":             {"? " + strings.Repeat("k", 1100) + "\n: b", errKubeconfig},
		"too deep":                 {"a: " + deep, errKubeconfig},
		"billion laughs":           {bomb, errKubeconfig},
		"long text many times":     {long, errKubeconfig},
		"too long":                 {"a: " + strings.Repeat("y", maxKubeconfig), errKubeconfig},
		"exec":                     {"users:\n- name: a\n  user:\n    exec:\n      command: aws", errCommands},
		"exec null":                {"users:\n- name: a\n  user:\n    exec:", errCommands},
		"second user":              {"users:\n- user: {token: x}\n- user: {exec: {command: aws}}", errCommands},
		"cmd-path":                 {"users: [{user: {auth-provider: {config: {cmd-path: /bin/gcloud}}}}]", errCommands},
		"exec in JSON":             {`{"users":[{"user":{"exec":{"command":"id"}}}]}`, errCommands},
		"exec escaped in JSON":     {`{"users":[{"user":{"\u0065xec":{"command":"id"}}}]}`, errCommands},
		"exec escaped in YAML":     {`users: [{user: {"e\x78ec": x}}]`, errCommands},
		"exec as complex key":      {"users:\n- user:\n    ? exec\n    : x", errCommands},
		"exec tagged":              {"users: [{user: {!!str exec: x}}]", errCommands},
		"exec by alias of the key": {"a: &k exec\nusers: [{user: {*k : x}}]", errCommands},
		"exec by alias":            {"a: &u {exec: x}\nusers: [{user: *u}]", errCommands},
		"exec by merge":            {"a: &u {exec: x}\nusers: [{user: {<<: *u, token: t}}]", errCommands},
		"exec by nested merge":     {"users: [{user: {<<: [{<<: {exec: x}}]}}]", errCommands},
		"users by merge":           {"<<: {users: [{user: {exec: x}}]}", errCommands},
		"exec in other case":       {"users: [{user: {Exec: x}}]", errCommands},
		"exec and a file":          {"users: [{user: {tokenFile: x, exec: x}}]", errCommands},
		"tokenFile":                {"users: [{user: {tokenFile: /var/run/secrets/token}}]", errFiles},
		"client-certificate":       {"users: [{user: {client-certificate: /etc/x}}]", errFiles},
		"client-key":               {"users: [{user: {client-key: /etc/x}}]", errFiles},
		"certificate-authority":    {"clusters: [{cluster: {certificate-authority: /etc/x}}]", errFiles},
		"authority of an issuer":   {"users: [{user: {auth-provider: {config: {idp-certificate-authority: /etc/x}}}}]", errFiles},
		"auth-provider":            {"users: [{user: {auth-provider: {name: gcp}}}]", errPlugins},
		"auth-provider null":       {"users: [{user: {auth-provider: }}]", errPlugins},
		"auth-provider by merge":   {"a: &u {auth-provider: {name: oidc}}\nusers: [{user: {<<: *u}}]", errPlugins},
		"line break in a key":      {`users: [{user: {"exec\x85": x}}]`, errCommands},
		"exec in UTF-16":           {"\xff\xfe" + utf16("users: [{user: {exec: x}}]"), errCommands},
		"file by merge":            {"a: &u {tokenFile: x}\nusers: [{user: {<<: *u}}]", errFiles},
	} {
		if got, err := canonicalKubeconfig(one.given); !errors.Is(err, one.want) || got != "" {
			t.Errorf("%s: %.100q, %v; want %v", name, got, err, one.want)
		}
	}
}

func utf16(text string) string {
	var encoded strings.Builder
	for _, r := range text {
		encoded.WriteByte(byte(r))
		encoded.WriteByte(0)
	}
	return encoded.String()
}

func TestKubeconfigTexts(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"hello":                           "Invalid Kubernetes kubeconfig content.",
		"users: [{user: {exec: x}}]":      "Kubernetes kubeconfig command-based authentication is not supported in Prowler Cloud for security reasons.",
		"users: [{user: {tokenFile: x}}]": fileKubeconfig,
		"users: [{user: {auth-provider: {name: gcp}}}]": pluginKubeconfig,
	} {
		_, refused := kubeconfig("secret/kubeconfig_content", given)
		if len(refused) != 1 || refused[0].Detail != want || refused[0].Code != "invalid" || refused[0].Pointer != "/data/attributes/secret/kubeconfig_content" {
			t.Errorf("%q: %+v", given, refused)
		}
	}
}

func FuzzKubeconfig(f *testing.F) {
	for _, seed := range []string{
		"users:\n- name: a\n  user:\n    exec:\n      command: aws",
		"a: &u {exec: x}\nusers: [{user: {<<: *u, token: t}}]",
		`{"users":[{"user":{"token":"x"}}]}`,
		"a: &x [*x]",
		"? [a]\n: b",
		"a: !!binary aGk=\nb: !!float 1\nc: 0o7\n<<: {d: 1}",
		"--- a: b\n...\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		canonical, err := canonicalKubeconfig(given)
		if err != nil {
			return
		}
		for _, key := range keysOf(t, canonical) {
			if slices.Contains(slices.Concat(commandKeys, fileKeys, pluginKeys), strings.ToLower(strings.TrimSpace(key))) {
				t.Errorf("%q lets %s through: %s", given, key, canonical)
			}
		}
		if again, err := canonicalKubeconfig(canonical); err != nil || again != canonical {
			t.Errorf("%q is stored as %s, which reads as %s, %v", given, canonical, again, err)
		}
	})
}

// keysOf returns the keys of all objects in a JSON text, read token by token.
func keysOf(t *testing.T, text string) (keys []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	var objects []bool // whether each open bracket is an object's
	atKey := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return keys
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			objects = append(objects, token == json.Delim('{'))
			atKey = token == json.Delim('{')
			continue
		case json.Delim('}'), json.Delim(']'):
			objects = objects[:len(objects)-1]
		default:
			if atKey {
				keys = append(keys, token.(string))
				atKey = false
				continue
			}
		}
		atKey = len(objects) > 0 && objects[len(objects)-1]
	}
}
