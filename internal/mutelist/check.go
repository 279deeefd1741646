package mutelist

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Bounds of a mute list. An engine matches every finding with every entry of its check, and an entry is a pattern.
const (
	maxBytes = 512 << 10 // of the whole as JSON
	maxEntry = 1000      // characters of a name or pattern
)

const invalid = "Invalid Mutelist configuration"

// Check makes sure that a configuration is a mute list and returns it as it is stored. The error is a refusal.
func Check(configuration any) (json.RawMessage, error) {
	document, ok := configuration.(map[string]any)
	if !ok {
		return nil, jsonapi.Invalid(invalid + ".")
	}
	list, there := document["Mutelist"]
	if !there || empty(list) {
		return nil, jsonapi.Invalid(invalid + ": 'Mutelist' is a required property.")
	}
	if err := checkList(list); err != nil {
		return nil, jsonapi.Invalid(invalid + ": " + err.Error() + ".")
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode mute list: %w", err)
	}
	if len(encoded) > maxBytes {
		return nil, jsonapi.Invalid(fmt.Sprintf("%s: it is larger than %d KiB.", invalid, maxBytes>>10))
	}
	return encoded, nil
}

// empty reports whether a value says nothing, on which the wire treats it as missing.
func empty(value any) bool {
	switch typed := value.(type) {
	case nil:
		return true
	case string:
		return typed == ""
	case bool:
		return !typed
	case []any:
		return len(typed) == 0
	case map[string]any:
		return len(typed) == 0
	case json.Number:
		number, err := typed.Float64()
		return err == nil && number == 0
	}
	return false
}

func checkList(value any) error {
	list, err := object("Mutelist", value, "Accounts")
	if err != nil {
		return err
	}
	accounts, there := list["Accounts"]
	if !there {
		return missing("Mutelist", "Accounts")
	}
	return each("Accounts", accounts, checkAccount)
}

func checkAccount(path string, value any) error {
	account, err := object(path, value, "Checks")
	if err != nil {
		return err
	}
	checks, there := account["Checks"]
	if !there {
		return missing(path, "Checks")
	}
	return each(path+".Checks", checks, checkCheck)
}

func checkCheck(path string, value any) error {
	check, err := object(path, value, "Regions", "Resources", "Tags", "Exceptions", "Description")
	if err != nil {
		return err
	}
	for _, name := range []string{"Regions", "Resources"} {
		if _, there := check[name]; !there {
			return missing(path, name)
		}
	}
	if description, there := check["Description"]; there {
		if _, isText := description.(string); !isText {
			return fmt.Errorf("%s.Description is not a text", short(path))
		}
	}
	if err := texts(path, check, "Regions", "Resources", "Tags"); err != nil {
		return err
	}
	exceptions, there := check["Exceptions"]
	if !there {
		return nil
	}
	path += ".Exceptions"
	members, err := object(path, exceptions, "Accounts", "Regions", "Resources", "Tags")
	if err != nil {
		return err
	}
	return texts(path, members, "Accounts", "Regions", "Resources", "Tags")
}

// object is a value that has to be an object with no other members than these.
func object(path string, value any, members ...string) (map[string]any, error) {
	typed, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not an object", short(path))
	}
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		if !slices.Contains(members, name) {
			return nil, fmt.Errorf("%s has an unknown property '%s'", short(path), short(name))
		}
	}
	return typed, nil
}

// each checks the values of an object whose members people name.
func each(path string, value any, check func(path string, value any) error) error {
	named, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s is not an object", short(path))
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if len(name) > maxEntry {
			return fmt.Errorf("a name in %s has more than %d characters", short(path), maxEntry)
		}
		if err := check(path+"."+name, named[name]); err != nil {
			return err
		}
	}
	return nil
}

// texts checks the lists of texts among the members of an object.
func texts(path string, members map[string]any, names ...string) error {
	for _, name := range names {
		value, there := members[name]
		if !there {
			continue
		}
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s.%s is not a list", short(path), name)
		}
		for i, one := range list {
			text, isText := one.(string)
			switch {
			case !isText:
				return fmt.Errorf("%s.%s[%d] is not a text", short(path), name, i)
			case len(text) > maxEntry:
				return fmt.Errorf("%s.%s[%d] has more than %d characters", short(path), name, i, maxEntry)
			}
		}
	}
	return nil
}

func missing(path, name string) error {
	return fmt.Errorf("%s lacks the required property '%s'", short(path), name)
}

// short bounds what an answer repeats of a request.
func short(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
