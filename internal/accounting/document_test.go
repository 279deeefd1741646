package accounting

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
)

// subjectsOf are the ids that paths are filled with: objects of the owner's tenant, by the collection that the path names.
func (w *world) subjectsOf(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, of := range tables(t, w.pool) {
		if !of.has("id") {
			continue
		}
		condition := "true"
		switch {
		case of.has("tenant_id"):
			condition = fmt.Sprintf(`tenant_id = '%s'`, w.ada.Tenant)
		case of.name == "tenants":
			condition = fmt.Sprintf(`id = '%s'`, w.ada.Tenant)
		case of.name == "users":
			condition = fmt.Sprintf(`id = '%s'`, w.dan.User)
		}
		if of.name == "roles" {
			condition += ` and name = 'Limited'`
		}
		var id string
		if err := w.pool.QueryRow(t.Context(), `select coalesce(min(id::text), '') from `+of.name+` where `+condition).Scan(&id); err != nil {
			t.Fatal(err)
		}
		found[of.name] = id
	}
	return found
}

// pathOf fills a path with objects that there are; id is the last of them.
func pathOf(operation *rest.Operation, subjects map[string]string) (path, id string) {
	path = pathParameter.ReplaceAllStringFunc(operation.Path, func(parameter string) string {
		before, _, _ := strings.Cut(operation.Path, "/"+parameter)
		if id = subjects[tableOf(before[strings.LastIndexByte(before, '/')+1:])]; id == "" {
			id = uuid.NewString()
		}
		return id
	})
	return path, id
}

// TestDocumentsOfTheWrongFormAreRefused sends every operation that takes a document such that are none, or are spoilt in one
// place: each is refused with a 4xx in the format of the wire, and changes nothing.
func TestDocumentsOfTheWrongFormAreRefused(t *testing.T) {
	t.Parallel()
	w := raiseWorld(t)
	subjects := w.subjectsOf(t)
	r := &run{t: t, w: w, tables: tables(t, w.pool)}
	ground, tried := r.footing(), 0
	for _, operation := range declared(t) {
		if operation.Request.Type == "" {
			continue
		}
		path, id := pathOf(operation, subjects)
		member := ""
		if operation.Method == http.MethodPatch {
			member = fmt.Sprintf(`,"id":%q`, id)
		}
		head := fmt.Sprintf(`"type":%q%s`, operation.Request.Type, member)
		for name, body := range map[string]string{
			"attributes a list":             `{"data":{` + head + `,"attributes":[]}}`,
			"attributes a list of one":      `{"data":{` + head + `,"attributes":[{"name":"Taken over"}]}}`,
			"attributes a text":             `{"data":{` + head + `,"attributes":"name"}}`,
			"attributes a number":           `{"data":{` + head + `,"attributes":1}}`,
			"attributes true":               `{"data":{` + head + `,"attributes":true}}`,
			"relationships a list":          `{"data":{` + head + `,"attributes":{"name":"Taken over"},"relationships":[]}}`,
			"relationships a text":          `{"data":{` + head + `,"attributes":{"name":"Taken over"},"relationships":"roles"}}`,
			"a relationship that is a list": `{"data":{` + head + `,"attributes":{"name":"Taken over"},"relationships":{"roles":[]}}}`,
			"an unknown attribute":          `{"data":{` + head + `,"attributes":{"name":"Taken over","owner_of_everything":true}}}`,
			"an unknown relationship":       `{"data":{` + head + `,"attributes":{"name":"Taken over"},"relationships":{"everything":{"data":[]}}}}`,
			"data a list":                   `{"data":[{` + head + `,"attributes":{"name":"Taken over"}}]}`,
			"data null":                     `{"data":null}`,
			"data a text":                   `{"data":"x"}`,
			"another type":                  `{"data":{"type":"others"` + member + `,"attributes":{"name":"Taken over"}}}`,
			"no type":                       `{"data":{"attributes":{"name":"Taken over"}}}`,
			"a list":                        `[]`,
			"null":                          `null`,
			"half a document":               `{"data":{` + head,
			"NUL":                           "{\"data\":{" + head + ",\"attributes\":{\"name\":\"a\x00b\"}}}",
			"no UTF-8":                      "{\"data\":{" + head + ",\"attributes\":{\"name\":\"\xff\"}}}",
		} {
			if strings.HasPrefix(name, "an unknown") && lenient[string(operation.ID)] {
				continue
			}
			answer := w.ada.Do(t, operation.Method, path, jsonapi.MediaType, []byte(body))
			tried++
			if answer.Status < 400 || answer.Status >= 500 {
				t.Errorf("%s: %s: %d %s", operation.ID, name, answer.Status, answer.Raw)
			}
			if fault := malformed(&request{operation: operation, method: operation.Method}, answer.Status, answer.Header, answer.Raw); fault != "" {
				t.Errorf("%s: %s: %s: %s", operation.ID, name, fault, answer.Raw)
			}
		}
		if now := r.footing(); now != ground {
			t.Errorf("%s: one of its documents changed %s", operation.ID, changed(ground, now))
			ground = now
		}
	}
	t.Logf("%d documents", tried)
	if tried < 300 {
		t.Errorf("only %d documents were tried", tried)
	}
}

// lenient are the operations that pass over members they do not know, as the wire does.
var lenient = map[string]bool{"tenants.create": true, "tenants.update": true}

// related are the relationships that requests change, and the table that holds each.
var related = map[string]string{"roles": "roles", "users": "users", "provider_groups": "provider_groups", "providers": "providers"}

// TestRelationshipDocumentsThatAreNone sends every relationship endpoint what is no list of identifiers: refused, and nothing
// changes. Removing does not look at its document, but it has to be one that can be read.
func TestRelationshipDocumentsThatAreNone(t *testing.T) {
	t.Parallel()
	w := raiseWorld(t)
	subjects := w.subjectsOf(t)
	r := &run{t: t, w: w, tables: tables(t, w.pool)}
	ground, tried := r.footing(), 0
	for _, operation := range declared(t) {
		name := relationPath.FindStringSubmatch(operation.Path)
		if name == nil {
			continue
		}
		path, _ := pathOf(operation, subjects)
		kind := strings.ReplaceAll(name[1], "_", "-")
		good := fmt.Sprintf(`{"type":%q,"id":%q}`, kind, subjects[related[name[1]]])
		for what, body := range map[string]string{
			"an object": `{"data":` + good + `}`, "null": `{"data":null}`, "texts": `{"data":["` + subjects[related[name[1]]] + `"]}`, "a text": `{"data":"x"}`,
			"a number": `{"data":1}`, "no id": `{"data":[` + good + `,{"type":"` + kind + `"}]}`, "no type": `{"data":[{"id":"` + subjects[related[name[1]]] + `"}]}`,
			"a list in a list": `{"data":[[` + good + `]]}`, "null in a list": `{"data":[null]}`, "an id that is no UUID": `{"data":[` + good + `,{"type":"` + kind + `","id":"12"}]}`,
			"an id that is a number": `{"data":[{"type":"` + kind + `","id":12}]}`, "no data": `{}`, "a list alone": `[` + good + `]`, "half": `{"data":[` + good,
			"form": "data=" + subjects[related[name[1]]], "empty": "",
		} {
			media := jsonapi.MediaType
			if what == "form" {
				media = "application/x-www-form-urlencoded"
			}
			unread := operation.Method == http.MethodDelete
			if unread && !slices.Contains([]string{"no data", "a list alone", "half"}, what) {
				continue
			}
			answer := w.ada.Do(t, operation.Method, path, media, []byte(body))
			tried++
			if answer.Status < 400 || answer.Status >= 500 {
				t.Errorf("%s: %s: %d %s", operation.ID, what, answer.Status, answer.Raw)
			}
		}
		if now := r.footing(); now != ground {
			t.Errorf("%s: one of its documents changed %s", operation.ID, changed(ground, now))
			ground = now
		}
	}
	if tried < 80 {
		t.Errorf("only %d documents were tried", tried)
	}
}

// TestUnknownAndForeignIdsInRelationships: ids that nobody has and ids of another tenant, alone or after a good one, link
// nothing; where the wire passes over them the good one is linked alone, once, however often it is listed.
func TestUnknownAndForeignIdsInRelationships(t *testing.T) {
	t.Parallel()
	w := raiseWorld(t)
	subjects := w.subjectsOf(t)
	theirs := w.values(t, w.only(w.theirs, w.bob.Tenant))
	theirs["users.id"] = []string{w.bob.User}
	subjects["users"] = w.dan.User
	tried := 0
	for _, operation := range declared(t) {
		name := relationPath.FindStringSubmatch(operation.Path)
		if name == nil || operation.Method == http.MethodDelete {
			continue
		}
		path, _ := pathOf(operation, subjects)
		kind, column := strings.ReplaceAll(name[1], "_", "-"), related[name[1]]+".id"
		if len(theirs[column]) == 0 {
			t.Fatalf("%s: nothing of another tenant to try", operation.ID)
		}
		foreign := theirs[column][0]
		for _, ids := range [][]string{{foreign}, {uuid.NewString()}, {foreign, uuid.NewString(), foreign}} {
			answer := w.ada.Do(t, operation.Method, path, jsonapi.MediaType, apitest.Linkage(kind, ids...))
			tried++
			if answer.Status != http.StatusNoContent && answer.Status/100 != 4 {
				t.Errorf("%s %v: %d %s", operation.ID, ids, answer.Status, answer.Raw)
			}
		}
		own := subjects[related[name[1]]]
		answer := w.ada.Do(t, operation.Method, path, jsonapi.MediaType, apitest.Linkage(kind, own, own, strings.ToUpper(own)))
		if answer.Status != http.StatusNoContent && answer.Status != http.StatusBadRequest {
			t.Errorf("%s: the same id three times: %d %s", operation.ID, answer.Status, answer.Raw)
		}
	}
	if tried < 15 {
		t.Errorf("only %d tried", tried)
	}
	for table, column := range map[string]string{"role_users": "user_id", "role_provider_groups": "provider_group_id", "provider_group_providers": "provider_id"} {
		var crossed int
		if err := w.pool.QueryRow(t.Context(), fmt.Sprintf(`select count(*) from %s where tenant_id = $1 and %s::text = any($2)`, table, column), w.ada.Tenant,
			slices.Concat(theirs["users.id"], theirs["provider_groups.id"], theirs["providers.id"])).Scan(&crossed); err != nil || crossed > 0 {
			t.Errorf("%s: %d rows reach into another tenant, %v", table, crossed, err)
		}
	}
}

// TestTheSameIdTwiceInADocument: a document whose to-many relationship lists an identifier twice is taken, and links it once.
func TestTheSameIdTwiceInADocument(t *testing.T) {
	t.Parallel()
	w := raiseWorld(t)
	subjects := w.subjectsOf(t)
	subjects["users"] = w.ada.User
	tried := 0
	for _, operation := range declared(t) {
		for _, name := range operation.Request.Relationships {
			table := related[name]
			build := bodies[string(operation.ID)]
			if table == "" || build == nil {
				continue
			}
			path, id := pathOf(operation, subjects)
			one := &builder{values: map[string][]string{"roles.id": {subjects["roles"]}, "provider_groups.id": {subjects["provider_groups"]},
				"providers.id": {subjects["providers"]}, "memberships.user_id": {w.ada.User}}}
			if operation.Method == http.MethodPatch {
				one.id = id
			}
			media, body := build(one)
			var document map[string]map[string]any
			if err := json.Unmarshal(body, &document); err != nil {
				t.Fatal(err)
			}
			relationships := document["data"]["relationships"].(map[string]any)
			kind := strings.ReplaceAll(name, "_", "-")
			linked := subjects[table]
			relationships[name] = apitest.Many(kind, linked, linked, strings.ToUpper(linked))
			body, err := json.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			answer := w.ada.Do(t, operation.Method, path, media, body)
			tried++
			if answer.Status != http.StatusOK && answer.Status != http.StatusCreated {
				t.Errorf("%s: %s: %d %s", operation.ID, name, answer.Status, answer.Raw)
			} else if count := answer.Len("/data/relationships/" + name + "/data"); count > 1 {
				t.Errorf("%s: %s holds %d: %s", operation.ID, name, count, answer.Raw)
			}
		}
	}
	if tried < 6 {
		t.Errorf("only %d tried", tried)
	}
}

// TestEveryFilterInEverySpelling asks for every filter of every list in the spellings that people send, with good and bad
// values: an answer or a refusal, never a failure.
func TestEveryFilterInEverySpelling(t *testing.T) {
	t.Parallel()
	w := raiseWorld(t)
	subjects := w.subjectsOf(t)
	values, tried := []string{"", "x", "%00", "2026-02-30", "1,,2", w.theirs.String()}, 0
	for _, operation := range declared(t) {
		if operation.Query == nil || operation.Method != http.MethodGet {
			continue
		}
		path, _ := pathOf(operation, subjects)
		for _, key := range operation.Query.Keys() {
			dotted := strings.ReplaceAll(key, "__", ".")
			for _, name := range []string{"filter%5B" + key + "%5D", "filter%5B" + dotted + "%5D", "filter." + key, "filter." + dotted, key} {
				value := values[tried%len(values)]
				answer := w.ada.Get(t, path+"?"+name+"="+value)
				tried++
				if answer.Status >= 500 {
					t.Errorf("%s?%s=%s: %d %s", operation.ID, name, value, answer.Status, answer.Raw)
				}
			}
		}
	}
	if tried < 2000 {
		t.Errorf("only %d were tried", tried)
	}
}
