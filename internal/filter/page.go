package filter

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

const (
	defaultPageSize = 10
	maxPageSize     = 100
)

// Page is the page that a request asks for.
type Page struct {
	Number   int64 // from 1; 0 stands for the last page
	Size     int64 // 1 to 100
	Disabled bool  // everything in one answer, without links and without meta.pagination
	Cursor   bool  // the page begins behind a row instead of at a number; there is no count
}

// Window is a page of a list whose length is known.
type Window struct {
	Offset, Limit int64 // rows to skip, rows to read
	Number, Pages int64 // this page and how many there are; an empty list has one
	Count         int64 // rows of the whole list

	Cursor bool   // the page was found by cursor: of the above, Limit alone holds
	After  string // cursor behind the last row; empty: nothing follows
}

// Start returns how many rows to skip; known is false for the last page, which needs the count. With it, page and
// count can be read in one round trip.
func (p Page) Start() (offset int64, known bool) {
	if p.Disabled {
		return 0, true
	}
	if p.Number == 0 {
		return 0, false
	}
	return (p.Number - 1) * p.Size, true
}

// Limit returns how many rows to read at most.
func (p Page) Limit() int64 {
	if p.Disabled {
		return math.MaxInt32
	}
	return p.Size
}

// Resolve places the page in a list of count rows. A page beyond the last is a 404.
func (p Page) Resolve(count int64) (Window, error) {
	if p.Disabled {
		return Window{Limit: p.Limit(), Number: 1, Pages: 1, Count: count}, nil
	}
	pages := max(1, (count+p.Size-1)/p.Size)
	number := p.Number
	if number == 0 {
		number = pages
	}
	if number > pages {
		return Window{}, noSuchPage()
	}
	return Window{Offset: (number - 1) * p.Size, Limit: p.Size, Number: number, Pages: pages, Count: count}, nil
}

func noSuchPage() error {
	return jsonapi.Error{Status: http.StatusNotFound, Code: "not_found", Detail: "Invalid page.", Pointer: "/data"}
}

func (t *Table) page(params Params) (Page, error) {
	if t.Unpaged {
		return Page{Number: 1, Size: maxPageSize, Disabled: true}, nil
	}
	if t.Cursor != nil {
		return Page{Size: params.pageSize(t.Cursor.Size, t.Cursor.MaxSize), Cursor: true}, nil // the cursor itself is read with the order
	}
	if _, sent := params.Last(afterKey); sent && t.Tiebreak != "" {
		return Page{Size: params.pageSize(defaultPageSize, maxPageSize), Cursor: true}, nil
	}
	page := Page{Number: 1, Size: params.pageSize(defaultPageSize, maxPageSize)}
	if value, _ := params.Last("page[disable]"); t.PageDisable && strings.EqualFold(value, "true") {
		page.Disabled = true
		return page, nil
	}
	switch value, _ := params.Last("page[number]"); value {
	case "":
	case "last":
		page.Number = 0
	default:
		number, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil || number < 1 {
			return Page{}, noSuchPage()
		}
		// No list is that long; the bound keeps the offset from overflowing.
		page.Number = min(number, math.MaxInt32)
	}
	return page, nil
}

// pageSize is the page[size] that was sent, within bounds; what is none counts as standard.
func (p Params) pageSize(standard, longest int64) int64 {
	value, _ := p.Last("page[size]")
	value = strings.TrimSpace(value)
	size, err := strconv.ParseInt(value, 10, 64)
	if err != nil && size != math.MaxInt64 || size < 1 {
		return standard
	}
	return min(size, longest)
}
