package jsonapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const someID = "01234567-89ab-4cde-8f01-23456789abcd"

// said is a refusal in short: status, code, pointer.
func said(err error) string {
	refusal, ok := AsErrors(err)
	if !ok {
		return fmt.Sprint(err)
	}
	parts := make([]string, len(refusal))
	for i, one := range refusal.Sorted() {
		parts[i] = fmt.Sprintf("%d %s %s", one.Status, one.Code, one.Pointer)
	}
	return strings.Join(parts, "; ")
}

func TestDocumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	const wrongType = "409 error /data"
	for name, one := range map[string]struct {
		kind, body, id string
		want           string
	}{
		"empty body":           {MediaType, ``, "", "<nil>"},
		"object":               {MediaType, `{"data":{"type":"things"}}`, "", "<nil>"},
		"plain JSON":           {"application/json; charset=utf-8", `{"data":{"type":"things"}}`, "", "<nil>"},
		"parameters":           {MediaType + `; ext="x"`, `{"data":{"type":"things"}}`, "", "<nil>"},
		"upper case":           {strings.ToUpper(MediaType), `{"data":{"type":"things"}}`, "", "<nil>"},
		"other members":        {MediaType, `{"jsonapi":{},"links":1,"meta":[],"data":{"type":"things","id":12,"links":0}}`, "", "<nil>"},
		"null attributes":      {MediaType, `{"data":{"type":"things","attributes":null,"relationships":null}}`, "", "<nil>"},
		"text":                 {"text/plain", `{}`, "", "415 unsupported_media_type /data"},
		"no type at all":       {"", `{}`, "", "415 unsupported_media_type /data"},
		"not JSON":             {MediaType, `{"data":`, "", "400 parse_error /data"},
		"two documents":        {MediaType, `{"data":{"type":"things"}}{}`, "", "400 parse_error /data"},
		"NaN":                  {MediaType, `{"data":{"type":"things","attributes":{"a":NaN}}}`, "", "400 parse_error /data"},
		"Infinity":             {MediaType, `{"data":{"type":"things","attributes":{"a":-Infinity}}}`, "", "400 parse_error /data"},
		"bad UTF-8":            {MediaType, "{\"data\":{\"type\":\"things\",\"attributes\":{\"a\":\"\xff\"}}}", "", "400 parse_error /data"},
		"byte order mark":      {MediaType, "\ufeff{\"data\":{\"type\":\"things\"}}", "", "400 parse_error /data"},
		"array":                {MediaType, `[]`, "", "400 parse_error /data"},
		"number":               {MediaType, `1`, "", "400 parse_error /data"},
		"null":                 {MediaType, `null`, "", "400 parse_error /data"},
		"no data":              {MediaType, `{"meta":{}}`, "", "400 parse_error /data"},
		"data null":            {MediaType, `{"data":null}`, "", "400 parse_error /data"},
		"data list":            {MediaType, `{"data":[]}`, "", "400 parse_error /data"},
		"data text":            {MediaType, `{"data":"things"}`, "", "400 parse_error /data"},
		"other type":           {MediaType, `{"data":{"type":"others"}}`, "", wrongType},
		"type missing":         {MediaType, `{"data":{}}`, "", wrongType},
		"type null":            {MediaType, `{"data":{"type":null}}`, "", wrongType},
		"type list":            {MediaType, `{"data":{"type":["things"]}}`, "", wrongType},
		"type before id":       {MediaType, `{"data":{"type":"others","id":"x"}}`, someID, wrongType},
		"id missing":           {MediaType, `{"data":{"type":"things"}}`, someID, "400 parse_error /data"},
		"id null":              {MediaType, `{"data":{"type":"things","id":null}}`, someID, "400 parse_error /data"},
		"id of another":        {MediaType, `{"data":{"type":"things","id":"` + uuid.NewString() + `"}}`, someID, "409 error /data"},
		"id a number":          {MediaType, `{"data":{"type":"things","id":1}}`, someID, "409 error /data"},
		"id in upper case":     {MediaType, `{"data":{"type":"things","id":"` + strings.ToUpper(someID) + `"}}`, someID, "409 error /data"},
		"id":                   {MediaType, `{"data":{"type":"things","id":"` + someID + `"}}`, someID, "<nil>"},
		"attributes list":      {MediaType, `{"data":{"type":"things","attributes":[]}}`, "", "400 invalid /data"},
		"attributes text":      {MediaType, `{"data":{"type":"things","attributes":"a"}}`, "", "400 invalid /data"},
		"relationships list":   {MediaType, `{"data":{"type":"things","relationships":[]}}`, "", "400 invalid /data"},
		"relationship text":    {MediaType, `{"data":{"type":"things","relationships":{"a":"b"}}}`, "", "400 invalid /data"},
		"unknown":              {MediaType, `{"data":{"type":"things","attributes":{"zed":1,"b":2}}}`, "", "400 invalid /data"},
		"id and type as well":  {MediaType, `{"data":{"type":"things","attributes":{"id":1,"type":2}}}`, "", "<nil>"},
		"form":                 {"application/x-www-form-urlencoded", `name=x`, "", "400 invalid /data"},
		"bad form":             {"application/x-www-form-urlencoded", `%zz`, "", "400 parse_error /data"},
		"form without parts":   {"multipart/form-data", `x`, "", "400 parse_error /data"},
		"form of other bounds": {"multipart/form-data; boundary=a", "--b\r\n", "", "400 parse_error /data"},
		"deep nesting":         {MediaType, `{"data":` + strings.Repeat(`[`, 1<<19) + strings.Repeat(`]`, 1<<19) + `}`, "", "400 parse_error /data"},
		"deep, and allowed":    {MediaType, `{"data":{"type":"things","attributes":{"zed":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}}}`, "", "400 invalid /data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := said(bindAll(one.kind, one.body, one.id, func(*Binder) {})); got != one.want {
				t.Errorf("got %s, want %s", got, one.want)
			}
		})
	}
}

func bindAll(kind, body, id string, take func(*Binder)) error {
	input, err := Read(kind, []byte(body))
	if err != nil {
		return err
	}
	binder, err := input.Bind("things", id)
	if err != nil {
		return err
	}
	take(binder)
	return binder.Done()
}

func TestUnknownFieldsAreNamed(t *testing.T) {
	t.Parallel()
	err := bindAll(MediaType, `{"data":{"type":"things","attributes":{"zed":1,"b":2,"seen":3},"relationships":{"c":{}}}}`, "", func(b *Binder) { b.ReadOnly("seen") })
	if err == nil || err.Error() != "Invalid fields: {'b', 'c', 'zed'}" {
		t.Error(err)
	}
	// Not before the fields themselves are good, and not at all where the wire is lenient.
	err = bindAll(MediaType, `{"data":{"type":"things","attributes":{"zed":1}}}`, "", func(b *Binder) { b.Text("name", Rules{Required: true}) })
	if got := said(err); got != "400 required /data/attributes/name" {
		t.Error(got)
	}
	input, err := Read(MediaType, []byte(`{"data":{"type":"things","attributes":{"zed":1}}}`))
	if err != nil {
		t.Fatal(err)
	}
	binder, err := input.Bind("things", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := binder.DoneLenient(); err != nil {
		t.Error(err)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	text := func(rules Rules) func(*Binder) any {
		return func(b *Binder) any { return b.Text("f", rules).Ptr() }
	}
	flag := func(b *Binder) any { return b.Bool("f", Rules{}).Ptr() }
	identifier := func(b *Binder) any { return b.UUID("f", Rules{}).Ptr() }
	choice := func(b *Binder) any { return b.Choice("f", Rules{}, "a", "1").Ptr() }
	moment := func(b *Binder) any { return b.Time("f", Rules{}).Ptr() }
	anything := func(b *Binder) any { return b.JSON("f", Rules{}).Value }
	for name, one := range map[string]struct {
		json string // of the attribute; empty: not sent
		take func(*Binder) any
		want string // the value in JSON, or the code of the refusal
	}{
		"absent":            {``, text(Rules{}), `null`},
		"absent, needed":    {``, text(Rules{Required: true}), `required`},
		"null":              {`null`, text(Rules{}), `!null`},
		"null, allowed":     {`null`, text(Rules{Nullable: true}), `null`},
		"null, needed":      {`null`, text(Rules{Required: true}), `!null`},
		"text":              {`"a"`, text(Rules{}), `"a"`},
		"stripped":          {`" \t a b \n"`, text(Rules{}), `"a b"`},
		"kept":              {`" a "`, text(Rules{Raw: true}), `" a "`},
		"number":            {`12`, text(Rules{}), `"12"`},
		"fraction":          {`1.50`, text(Rules{}), `"1.50"`},
		"huge number":       {`1e999999`, text(Rules{Max: 5}), `max_length`},
		"true":              {`true`, text(Rules{}), `invalid`},
		"list":              {`["a"]`, text(Rules{}), `invalid`},
		"object":            {`{}`, text(Rules{}), `invalid`},
		"blank":             {`"  "`, text(Rules{}), `blank`},
		"blank, allowed":    {`"  "`, text(Rules{Blank: true, Min: 3}), `""`},
		"too short":         {`"ä"`, text(Rules{Min: 2}), `min_length`},
		"just right":        {`"äö"`, text(Rules{Min: 2, Max: 2}), `"äö"`},
		"too long":          {`"äöü"`, text(Rules{Max: 2}), `max_length`},
		"NUL":               {`"a\u0000b"`, text(Rules{}), `null_characters_not_allowed`},
		"lone surrogate":    {`"\ud800"`, text(Rules{}), "\"\ufffd\""},
		"e-mail":            {`"a@b.example"`, text(Rules{Email: true}), `"a@b.example"`},
		"no e-mail":         {`"a@b"`, text(Rules{Email: true}), `invalid`},
		"named e-mail":      {`"A <a@b.example>"`, text(Rules{Email: true}), `invalid`},
		"two e-mails":       {`"a@b.example, c@d.example"`, text(Rules{Email: true}), `invalid`},
		"e-mail with lines": {`"a@b.example\nBcc: c@d.example"`, text(Rules{Email: true}), `invalid`},
		"yes":               {`"Yes"`, flag, `true`},
		"one":               {`1`, flag, `true`},
		"zero":              {`0`, flag, `false`},
		"off":               {`"off"`, flag, `false`},
		"two":               {`2`, flag, `invalid`},
		"flag in a list":    {`[true]`, flag, `invalid`},
		"empty flag":        {`""`, flag, `invalid`},
		"uuid":              {`"` + someID + `"`, identifier, `"` + someID + `"`},
		"uuid, no hyphens":  {`"` + strings.ReplaceAll(someID, "-", "") + `"`, identifier, `"` + someID + `"`},
		"uuid in braces":    {`"{` + someID + `}"`, identifier, `"` + someID + `"`},
		"uuid in junk":      {`"x` + someID + `y"`, identifier, `invalid`},
		"uuid a number":     {`12`, identifier, `invalid`},
		"uuid in a list":    {`["` + someID + `"]`, identifier, `invalid`},
		"choice":            {`"a"`, choice, `"a"`},
		"choice, other":     {`"b"`, choice, `invalid_choice`},
		"choice, number":    {`1`, choice, `invalid_choice`},
		"choice, object":    {`{"a":[null,"b",true]}`, choice, `invalid_choice`},
		"moment":            {`"2026-01-02T03:04:05.5+01:00"`, moment, `"2026-01-02T02:04:05.5Z"`},
		"day":               {`"2026-01-02"`, moment, `"2026-01-02T00:00:00Z"`},
		"no moment":         {`"tomorrow"`, moment, `invalid`},
		"moment, number":    {`0`, moment, `invalid`},
		"year 0":            {`"0000-12-31T00:00:00Z"`, moment, `overflow`},
		"year 10000 in UTC": {`"9999-12-31T23:59:59-01:00"`, moment, `overflow`},
		"anything":          {`{"a":[1e999,"b"]}`, anything, `{"a":[1e999,"b"]}`},
		"the last one wins": {`1,"f":2`, text(Rules{}), `"2"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"data":{"type":"things","attributes":{}}}`
			if one.json != "" {
				body = `{"data":{"type":"things","attributes":{"f":` + one.json + `}}}`
			}
			var value any
			err := bindAll(MediaType, body, "", func(b *Binder) { value = one.take(b) })
			if err != nil {
				code, refused := strings.TrimPrefix(one.want, "!"), false
				if refusal, ok := AsErrors(err); ok && len(refusal) == 1 {
					refused = refusal[0].Status == http.StatusBadRequest && refusal[0].Code == code && refusal[0].Pointer == "/data/attributes/f"
				}
				if !refused {
					t.Errorf("refused as %s, want %s", said(err), one.want)
				}
				return
			}
			if got, _ := json.Marshal(value); string(got) != one.want {
				t.Errorf("got %s, want %s", got, one.want)
			}
		})
	}
}

func TestAFormIsFlat(t *testing.T) {
	t.Parallel()
	var name Given[string]
	take := func(b *Binder) { name = b.Text("name", Rules{}) }
	if err := bindAll("application/x-www-form-urlencoded", "name=first&name=a+b%C3%A4", "", take); err != nil || name.Value != "a bä" {
		t.Error(name, err)
	}
	part := "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n%s\r\n--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nfile\r\n--x--\r\n"
	const kind = "multipart/form-data; boundary=x"
	if err := bindAll(kind, fmt.Sprintf(part, "value"), someID, take); err != nil || name.Value != "value" {
		t.Error(name, err)
	}
	// The database takes no bytes that are no UTF-8.
	for form, body := range map[string]string{"application/x-www-form-urlencoded": "name=%FF", kind: fmt.Sprintf(part, "\xff")} {
		if got := said(bindAll(form, body, "", take)); got != "400 parse_error /data" {
			t.Errorf("%s: %s", form, got)
		}
	}
}

func TestRelationships(t *testing.T) {
	t.Parallel()
	one := func(rules Rules) func(*Binder) any {
		return func(b *Binder) any { return b.ToOne("f", "others", rules).Ptr() }
	}
	many := func(b *Binder) any { return b.ToMany("f", "others", Rules{}).Value }
	const other = "11111111-89ab-4cde-8f01-23456789abcd"
	item := func(id string) string { return `{"type":"others","id":"` + id + `"}` }
	for name, c := range map[string]struct {
		data string
		take func(*Binder) any
		want string
	}{
		"one":                 {item(someID), one(Rules{}), `"` + someID + `"`},
		"none":                {`null`, one(Rules{Nullable: true}), `null`},
		"none, needed":        {`null`, one(Rules{}), `400 null /data/relationships/f`},
		"empty object":        {`{}`, one(Rules{}), `400 null /data/relationships/f`},
		"a list for one":      {`[` + item(someID) + `]`, one(Rules{}), `400 incorrect_type /data/relationships/f`},
		"text for one":        {`"` + someID + `"`, one(Rules{}), `400 incorrect_type /data/relationships/f`},
		"no type":             {`{"id":"` + someID + `"}`, one(Rules{}), `400 missing_type /data/relationships/f`},
		"no id":               {`{"type":"others"}`, one(Rules{}), `400 missing_id /data/relationships/f`},
		"wrong type":          {`{"type":"things","id":"` + someID + `"}`, one(Rules{}), `409 error /data`},
		"type a list":         {`{"type":["others"],"id":"` + someID + `"}`, one(Rules{}), `409 error /data`},
		"id no uuid":          {item("12"), one(Rules{}), `400 invalid /data/relationships/f`},
		"id in junk":          {item("x" + someID + "x"), one(Rules{}), `400 invalid /data/relationships/f`},
		"id with NUL":         {item(`\u0000`), one(Rules{}), `400 invalid /data/relationships/f`},
		"id an object":        {`{"type":"others","id":{}}`, one(Rules{}), `400 invalid /data/relationships/f`},
		"id null":             {`{"type":"others","id":null}`, one(Rules{}), `400 does_not_exist /data/relationships/f`},
		"id whole":            {`{"type":"others","id":12}`, one(Rules{}), `400 does_not_exist /data/relationships/f`},
		"id huge":             {`{"type":"others","id":1e400}`, one(Rules{}), `400 invalid /data/relationships/f`},
		"many":                {`[` + item(someID) + `,` + item(other) + `]`, many, `["` + someID + `","` + other + `"]`},
		"twice":               {`[` + item(someID) + `,` + item(strings.ToUpper(someID)) + `]`, many, `["` + someID + `"]`},
		"empty":               {`[]`, many, `[]`},
		"many null":           {`null`, many, `400 null /data/relationships/f`},
		"one for many":        {item(someID), many, `400 incorrect_type /data/relationships/f`},
		"text for many":       {`"x"`, many, `400 not_a_list /data/relationships/f`},
		"texts for many":      {`["x"]`, many, `400 incorrect_type /data/relationships/f`},
		"wrong type in many":  {`[` + item(someID) + `,{"type":"x","id":"` + other + `"}]`, many, `409 error /data`},
		"a bad one in many":   {`[` + item(someID) + `,` + item("12") + `]`, many, `400 invalid /data/relationships/f`},
		"a null within":       {`[null]`, many, `400 incorrect_type /data/relationships/f`},
		"lists within a list": {`[[]]`, many, `400 incorrect_type /data/relationships/f`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var value any
			err := bindAll(MediaType, `{"data":{"type":"things","relationships":{"f":{"data":`+c.data+`}}}}`, "", func(b *Binder) { value = c.take(b) })
			got := said(err)
			if err == nil {
				encoded, _ := json.Marshal(value)
				got = string(encoded)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A conflict is answered alone, whatever else is wrong.
func TestAConflictWins(t *testing.T) {
	t.Parallel()
	err := bindAll(MediaType, `{"data":{"type":"things","relationships":{"f":{"data":{"type":"x","id":"`+someID+`"}}}}}`, "", func(b *Binder) {
		b.Text("name", Rules{Required: true})
		b.ToOne("f", "others", Rules{})
	})
	if got := said(err); got != "409 error /data" {
		t.Error(got)
	}
}

func TestLinkage(t *testing.T) {
	t.Parallel()
	item := `{"type":"whatever","id":"` + someID + `"}`
	for body, want := range map[string]string{
		``:                                     `400 required /data/attributes/things | 400 required /data/attributes/things`,
		`{"data":[]}`:                          `[] | []`,
		`{"data":[` + item + `]}`:              `[` + someID + `] | [` + someID + `]`,
		`{"data":[` + item + `,` + item + `]}`: `[` + someID + `] | [` + someID + `]`,
		`{"data":null}`:                        `400 not_a_list /data/attributes/things | 400 not_a_list /data/attributes/things`,
		`{"data":` + item + `}`:                `400 not_a_list /data/attributes/things | 400 not_a_list /data/attributes/things`,
		`{"data":["` + someID + `"]}`:          `400 parse_error /data | 400 parse_error /data`,
		`{"data":[null]}`:                      `400 parse_error /data | 400 parse_error /data`,
		`{"data":[{"id":"` + someID + `"}]}`:   `400 parse_error /data | 400 parse_error /data`,
		`{"data":[{"type":"things"}]}`:         `400 parse_error /data | 400 parse_error /data`,
		`{"data":[` + item + `,{"type":"x","id":"12"}]}`:  `400 invalid /data/attributes/things/1/id | 400 invalid /data`,
		`{"data":[{"type":"x","id":{}}]}`:                 `400 invalid /data/attributes/things/0/id | 400 invalid /data`,
		`{"data":[{"type":"x","id":"x` + someID + `x"}]}`: `400 invalid /data/attributes/things/0/id | 400 invalid /data`,
	} {
		input, err := Read(MediaType, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		show := func(ids []uuid.UUID, err error) string {
			if err != nil {
				return said(err)
			}
			return fmt.Sprint(ids)
		}
		if got := show(input.Linkage("things")) + " | " + show(input.LinkageToAdd("things")); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// FuzzBind: whatever is sent is a value or a refusal with a status below 500, and what is refused can be told.
func FuzzBind(f *testing.F) {
	for _, body := range []string{``, `{}`, `{"data":{"type":"things","attributes":{"a":1,"b":"x","c":true,"d":null},"relationships":{"o":{"data":{"type":"others","id":"` + someID + `"}},"m":{"data":[{"type":"others","id":"1"}]}}}}`,
		`{"data":{"type":{"a":[{}]},"id":[1]}}`, `{"data":[{"type":"x","id":"\ud800"}]}`, `a=b&c=%00`, "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--x--\r\n"} {
		for _, kind := range []string{MediaType, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", `application/json; a="`} {
			f.Add(kind, []byte(body), "")
			f.Add(kind, []byte(body), someID)
		}
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte, id string) {
		check := func(err error) {
			if err == nil {
				return
			}
			refusal, ok := AsErrors(err)
			if !ok || refusal.Status() < 400 || refusal.Status() > 499 {
				t.Fatalf("%q is no refusal", err)
			}
			if encoded := EncodeErrors(refusal); !json.Valid(encoded) {
				t.Fatalf("no JSON: %s", encoded)
			}
		}
		input, err := Read(kind, body)
		if err != nil {
			check(err)
			return
		}
		_, err = input.Linkage("m")
		check(err)
		_, err = input.LinkageToAdd("m")
		check(err)
		binder, err := input.Bind("things", id)
		if err != nil {
			check(err)
			return
		}
		values := []any{binder.Text("a", Rules{Required: true, Max: 5}), binder.Text("b", Rules{Email: true}), binder.Bool("c", Rules{}), binder.JSON("d", Rules{Nullable: true}),
			binder.UUID("e", Rules{}), binder.Choice("f", Rules{}, "x"), binder.Time("g", Rules{}), binder.ToOne("o", "others", Rules{}), binder.ToMany("m", "others", Rules{})}
		check(errors.Join(binder.Done()))
		if _, err := json.Marshal(values); err != nil {
			t.Fatalf("a value cannot be written: %v", err)
		}
	})
}
