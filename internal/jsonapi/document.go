package jsonapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MediaType is the media type of every document (JSON:API 1.1).
const MediaType = "application/vnd.api+json"

// Identifier names one resource.
type Identifier struct {
	Type string
	ID   string
	Meta map[string]any // optional
}

// Attribute is one named value; the order of a resource's attributes is the order on the wire.
type Attribute struct {
	Name  string
	Value any // time.Time is written in the wire's form, json.RawMessage as it is (it must be valid), everything else as encoding/json does
}

// Relation is one named link to other resources: to one (One, nil for none) or, when ToMany is set, to Many.
type Relation struct {
	Name    string
	ToMany  bool
	One     *Identifier
	Many    []Identifier
	Related string // absolute URL of links.related; empty: no links
}

// ToOne is a relationship to at most one resource; an empty id is none.
func ToOne(name, kind, id string) Relation {
	if id == "" {
		return Relation{Name: name}
	}
	return Relation{Name: name, One: &Identifier{Type: kind, ID: id}}
}

// ToOptional is ToOne for an id that may be nil.
func ToOptional(name, kind string, id *uuid.UUID) Relation {
	if id == nil {
		return Relation{Name: name}
	}
	return ToOne(name, kind, id.String())
}

// ToMany is a relationship to the resources of one type with the ids.
func ToMany(name, kind string, ids []string) Relation {
	many := make([]Identifier, len(ids))
	for i, id := range ids {
		many[i] = Identifier{Type: kind, ID: id}
	}
	return Relation{Name: name, ToMany: true, Many: many}
}

// Resource is one resource object.
type Resource struct {
	Type          string
	ID            string // empty is written as null
	NoID          bool   // the object has no id member at all, as token answers
	Attributes    []Attribute
	Relationships []Relation
	Self          string // absolute URL of links.self; empty: no links

	template *Template // the object is written already, but for these values
	values   []any
}

// Pagination is the meta.pagination of a list.
type Pagination struct {
	Page  int `json:"page"`
	Pages int `json:"pages"`
	Count int `json:"count"`
}

// CursorLinks are the links of a list that is paged by cursor, absolute.
type CursorLinks struct {
	First string
	Next  string // empty: this is the last page
	After string // the cursor that Next asks for
}

// Document is an answer. One and Many are exclusive; a nil One with Many nil is an empty list.
type Document struct {
	One        *Resource
	Many       []Resource
	Included   []Resource
	Pagination *Pagination         // lists that are paged; needs PageURL
	PageURL    *url.URL            // the request's absolute URL, for links
	Cursor     *CursorLinks        // lists that are paged by cursor
	Fields     map[string][]string // sparse fieldsets by type; a type that is absent is written whole
	Bare       bool                // no meta.version
}

// Encode writes the document: compact, UTF-8 unescaped, keys in the order of the wire.
func (d Document) Encode() ([]byte, error) {
	w := &writer{fields: d.Fields}
	w.buffer.WriteByte('{')
	if d.Pagination != nil {
		w.links(d.PageURL, *d.Pagination)
		w.buffer.WriteByte(',')
	}
	if d.Cursor != nil {
		next := Attribute{Name: "next"}
		if d.Cursor.Next != "" {
			next.Value = d.Cursor.Next
		}
		w.linkObject([]Attribute{{"first", d.Cursor.First}, next})
		w.buffer.WriteByte(',')
	}
	w.buffer.WriteString(`"data":`)
	if d.One != nil {
		w.resource(*d.One)
	} else {
		w.resources(d.Many)
	}
	if len(d.Included) > 0 {
		w.buffer.WriteString(`,"included":`)
		w.resources(d.dedupe())
	}
	if d.Pagination != nil || !d.Bare {
		w.buffer.WriteString(`,"meta":{`)
		if d.Pagination != nil {
			fmt.Fprintf(&w.buffer, `"pagination":{"page":%d,"pages":%d,"count":%d}`, d.Pagination.Page, d.Pagination.Pages, d.Pagination.Count)
		}
		if !d.Bare {
			if d.Pagination != nil {
				w.buffer.WriteByte(',')
			}
			w.buffer.WriteString(`"version":"v1"`)
		}
		w.buffer.WriteByte('}')
	}
	w.buffer.WriteByte('}')
	if w.err != nil {
		return nil, fmt.Errorf("encode document: %w", w.err)
	}
	return w.buffer.Bytes(), nil
}

// dedupe sorts what is included by type and id and drops doubles and primary resources.
func (d Document) dedupe() []Resource {
	seen := make(map[[2]string]bool)
	primary := d.Many
	if d.One != nil {
		primary = []Resource{*d.One}
	}
	for _, one := range primary {
		seen[[2]string{one.Type, one.ID}] = true
	}
	included := make([]Resource, 0, len(d.Included))
	for _, one := range d.Included {
		key := [2]string{one.Type, one.ID}
		if !seen[key] {
			seen[key] = true
			included = append(included, one)
		}
	}
	sort.Slice(included, func(i, j int) bool {
		if included[i].Type != included[j].Type {
			return included[i].Type < included[j].Type
		}
		return included[i].ID < included[j].ID
	})
	return included
}

// EncodeErrors writes an error document: objects in wire order.
func EncodeErrors(errors Errors) []byte {
	w := &writer{}
	w.buffer.WriteString(`{"errors":[`)
	for i, one := range errors.Sorted() {
		if i > 0 {
			w.buffer.WriteByte(',')
		}
		w.buffer.WriteString(`{"detail":`)
		w.value(one.Detail)
		fmt.Fprintf(&w.buffer, `,"status":"%d"`, one.Status)
		if one.Pointer != "" || one.Parameter != "" {
			source := make(map[string]string, 2)
			if one.Pointer != "" {
				source["pointer"] = one.Pointer
			}
			if one.Parameter != "" {
				source["parameter"] = one.Parameter
			}
			w.buffer.WriteString(`,"source":`)
			w.value(source)
		}
		w.buffer.WriteString(`,"code":`)
		w.value(one.Code)
		w.buffer.WriteByte('}')
	}
	w.buffer.WriteString(`]}`)
	return w.buffer.Bytes()
}

// EncodeDetail writes the error document of a Detail.
func EncodeDetail(detail Detail) []byte {
	w := &writer{}
	w.buffer.WriteString(`{"errors":{"detail":`)
	w.value(detail.Text)
	w.buffer.WriteString(`}}`)
	return w.buffer.Bytes()
}

// EncodeLinks writes the document of the API's root: data holds names and addresses instead of resources.
func EncodeLinks(links []Attribute) []byte {
	w := &writer{}
	w.buffer.WriteString(`{"data":{`)
	for i, link := range links {
		if i > 0 {
			w.buffer.WriteByte(',')
		}
		w.value(link.Name)
		w.buffer.WriteByte(':')
		w.value(link.Value)
	}
	w.buffer.WriteString(`}}`)
	return w.buffer.Bytes()
}

// FormatTime writes a moment as the wire does: UTC with Z, microseconds only when there are some.
func FormatTime(moment time.Time) string {
	moment = moment.UTC().Truncate(time.Microsecond)
	if moment.Nanosecond() == 0 {
		return moment.Format("2006-01-02T15:04:05Z")
	}
	return moment.Format("2006-01-02T15:04:05.000000Z")
}

type writer struct {
	buffer bytes.Buffer
	fields map[string][]string
	gaps   []int // where the buffer has no value yet
	err    error
}

func (w *writer) resources(many []Resource) {
	w.buffer.WriteByte('[')
	for i, one := range many {
		if i > 0 {
			w.buffer.WriteByte(',')
		}
		w.resource(one)
	}
	w.buffer.WriteByte(']')
}

func (w *writer) resource(one Resource) {
	wanted, sparse := w.fields[one.Type]
	if one.template != nil {
		if !sparse {
			w.fill(one.template, one.values)
			return
		}
		one = one.template.resource(one.values)
	}
	keep := func(name string) bool { return !sparse || slices.Contains(wanted, name) }
	w.buffer.WriteString(`{"type":`)
	w.value(one.Type)
	if !one.NoID {
		w.buffer.WriteString(`,"id":`)
		if one.ID == "" {
			w.buffer.WriteString("null")
		} else {
			w.value(one.ID)
		}
	}
	opened := false
	for _, attribute := range one.Attributes {
		if !keep(attribute.Name) {
			continue
		}
		w.member(`,"attributes":{`, &opened, attribute.Name)
		w.value(attribute.Value)
	}
	w.closeMembers(&opened)
	for _, relationship := range one.Relationships {
		if !keep(relationship.Name) {
			continue
		}
		w.member(`,"relationships":{`, &opened, relationship.Name)
		w.relationship(relationship)
	}
	w.closeMembers(&opened)
	if one.Self != "" {
		w.buffer.WriteString(`,"links":{"self":`)
		w.value(one.Self)
		w.buffer.WriteByte('}')
	}
	w.buffer.WriteByte('}')
}

func (w *writer) member(opening string, opened *bool, name string) {
	if *opened {
		w.buffer.WriteByte(',')
	} else {
		w.buffer.WriteString(opening)
		*opened = true
	}
	w.value(name)
	w.buffer.WriteByte(':')
}

func (w *writer) closeMembers(opened *bool) {
	if *opened {
		w.buffer.WriteByte('}')
		*opened = false
	}
}

func (w *writer) relationship(one Relation) {
	w.buffer.WriteByte('{')
	switch {
	case one.ToMany:
		fmt.Fprintf(&w.buffer, `"meta":{"count":%d},"data":[`, len(one.Many))
		for i, identifier := range one.Many {
			if i > 0 {
				w.buffer.WriteByte(',')
			}
			w.identifier(identifier)
		}
		w.buffer.WriteByte(']')
	case one.One == nil:
		w.buffer.WriteString(`"data":null`)
	default:
		w.buffer.WriteString(`"data":`)
		w.identifier(*one.One)
	}
	if one.Related != "" {
		w.buffer.WriteString(`,"links":{"related":`)
		w.value(one.Related)
		w.buffer.WriteByte('}')
	}
	w.buffer.WriteByte('}')
}

func (w *writer) identifier(one Identifier) {
	w.buffer.WriteString(`{"type":`)
	w.value(one.Type)
	w.buffer.WriteString(`,"id":`)
	w.value(one.ID)
	if one.Meta != nil {
		w.buffer.WriteString(`,"meta":`)
		w.value(one.Meta)
	}
	w.buffer.WriteByte('}')
}

func (w *writer) value(value any) {
	switch typed := value.(type) {
	case nil:
		w.buffer.WriteString("null")
	case time.Time:
		w.buffer.WriteString(`"` + FormatTime(typed) + `"`)
	case *time.Time:
		if typed == nil {
			w.buffer.WriteString("null")
		} else {
			w.buffer.WriteString(`"` + FormatTime(*typed) + `"`)
		}
	case json.RawMessage:
		if len(typed) == 0 {
			w.buffer.WriteString("null")
		} else {
			compact(&w.buffer, typed)
		}
	case bool:
		w.buffer.WriteString(strconv.FormatBool(typed))
	case int:
		w.buffer.WriteString(strconv.Itoa(typed))
	case int64:
		w.buffer.Write(strconv.AppendInt(w.buffer.AvailableBuffer(), typed, 10))
	case []uuid.UUID:
		w.ids(typed)
	case string:
		w.text(typed)
	case Gap:
		w.gaps = append(w.gaps, w.buffer.Len())
	default:
		w.encode(value)
	}
}

func (w *writer) ids(many []uuid.UUID) {
	if many == nil {
		w.buffer.WriteString("null")
		return
	}
	w.buffer.WriteByte('[')
	for i, id := range many {
		if i > 0 {
			w.buffer.WriteByte(',')
		}
		w.buffer.WriteString(`"` + id.String() + `"`)
	}
	w.buffer.WriteByte(']')
}

// text writes a string; nearly none has anything to escape.
func (w *writer) text(value string) {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			w.encode(value)
			return
		}
	}
	w.buffer.WriteByte('"')
	w.buffer.WriteString(value)
	w.buffer.WriteByte('"')
}

func (w *writer) encode(value any) {
	encoder := json.NewEncoder(&w.buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil && w.err == nil {
		w.err = err
	}
	// Encode ends its value with a line feed.
	if bytes.HasSuffix(w.buffer.Bytes(), []byte("\n")) {
		w.buffer.Truncate(w.buffer.Len() - 1)
	}
}

// links writes first, last, next and prev: the request's URL with page[number] replaced and all keys sorted.
func (w *writer) links(base *url.URL, page Pagination) {
	link := func(number int) string {
		address := *base
		query := base.Query()
		query.Set("page[number]", strconv.Itoa(number))
		address.RawQuery = query.Encode()
		return address.String()
	}
	last := max(page.Pages, 1)
	members := []Attribute{{"first", link(1)}, {"last", link(last)}, {"next", nil}, {"prev", nil}}
	if page.Page < last {
		members[2].Value = link(page.Page + 1)
	}
	if page.Page > 1 {
		members[3].Value = link(page.Page - 1)
	}
	w.linkObject(members)
}

// linkObject writes the member links of a document.
func (w *writer) linkObject(members []Attribute) {
	w.buffer.WriteString(`"links":{`)
	for i, member := range members {
		if i > 0 {
			w.buffer.WriteByte(',')
		}
		w.value(member.Name)
		w.buffer.WriteByte(':')
		w.value(member.Value)
	}
	w.buffer.WriteByte('}')
}

// IDs prints UUIDs for relationships.
func IDs(ids []uuid.UUID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}
