package authz

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Limits of a policy folder. They only have to keep a wrong path from being read in.
const (
	maxFileBytes   = 1 << 20
	maxFolderBytes = 16 << 20
	maxFolderDepth = 8
)

// Folders are the files that a policy is made of.
type Folders struct {
	Base  fs.FS // a whole policy: the built-in one, or another in its place
	Layer fs.FS // an operator's files in addition, which may not touch those of Base; nil: none
}

// source is a policy as files, read once: hash, checks and compilation all look at the same bytes.
type source struct {
	files map[string][]byte
	names []string        // ascending
	own   map[string]bool // the names of the layer's files; nil: there is no layer
}

// readSource reads every .rego and .json file below the folders. Names that begin with a dot are left out. Links are
// followed, because that is how Kubernetes mounts a ConfigMap.
func readSource(folders Folders) (*source, error) {
	src, err := readFolders(folders.Base)
	if err != nil {
		return nil, err
	}
	if folders.Layer == nil {
		return src, nil
	}
	layer, err := readFolders(folders.Layer)
	if err != nil {
		return nil, err
	}
	src.own = map[string]bool{}
	var problems Problems
	for _, name := range layer.names {
		if _, taken := src.files[name]; taken {
			problems = append(problems, Problem{Kind: KindLayer, File: name, Message: "the built-in policy has a file of that name: a policy " +
				"folder adds files to it; give yours another name, or set policy-replace when the folder is meant to take its place"})
			continue
		}
		src.own[name], src.files[name] = true, layer.files[name]
	}
	src.names = slices.Sorted(maps.Keys(src.files))
	if err := problems.asError(); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return src, nil
}

func readFolders(fsys fs.FS) (*source, error) {
	src := &source{files: map[string][]byte{}}
	if err := src.readFolder(fsys, ".", 0, new(int64)); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if len(src.files) == 0 {
		return nil, errors.New("read policy: the folder holds no .rego and no .json file")
	}
	src.names = slices.Sorted(maps.Keys(src.files))
	return src, nil
}

// base is the policy without its layer.
func (s *source) base() *source {
	if s.own == nil {
		return s
	}
	rest := &source{files: map[string][]byte{}}
	for _, name := range s.names {
		if !s.own[name] {
			rest.files[name], rest.names = s.files[name], append(rest.names, name)
		}
	}
	return rest
}

func (s *source) readFolder(fsys fs.FS, folder string, depth int, total *int64) error {
	if depth > maxFolderDepth {
		return fmt.Errorf("%s: folders nested deeper than %d", folder, maxFolderDepth)
	}
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		name := path.Join(folder, entry.Name())
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return err
		}
		switch {
		case info.IsDir():
			if err := s.readFolder(fsys, name, depth+1, total); err != nil {
				return err
			}
		case path.Ext(name) == ".rego" || path.Ext(name) == ".json":
			content, err := readFile(fsys, name)
			if err != nil {
				return err
			}
			if *total += int64(len(content)); *total > maxFolderBytes {
				return fmt.Errorf("the folder holds more than %d bytes", maxFolderBytes)
			}
			s.files[name] = content
		}
	}
	return nil
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFileBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFileBytes)
	}
	return content, nil
}

// revision is a hash of all names and contents, short enough to read in a log line.
func (s *source) revision() string {
	hash := sha256.New()
	for _, name := range s.names {
		title := name
		if s.own[name] {
			title = "layer:" + name
		}
		for _, part := range [][]byte{[]byte(title), s.files[name]} {
			_ = binary.Write(hash, binary.BigEndian, uint64(len(part)))
			hash.Write(part)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}

func isTestFile(name string) bool { return strings.HasSuffix(name, "_test.rego") }

// isRule picks the files of rules.
func isRule(name string) bool { return !isTestFile(name) }

// everyFile picks rules and tests.
func everyFile(string) bool { return true }

// ownTest picks the files of rules and the layer's tests.
func (s *source) ownTest(name string) bool { return isRule(name) || s.own[name] }

// modules parses the Rego files that are picked.
func (s *source) modules(picked func(name string) bool) (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	var problems Problems
	for _, name := range s.names {
		if path.Ext(name) != ".rego" || !picked(name) {
			continue
		}
		module, err := ast.ParseModuleWithOpts(name, string(s.files[name]), parserOptions())
		if err != nil {
			problems = append(problems, asProblems(KindSyntax, name, err)...)
			continue
		}
		if s.own[name] {
			problems = append(problems, layerProblems(name, module)...)
		}
		modules[name] = module
	}
	return modules, problems.asError()
}

func parserOptions() ast.ParserOptions {
	return ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true, Capabilities: capabilities()}
}

// capabilities are the language without what depends on anything but the input: a decision that depended on the
// clock, the network or chance could be neither cached nor explained.
func capabilities() *ast.Capabilities {
	all := ast.CapabilitiesForThisVersion()
	all.Builtins = slices.DeleteFunc(slices.Clone(all.Builtins), func(builtin *ast.Builtin) bool {
		return builtin.IsNondeterministic()
	})
	all.AllowNet = []string{}
	return all
}

//go:embed input.schema.json
var inputSchema []byte

// schemas lets the compiler refuse a policy that looks at an input which does not exist, such as a misspelt name.
func schemas() (*ast.SchemaSet, error) {
	var input any
	if err := json.Unmarshal(inputSchema, &input); err != nil {
		return nil, fmt.Errorf("input schema: %w", err)
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, input)
	return set, nil
}

// newCompiler makes the one kind of compiler that policies go through. Data is what the JSON files hold.
func newCompiler(data map[string]any) (*ast.Compiler, error) {
	set, err := schemas()
	if err != nil {
		return nil, err
	}
	return ast.NewCompiler().
		WithStrict(true).
		WithDefaultRegoVersion(ast.RegoV1).
		WithCapabilities(capabilities()).
		WithSchemas(set).
		WithPathConflictsCheck(func(at []string) (bool, error) { return present(data, at), nil }), nil
}

// data merges the JSON files; the content of a/b/c.json is found below data.a.b, as OPA itself mounts it.
func (s *source) data() (map[string]any, error) {
	root := map[string]any{}
	var problems Problems
	for _, name := range s.names {
		if path.Ext(name) != ".json" {
			continue
		}
		var content map[string]any
		if err := decodeStrictly(s.files[name], &content); err != nil {
			problems = append(problems, Problem{Kind: KindData, File: name, Message: err.Error()})
			continue
		}
		if root := dataRoot(name, content); s.own[name] && reserved[root] {
			problems = append(problems, Problem{Kind: KindLayer, File: name,
				Message: "data." + root + " is the built-in policy's: put data of your own elsewhere"})
			continue
		}
		if folder := path.Dir(name); folder != "." {
			parts := strings.Split(folder, "/")
			for i := len(parts) - 1; i >= 0; i-- {
				content = map[string]any{parts[i]: content}
			}
		}
		if at, ok := merge(root, content); !ok {
			problems = append(problems, Problem{Kind: KindData, File: name, Message: at + " is set by two files"})
		}
	}
	return root, problems.asError()
}

// dataRoot is the first name below data that a JSON file reaches; of a file at the top, one of the reserved ones if it has any.
func dataRoot(name string, content map[string]any) string {
	if folder, _, below := strings.Cut(name, "/"); below {
		return folder
	}
	for key := range content {
		if reserved[key] {
			return key
		}
	}
	return ""
}

// decodeStrictly reads exactly one JSON document without unknown or repeated members.
func decodeStrictly(content []byte, into any) error {
	if err := refuseRepeated(json.NewDecoder(bytes.NewReader(content))); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}

// refuseRepeated walks one JSON value: of an operation that is listed twice, the reader would see one entry and
// the decoder take the other.
func refuseRepeated(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for decoder.More() {
		if delim == '{' {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			name := key.(string)
			if seen[name] {
				return fmt.Errorf("%q is there twice", name)
			}
			seen[name] = true
		}
		if err := refuseRepeated(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

func merge(into, from map[string]any) (at string, ok bool) {
	for key, value := range from {
		existing, present := into[key]
		if !present {
			into[key] = value
			continue
		}
		left, leftOK := existing.(map[string]any)
		right, rightOK := value.(map[string]any)
		if !leftOK || !rightOK {
			return key, false
		}
		if at, ok := merge(left, right); !ok {
			return key + "." + at, false
		}
	}
	return "", true
}

func present(data map[string]any, at []string) bool {
	if len(at) == 0 {
		return true
	}
	value, ok := data[at[0]]
	if !ok || len(at) == 1 {
		return ok
	}
	inner, ok := value.(map[string]any)
	return ok && present(inner, at[1:])
}

// operations reads the operation table from rbac/operations.json and rbac/rules.json.
func (s *source) operations() (map[Operation]OperationInfo, error) {
	const operationsFile, rulesFile = "rbac/operations.json", "rbac/rules.json"
	var table struct {
		Operations map[Operation]struct {
			Rule   string `json:"rule"`
			Method string `json:"method"`
			Path   string `json:"path"`
		} `json:"operations"`
	}
	var rules struct {
		Rules map[string]struct {
			Permission string `json:"permission"`
			Sentence   string `json:"sentence"`
		} `json:"rules"`
	}
	var problems Problems
	report := func(file, format string, args ...any) {
		problems = append(problems, Problem{Kind: KindData, File: file, Message: fmt.Sprintf(format, args...)})
	}
	if err := decodeStrictly(s.files[operationsFile], &table); err != nil {
		report(operationsFile, "%v", err)
	}
	if err := decodeStrictly(s.files[rulesFile], &rules); err != nil {
		report(rulesFile, "%v", err)
	}
	if problems != nil {
		return nil, problems
	}
	for id, rule := range rules.Rules {
		if rule.Sentence == "" {
			report(rulesFile, "rule %q has no sentence", id)
		}
		if !knownPermission(rule.Permission) {
			report(rulesFile, "rule %q asks for %q, which is no permission", id, rule.Permission)
		}
	}
	operations := make(map[Operation]OperationInfo, len(table.Operations))
	for name, operation := range table.Operations {
		rule, ok := rules.Rules[operation.Rule]
		if !ok {
			report(operationsFile, "operation %q names rule %q, which rules.json does not have", name, operation.Rule)
		}
		switch operation.Method {
		case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		default:
			report(operationsFile, "operation %q has the method %q", name, operation.Method)
		}
		if !strings.HasPrefix(operation.Path, "/") {
			report(operationsFile, "operation %q has the path %q", name, operation.Path)
		}
		operations[name] = OperationInfo{
			Permission: rule.Permission, Rule: operation.Rule, Sentence: rule.Sentence,
			Method: operation.Method, Path: operation.Path,
		}
	}
	return operations, problems.asError()
}

func knownPermission(name string) bool {
	return slices.Contains([]string{"anonymous", "authenticated", "member"}, name) ||
		slices.Contains(permissionNames[:], name)
}
