package provider

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Limits of a kubeconfig, before and after its aliases are replaced.
const (
	maxKubeconfig      = 256 << 10 // bytes; parsing takes a hundred times as much memory
	maxKubeconfigDepth = 64
	maxKubeconfigNodes = 100_000
	maxKubeconfigKey   = 1000 // bytes as written in JSON; YAML takes 1024 for a key without a question mark
)

// Keys of a kubeconfig, in lower case, that make a client run a program or read a file of its machine. The engine's
// machine is not the tenant's, so none may be used, wherever they stand.
var (
	commandKeys = []string{"exec", "cmd-path"}
	pluginKeys  = []string{"auth-provider"} // some kinds use the identity of the machine, and none is known to the engine
	fileKeys    = []string{"tokenfile", "client-certificate", "client-key", "certificate-authority", "idp-certificate-authority"}
)

const (
	invalidKubeconfig = "Invalid Kubernetes kubeconfig content."
	commandKubeconfig = "Kubernetes kubeconfig command-based authentication is not supported in Prowler Cloud for security reasons."
	pluginKubeconfig  = "Kubernetes kubeconfig authentication through an auth-provider is not supported for security reasons."
	fileKubeconfig    = "Kubernetes kubeconfig references to local files are not supported for security reasons: embed the data instead."
)

var (
	errKubeconfig = errors.New("not a kubeconfig")
	errCommands   = errors.New("kubeconfig runs commands")
	errPlugins    = errors.New("kubeconfig names an authentication plugin")
	errFiles      = errors.New("kubeconfig reads files")
)

// kubeconfig is a text that holds a kubeconfig. What is stored is not that text but the document it was understood
// as, in JSON (which is YAML too): aliases and merges replaced, nothing twice. So the engine's parser cannot see
// another document than the one that was checked.
func kubeconfig(path string, value any) (any, jsonapi.Errors) {
	given, refused := asText(path, value)
	if refused != nil {
		return nil, refused
	}
	canonical, err := canonicalKubeconfig(given)
	switch {
	case errors.Is(err, errCommands):
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", commandKubeconfig)}
	case errors.Is(err, errPlugins):
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", pluginKubeconfig)}
	case errors.Is(err, errFiles):
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", fileKubeconfig)}
	case err != nil:
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", invalidKubeconfig)}
	}
	return canonical, nil
}

// canonicalKubeconfig returns the JSON of the document in text; errKubeconfig, errCommands, errFiles or
// errPlugins when it is none or not allowed.
func canonicalKubeconfig(text string) (string, error) {
	document, err := singleDocument(text)
	if err != nil {
		return "", err
	}
	resolving := resolver{}
	resolved, err := resolving.resolve(document, 0)
	if err != nil {
		return "", err
	}
	root, isMapping := resolved.(map[string]any)
	if !isMapping || !usersWellFormed(root) {
		return "", errKubeconfig
	}
	if usesKey(root, commandKeys) {
		return "", errCommands
	}
	if usesKey(root, fileKeys) {
		return "", errFiles
	}
	if usesKey(root, pluginKeys) {
		return "", errPlugins
	}
	return compact(root)
}

// singleDocument parses text, which must be one YAML document.
func singleDocument(text string) (*yaml.Node, error) {
	if len(text) > maxKubeconfig {
		return nil, errKubeconfig
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	if decoder.Decode(&document) != nil || document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, errKubeconfig
	}
	if !errors.Is(decoder.Decode(&second), io.EOF) {
		return nil, errKubeconfig
	}
	return document.Content[0], nil
}

// usersWellFormed checks the part of a kubeconfig that holds credentials: a list of mappings with a mapping "user".
func usersWellFormed(root map[string]any) bool {
	users, present := root["users"]
	if !present {
		return true
	}
	list, isList := users.([]any)
	if !isList {
		return false
	}
	for _, entry := range list {
		mapping, isMapping := entry.(map[string]any)
		if !isMapping {
			return false
		}
		if user, present := mapping["user"]; present {
			if _, isMapping := user.(map[string]any); !isMapping {
				return false
			}
		}
	}
	return true
}

// usesKey reports whether any mapping in value has one of keys, in any case, whatever its value.
func usesKey(value any, keys []string) bool {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if slices.Contains(keys, strings.ToLower(strings.TrimSpace(key))) || usesKey(member, keys) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(element any) bool { return usesKey(element, keys) })
	}
	return false
}

// resolver turns YAML nodes into JSON values and bounds the work: a short text can unfold to a huge document.
type resolver struct {
	nodes, bytes int
}

func (r *resolver) resolve(node *yaml.Node, depth int) (any, error) {
	r.nodes++
	r.bytes += len(node.Value)
	if depth > maxKubeconfigDepth || r.nodes > maxKubeconfigNodes || r.bytes > maxKubeconfig {
		return nil, errKubeconfig
	}
	switch node.Kind {
	case yaml.AliasNode:
		return r.resolve(node.Alias, depth+1)
	case yaml.ScalarNode:
		return scalar(node)
	case yaml.SequenceNode:
		return r.sequence(node, depth)
	case yaml.MappingNode:
		return r.mapping(node, depth)
	default:
		return nil, errKubeconfig
	}
}

func (r *resolver) sequence(node *yaml.Node, depth int) (any, error) {
	if node.ShortTag() != "!!seq" {
		return nil, errKubeconfig
	}
	list := make([]any, 0, len(node.Content))
	for _, child := range node.Content {
		element, err := r.resolve(child, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	return list, nil
}

// mapping resolves merge keys as YAML 1.1 says: the mapping's own keys win, then the earlier merge. A key that is
// there twice is an error, as parsers differ in which one they take.
func (r *resolver) mapping(node *yaml.Node, depth int) (any, error) {
	if node.ShortTag() != "!!map" {
		return nil, errKubeconfig
	}
	members := make(map[string]any, len(node.Content)/2)
	var merged []map[string]any
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].ShortTag() == "!!merge" {
			if merged != nil {
				return nil, errKubeconfig
			}
			var err error
			if merged, err = r.merges(node.Content[i+1], depth); err != nil {
				return nil, err
			}
			continue
		}
		key, err := r.key(node.Content[i], depth)
		if err != nil {
			return nil, err
		}
		if _, twice := members[key]; twice {
			return nil, errKubeconfig
		}
		if members[key], err = r.resolve(node.Content[i+1], depth+1); err != nil {
			return nil, err
		}
	}
	for _, other := range merged {
		for key, member := range other {
			if _, present := members[key]; !present {
				members[key] = member
			}
		}
	}
	return members, nil
}

// merges returns the mappings that a merge key names: one, or a list of them.
func (r *resolver) merges(node *yaml.Node, depth int) ([]map[string]any, error) {
	value, err := r.resolve(node, depth+1)
	if err != nil {
		return nil, err
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	merged := make([]map[string]any, 0, len(list))
	for _, one := range list {
		mapping, isMapping := one.(map[string]any)
		if !isMapping {
			return nil, errKubeconfig
		}
		merged = append(merged, mapping)
	}
	return merged, nil
}

// key returns the text of a mapping key, which must be a scalar, perhaps behind an alias.
func (r *resolver) key(node *yaml.Node, depth int) (string, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.ScalarNode {
		return "", errKubeconfig
	}
	if _, err := r.resolve(node, depth+1); err != nil {
		return "", err
	}
	if written, err := compact(node.Value); err != nil || len(written) > maxKubeconfigKey {
		return "", errKubeconfig
	}
	return node.Value, nil
}

// scalar keeps the type of null, booleans and plain numbers; everything else is a text. A tag of one's own is an
// error, because it can make a parser construct something else.
func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var truth bool
		if node.Decode(&truth) != nil {
			return nil, errKubeconfig
		}
		return truth, nil
	case "!!int", "!!float":
		if json.Valid([]byte(node.Value)) {
			return json.Number(node.Value), nil
		}
		return node.Value, nil
	case "!!str", "!!timestamp", "!!binary":
		return node.Value, nil
	default:
		return nil, errKubeconfig
	}
}
