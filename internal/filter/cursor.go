package filter

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Cursor pages a list by position: page[after] names the last row of the page before, so that pages neither skip nor repeat
// rows when others are added, and a page deep in the list costs what the first one costs. There is no count and no page[number].
//
// Every sort of such a table orders by Tiebreak alone, in either direction.
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
	for _, s := range t.Sorts {
		if s.Column != t.Tiebreak || len(s.Also) > 0 || s.Text || len(s.Ranked) > 0 {
			return fmt.Errorf("cursor: sort %q orders by more than the tiebreak", s.Name)
		}
	}
	return nil
}

const afterKey = "page[after]"

// behind is the condition of the rows behind the request's cursor, in its order.
func (t *Table) behind(params Params, order []SortKey) (Fragment, error) {
	if t.Cursor == nil {
		return Fragment{}, nil
	}
	if _, sent := params.Last("page[number]"); sent {
		return Fragment{}, badCursor("page[number]", "This list has no page numbers: follow links.next, or send page[after].")
	}
	token, sent := params.Last(afterKey)
	if !sent {
		return Fragment{}, nil
	}
	value, err := t.Cursor.open(token, order[0].Descending)
	if err != nil {
		return Fragment{}, badCursor(afterKey, "The cursor is none of this list in this order.")
	}
	if order[0].Descending {
		return compare(t.Tiebreak, "<", value), nil
	}
	return compare(t.Tiebreak, ">", value), nil
}

func badCursor(parameter, detail string) error {
	return jsonapi.Error{Status: http.StatusBadRequest, Code: "invalid", Parameter: parameter, Detail: detail}
}

// After is the cursor behind a row: the value, an int64 or a UUID as the table's cursor says, of the column that orders the
// list. It is a position and nothing else; clients are not to look inside.
func (q *Query) After(value any) string {
	direction := "a"
	if len(q.Sort) > 0 && q.Sort[0].Descending {
		direction = "d"
	}
	return base64.RawURLEncoding.EncodeToString(fmt.Append(nil, cursorVersion, direction, value))
}

// cursorVersion begins every cursor, so that those of another form can be told apart.
const cursorVersion = "1"

// open reads a cursor that After made for the same direction.
func (c *Cursor) open(token string, descending bool) (any, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != token { // line feeds are skipped by decoding
		return nil, fmt.Errorf("not encoded as cursors are")
	}
	direction := "a"
	if descending {
		direction = "d"
	}
	text, ok := strings.CutPrefix(string(raw), cursorVersion+direction)
	if !ok {
		return nil, fmt.Errorf("another order")
	}
	if c.Kind == UUID {
		id, err := uuid.Parse(text)
		if err != nil || id.String() != text {
			return nil, fmt.Errorf("no id")
		}
		return id, nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != text {
		return nil, fmt.Errorf("no number")
	}
	return number, nil
}
