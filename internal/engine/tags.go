package engine

import (
	"encoding/json"
	"sort"
	"strings"

	"github.com/palisade-sec/palisade/internal/ocsf"
)

// jsonTags are a resource's tags as the engine knows them: an object, which unlike OCSF's labels keeps colons in
// keys. They are sorted by key.
type jsonTags []ocsf.Tag

// UnmarshalJSON reads an object of texts; null gives nil. NUL characters, which cannot be stored, are left out.
func (t *jsonTags) UnmarshalJSON(raw []byte) error {
	var object map[string]string
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return err
	}
	*t = make(jsonTags, 0, len(object))
	for key, value := range object {
		*t = append(*t, ocsf.Tag{Key: strings.ReplaceAll(key, "\x00", ""), Value: strings.ReplaceAll(value, "\x00", "")})
	}
	sort.Slice(*t, func(i, j int) bool { return (*t)[i].Key < (*t)[j].Key })
	return nil
}
