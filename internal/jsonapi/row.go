package jsonapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/palisade-sec/palisade/internal/cells"
)

// EncodeResource writes one resource object as in a document, in one line; fields are sparse fieldsets by type.
func EncodeResource(one Resource, fields map[string][]string) ([]byte, error) {
	w := &writer{fields: fields}
	w.resource(one)
	if w.err != nil {
		return nil, fmt.Errorf("encode resource: %w", w.err)
	}
	return w.buffer.Bytes(), nil
}

// AttributeNames are the names of the attributes of a struct, in the order of a document.
func AttributeNames(structure any) []string {
	if structure == nil {
		return nil
	}
	kind := reflect.TypeOf(structure)
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	fields := attributeFields(kind)
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.name
	}
	return names
}

// Table writes resources as comma-separated values (RFC 4180): a column for the id and one for each name that it is made with.
type Table struct{ columns []string }

// NewTable is a table with a column for each of the names of attributes and relationships.
func NewTable(names []string) *Table { return &Table{columns: names} }

// Header is the first line.
func (t *Table) Header() []byte {
	var line bytes.Buffer
	line.WriteString("id")
	for _, name := range t.columns {
		line.WriteByte(',')
		cells.Write(&line, ',', name)
	}
	line.WriteString("\r\n")
	return line.Bytes()
}

// Line is the line of a resource. Relationships are ids, separated by spaces; nested values are JSON; null is nothing. A text that a
// spreadsheet would take for a formula begins with an apostrophe.
func (t *Table) Line(one Resource) ([]byte, error) {
	values := make(map[string]string, len(t.columns))
	for _, attribute := range one.Attributes {
		cell, err := cellOf(attribute.Value)
		if err != nil {
			return nil, fmt.Errorf("encode attribute %s: %w", attribute.Name, err)
		}
		values[attribute.Name] = cell
	}
	for _, relation := range one.Relationships {
		var ids []string
		if relation.One != nil {
			ids = append(ids, relation.One.ID)
		}
		for _, other := range relation.Many {
			ids = append(ids, other.ID)
		}
		values[relation.Name] = cells.Harmless(strings.Join(ids, " "))
	}
	var line bytes.Buffer
	cells.Write(&line, ',', cells.Harmless(one.ID))
	for _, name := range t.columns {
		line.WriteByte(',')
		cells.Write(&line, ',', values[name])
	}
	line.WriteString("\r\n")
	return line.Bytes(), nil
}

// cellOf is the text of a value: that of a string, the JSON of anything else.
func cellOf(value any) (string, error) {
	if text, ok := value.(string); ok {
		return cells.Harmless(text), nil
	}
	w := &writer{}
	w.value(value)
	if w.err != nil {
		return "", w.err
	}
	written := w.buffer.Bytes()
	switch {
	case bytes.Equal(written, []byte("null")):
		return "", nil
	case bytes.HasPrefix(written, []byte(`"`)):
		var text string
		err := json.Unmarshal(written, &text)
		return cells.Harmless(text), err
	}
	return string(written), nil
}
