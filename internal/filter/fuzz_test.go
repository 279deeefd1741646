package filter

import (
	"regexp"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// FuzzParse holds any query against every table: no panic, no error but a refusal, and SQL text that is made of the
// declaration alone. The last is checked by the vocabulary of the text: every word of it is one that the table, asked
// with harmless values, or this package can write.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "filter[status]=FAIL&sort=-severity&page[size]=5", "filter[inserted_at]=2024-01-31&include=scan.provider&fields[findings]=uid",
		"filter[scan.in]=" + id1 + "," + id2, "filter[search]=%22a+b%22+c,d", "filter[provider]='%3b+drop+table+users--",
		"filter[name.icontains]=%25_%5c&filter[id.in]=,", "sort=name)%3b--", "include=a.b.c", "page[number]=last&page[disable]=true",
		"filter[updated_at.lte]=2024-01-31T10:00:00.123%2B02:00", "filter[name]=%00", "%zz=%&&=&filter[a]=b=c", "filter[uid]=$1\x00$2",
	} {
		f.Add(seed)
	}
	vocabulary := map[string]map[string]bool{}
	for _, name := range tableNames() {
		vocabulary[name] = vocabularyOf(allTables[name])
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, name := range tableNames() {
			q, err := allTables[name].parse(ReadParams(raw), noon, true)
			if err != nil {
				if refusal, ok := jsonapi.AsErrors(err); !ok || refusal.Status() < 400 || refusal.Status() > 404 {
					t.Fatalf("%s: not a refusal: %v", name, err)
				}
				continue
			}
			checkText(t, vocabulary[name], q.Where)
			checkText(t, vocabulary[name], q.Order)
			if _, err := q.Page.Resolve(1 << 40); err != nil { // long enough for any page
				t.Fatalf("%s: page %+v: %v", name, q.Page, err)
			}
		}
	})
}

var tokens = regexp.MustCompile(`[a-z_0-9.]+|\$\d+|"C"|'[^']*'|\S`)

func checkText(t *testing.T, vocabulary map[string]bool, f Fragment) {
	t.Helper()
	text, args := f.Render(1)
	placeholders := 0
	for _, token := range tokens.FindAllString(text, -1) {
		if token[0] == '$' {
			placeholders++
			continue
		}
		if !vocabulary[token] {
			t.Fatalf("%q is not of the declaration: %s", token, text)
		}
	}
	if placeholders != len(args) || strings.Contains(text, placeholder) {
		t.Fatalf("%d placeholders, %d arguments: %s", placeholders, len(args), text)
	}
}

// vocabularyOf collects the tokens of everything that the table can render.
func vocabularyOf(table *Table) map[string]bool {
	words := map[string]bool{}
	collect := func(f Fragment) {
		text, _ := f.Render(1)
		for _, token := range tokens.FindAllString(text, -1) {
			words[token] = true
		}
	}
	bare := *table
	bare.Required = nil
	for _, key := range table.Keys() {
		q, err := bare.parse(ReadParams("filter["+key+"]="+sample(table.keys[key])), noon, true)
		if err != nil {
			panic(err)
		}
		collect(And(True(), False(), q.Where))
	}
	if q, err := bare.parse(ReadParams("filter[search]=x"), noon, true); err == nil {
		collect(q.Where)
	}
	for name := range table.sorts {
		collect(orderBy(table.orderKeys([]SortKey{{name, true}, {name, false}})))
	}
	for _, glue := range []string{",", "and", "desc"} {
		words[glue] = true
	}
	return words
}

// sample is a value that the filter accepts.
func sample(k fieldKey) string {
	switch k.field.Kind {
	case UUID, UUIDv7, Reference:
		return id1
	case Choice:
		return k.field.Choices[0]
	case Bool:
		return "true"
	case DateTime, Moment, Date:
		return "2024-01-31"
	}
	return "x"
}

// FuzzReadParams checks that links built from any query read back as that query.
func FuzzReadParams(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "%zz=%ff&&=", "a+b=c%2Bd", "a=1&a=2&a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once := ReadParams(raw).Encode()
		if twice := ReadParams(once).Encode(); twice != once {
			t.Errorf("%q then %q", once, twice)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, raw := range map[string]string{
		"plain":    "",
		"findings": "filter[inserted_at.gte]=2024-01-30&filter[status.in]=FAIL,PASS&filter[provider_type]=aws&filter[region.in]=eu-west-1,us-east-1&sort=-severity&page[size]=20&include=scan.provider,resources&fields[findings]=uid,status",
	} {
		b.Run(name, func(b *testing.B) {
			table := findingsTable
			if raw == "" {
				table = rolesTable
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := table.parse(ReadParams(raw), noon, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
