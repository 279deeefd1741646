package filter

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Every list that has an order can be paged by cursor: page[after] names the position of the last row of the page before, so that
// pages neither skip nor repeat rows when others come and go, and a page deep in the list costs what the first one costs. There is
// no count and no page[number]. An empty page[after] begins such a walk.
//
// A position is the row's values of all keys of the order, as JSON: it means something without the row, which may be gone when the
// next page is asked for. In lists of what the newest scans say, the moment at which the walk began is part of it. With it goes a
// digest of order and filters, because in another list the position is none. Nothing in a cursor gives access to anything: it is a
// condition like any filter.

// Cursor is for lists that have no page numbers at all: their first page needs no page[after].
type Cursor struct {
	Kind    Kind  // of Tiebreak: Integer or UUID
	Size    int64 // rows of a page when the request does not say; 0: 10
	MaxSize int64 // 0: 100
}

func (t *Table) checkCursor() error {
	if t.Cursor == nil {
		return nil
	}
	c := *t.Cursor
	if c.Size == 0 {
		c.Size = defaultPageSize
	}
	if c.MaxSize == 0 {
		c.MaxSize = maxPageSize
	}
	t.Cursor = &c
	if c.Kind != Integer && c.Kind != UUID || c.Size < 0 || c.MaxSize < c.Size {
		return fmt.Errorf("cursor: needs a kind, Integer or UUID, and sizes")
	}
	if t.Unpaged || t.PageDisable || len(t.Sorts) == 0 || len(t.DefaultSort) == 0 {
		return fmt.Errorf("cursor: needs an order, and takes no other paging")
	}
	return nil
}

const afterKey = "page[after]"

// walk reads the request's cursor.
func (t *Table) walk(q *Query) error {
	if !q.Page.Cursor {
		return nil
	}
	if _, sent := q.Params.Last("page[number]"); sent {
		return BadPage("page[number]", "Pages by cursor have no numbers: follow links.next, or send page[after].")
	}
	if all, _ := q.Params.Last("page[disable]"); t.PageDisable && strings.EqualFold(all, "true") {
		return BadPage("page[disable]", "A list is either paged by cursor or not paged.")
	}
	q.ended = t.Ended
	token, _ := q.Params.Last(afterKey)
	if token == "" {
		q.Position = q.position(Fragment{text: "statement_timestamp()"})
		return nil
	}
	values, err := q.open(token)
	if err != nil {
		return BadPage(afterKey, "The cursor is none of this list with these filters in this order.")
	}
	q.after = values[:len(q.keys)]
	q.Behind = behind(q.keys, q.after)
	began := Fragment{}
	if q.ended != "" {
		began = Fragment{text: placeholder + casts[DateTime], args: values[len(q.keys):]}
		q.AsOf = Fragment{text: string(q.ended) + " <= " + began.text, args: began.args}
	}
	q.Position = q.position(began)
	return nil
}

// position is what a row's cursor is made of: its keys, and the moment at which the walk began where that matters.
func (q *Query) position(began Fragment) Fragment {
	parts := make([]Fragment, len(q.keys), len(q.keys)+1)
	for i, key := range q.keys {
		parts[i] = key.expression
	}
	if q.ended != "" {
		parts = append(parts, began)
	}
	position := list(parts)
	position.text = "json_build_array(" + position.text + ")::text"
	return position
}

// BadPage is the refusal of a parameter that asks for a page which the list does not have.
func BadPage(parameter, detail string) error {
	return jsonapi.Error{Status: http.StatusBadRequest, Code: "invalid", Parameter: parameter, Detail: detail}
}

// After is the cursor behind the row that has a position, see Position. Clients are not to look inside.
func (q *Query) After(position string) string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat([]byte{cursorVersion}, q.digest(), []byte(position)))
}

const (
	// cursorVersion begins every cursor, so that those of another form can be told apart.
	cursorVersion = '2'
	digestSize    = 8
)

// digest tells orders and filters apart. The rest of a request may change from page to page.
func (q *Query) digest() []byte {
	hash := sha256.New()
	for _, key := range q.Sort {
		fmt.Fprintf(hash, "%q %t\n", key.Name, key.Descending)
	}
	filters := slices.DeleteFunc(slices.Clone(q.Params.entries), func(e entry) bool { return !strings.HasPrefix(e.key, "filter") })
	slices.SortFunc(filters, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for _, e := range filters {
		fmt.Fprintf(hash, "%q %q\n", e.key, e.values)
	}
	return hash.Sum(nil)[:digestSize]
}

// open reads a cursor that After made for the same order and filters.
func (q *Query) open(token string) ([]any, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= 1+digestSize || raw[0] != cursorVersion || strings.ContainsAny(token, "\r\n") { // which decoding skips
		return nil, fmt.Errorf("not encoded as cursors are")
	}
	if !bytes.Equal(raw[1:1+digestSize], q.digest()) {
		return nil, fmt.Errorf("of another list")
	}
	var position []any
	decoder := json.NewDecoder(bytes.NewReader(raw[1+digestSize:]))
	decoder.UseNumber()
	if err := decoder.Decode(&position); err != nil {
		return nil, fmt.Errorf("no position: %w", err)
	}
	keys := q.keys
	if q.ended != "" {
		keys = append(slices.Clip(keys), orderKey{kind: DateTime})
	}
	if _, err := decoder.Token(); err != io.EOF || len(position) != len(keys) {
		return nil, fmt.Errorf("no position of this order")
	}
	for i, key := range keys {
		if position[i], err = key.read(position[i]); err != nil {
			return nil, err
		}
	}
	return position, nil
}

// read makes a value of the key's kind of what Postgres has written as JSON.
func (k *orderKey) read(value any) (any, error) {
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	switch {
	case value == nil && k.nullable:
		return nil, nil
	case k.kind == Bool:
		if flag, ok := value.(bool); ok {
			return flag, nil
		}
	case k.kind == Integer && isNumber:
		return strconv.ParseInt(string(number), 10, 64)
	case k.kind == Decimal && isNumber && decimals.MatchString(string(number)):
		return string(number), nil
	case k.kind == UUID && isText:
		return uuid.Parse(text)
	case k.kind == DateTime && isText:
		return time.Parse(time.RFC3339Nano, text)
	case k.kind == Text && isText && !strings.Contains(text, "\x00"):
		return text, nil
	}
	return nil, fmt.Errorf("%T is no value of this order", value)
}

// casts keep the server from deriving a parameter's type from a column that is narrower than the values of its kind.
var casts = map[Kind]string{Text: "::text", UUID: "::uuid", Integer: "::bigint", Decimal: "::numeric", DateTime: "::timestamptz", Bool: "::boolean"}

// behind is the condition of the rows that come after a position.
func behind(keys []orderKey, values []any) Fragment {
	if whole, ok := behindRow(keys, values); ok {
		return whole
	}
	strict, bound := keys[0].beyond(values[0])
	if len(keys) == 1 {
		return strict
	}
	// Rows that the bound leaves are beyond the first key's value or share it.
	return And(bound, Or(strict, behind(keys[1:], values[1:])))
}

// behindRow compares all keys at once, which an index can answer with one range, when they go in one direction and have no nulls.
func behindRow(keys []orderKey, values []any) (Fragment, bool) {
	expressions, sought := make([]Fragment, len(keys)), make([]Fragment, len(keys))
	for i, key := range keys {
		if key.nullable || key.descending != keys[0].descending {
			return Fragment{}, false
		}
		expressions[i], sought[i] = key.expression, Fragment{text: placeholder + casts[key.kind], args: []any{values[i]}}
	}
	row, position := list(expressions), list(sought)
	if len(keys) > 1 {
		row, position = row.enclosed(), position.enclosed()
	}
	operator := " > "
	if keys[0].descending {
		operator = " < "
	}
	return Fragment{text: row.text + operator + position.text, args: slices.Concat(row.args, position.args)}, true
}

// beyond are the conditions of rows whose value comes after the given one, and of those whose value does not come before it; the
// latter says nothing when that is every row. Nulls come last ascending and first descending.
func (k *orderKey) beyond(value any) (strict, bound Fragment) {
	null := Fragment{text: k.expression.text + " is null", args: k.expression.args}
	if value == nil {
		if k.descending {
			return Fragment{text: k.expression.text + " is not null", args: k.expression.args}, Fragment{}
		}
		return False(), null
	}
	compared := func(operator string) Fragment {
		return Fragment{text: k.expression.text + operator + placeholder + casts[k.kind], args: slices.Concat(k.expression.args, []any{value})}
	}
	if k.descending {
		return compared(" < "), compared(" <= ")
	}
	strict, bound = compared(" > "), compared(" >= ")
	if k.nullable {
		strict, bound = Or(strict, null), Or(bound, null)
	}
	return strict, bound
}

// BehindRanges is Behind for a statement that reads one range for each of some values of the leading keys: ranges names, for the
// column of such a key, the column that holds the value of the range. Ranges before the cursor are left out as a whole, and its
// own range begins behind it; an index that ends with the tiebreak then reads none of what was read before.
func (q *Query) BehindRanges(ranges map[Column]Column) Fragment {
	if q.after == nil {
		return Fragment{}
	}
	leading := 0
	for leading < len(q.keys) && ranges[q.keys[leading].column] != "" {
		leading++
	}
	if leading == 0 || leading == len(q.keys) || q.keys[leading].kind != UUID {
		return q.Behind
	}
	next := q.keys[leading]
	least, beyond := Fragment{}, Fragment{}
	same := make([]Fragment, leading)
	for i := leading - 1; i >= 0; i-- {
		key := q.keys[i]
		key.expression = Fragment{text: string(ranges[key.column])}
		strict, bound := key.beyond(q.after[i])
		if i == leading-1 {
			least = bound
		} else {
			least = And(bound, Or(strict, least))
		}
		same[i] = Fragment{text: key.expression.text + " = " + placeholder + casts[key.kind], args: []any{q.after[i]}}
	}
	operator, outermost := " > ", "'00000000-0000-0000-0000-000000000000'"
	if next.descending {
		operator, outermost = " < ", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
	}
	own := And(same...)
	beyond.text = next.expression.text + operator + "case when " + own.text + " then " + placeholder + "::uuid else " + outermost + "::uuid end"
	beyond.args = slices.Concat(own.args, []any{q.after[leading]})
	return And(least, beyond)
}
