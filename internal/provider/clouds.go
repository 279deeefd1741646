package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// cloudFileKeys are the members of a cloud, with _ for -, that name files of the client's machine or code for it to run.
var cloudFileKeys = []string{"cacert", "ca_cert", "ca_file", "cafile", "cert", "cert_file", "certfile", "client_cert", "key", "key_file",
	"keyfile", "client_key", "vendor_hook"}

const (
	invalidClouds = "Invalid clouds.yaml content."
	fileClouds    = "References to local files and remote profiles in clouds.yaml are not supported for security reasons."
)

// cloudsYAML is a text that holds a clouds.yaml. As with a kubeconfig, what is stored is the document that was checked,
// in JSON. A text that is no YAML is stored as what it is, a text, which opens no cloud.
func cloudsYAML(path string, value any) (any, jsonapi.Errors) {
	given, refused := asText(path, value)
	if refused != nil {
		return nil, refused
	}
	canonical, err := canonicalClouds(given)
	switch {
	case errors.Is(err, errFiles):
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", fileClouds)}
	case err != nil:
		return nil, jsonapi.Errors{jsonapi.Field(path, "invalid", invalidClouds)}
	}
	return canonical, nil
}

// canonicalClouds returns the JSON of the document in text.
func canonicalClouds(text string) (string, error) {
	if len(text) > maxKubeconfig {
		return "", errKubeconfig
	}
	var first yaml.Node
	if yaml.NewDecoder(strings.NewReader(text)).Decode(&first) != nil {
		return compact(text)
	}
	document, err := singleDocument(text)
	if err != nil {
		return "", err
	}
	resolving := resolver{}
	resolved, err := resolving.resolve(document, 0)
	if err != nil {
		return "", err
	}
	if root, isMapping := resolved.(map[string]any); isMapping && cloudsReferToFiles(root) {
		return "", errFiles
	}
	return compact(resolved)
}

// compact writes a value as JSON, as short as kubeconfigs have to be.
func compact(value any) (string, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return "", errKubeconfig
	}
	text := printable(strings.TrimSpace(encoded.String()))
	if len(text) > maxKubeconfig {
		return "", errKubeconfig
	}
	return text, nil
}

// printable escapes, in JSON, the characters that YAML has no place for or takes for line breaks.
func printable(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var escaped strings.Builder
	for _, r := range text {
		if unprintable(r) {
			fmt.Fprintf(&escaped, `\u%04x`, r)
			continue
		}
		escaped.WriteRune(r)
	}
	return escaped.String()
}

func unprintable(r rune) bool {
	return r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff
}

// cloudsReferToFiles looks everywhere but at the names of the clouds, which are free.
func cloudsReferToFiles(root map[string]any) bool {
	for key, member := range root {
		clouds, isMapping := member.(map[string]any)
		if key != "clouds" || !isMapping {
			if refersToFiles(map[string]any{key: member}) {
				return true
			}
			continue
		}
		for _, cloud := range clouds {
			if refersToFiles(cloud) {
				return true
			}
		}
	}
	return false
}

func refersToFiles(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(key)), "-", "_")
			if slices.Contains(cloudFileKeys, name) || isRemoteProfile(name, member) || refersToFiles(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, refersToFiles)
	}
	return false
}

// isRemoteProfile reports whether the member has the client fetch the rest of the cloud from an address.
func isRemoteProfile(name string, member any) bool {
	address, isText := member.(string)
	return isText && (name == "profile" || name == "cloud") && strings.Contains(address, "//")
}
