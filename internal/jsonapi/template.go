package jsonapi

import "slices"

// Gap stands, among the attributes of a Template, where the value differs from one document to the next.
type Gap struct{}

// Template is a resource object that is written once, but for its gaps, and stands in many documents.
type Template struct {
	one  Resource
	text []byte
	gaps []int // offsets in text
}

// NewTemplate writes the object. Its attributes must not change afterwards.
func NewTemplate(one Resource) (*Template, error) {
	w := &writer{}
	w.resource(one)
	return &Template{one: one, text: slices.Clip(w.buffer.Bytes()), gaps: w.gaps}, w.err
}

// Size is how many bytes the template has in memory, about.
func (t *Template) Size() int { return len(t.text) + 64*len(t.one.Attributes) + 200 }

// With is the object with values for its gaps, in their order.
func (t *Template) With(values ...any) Resource {
	return Resource{Type: t.one.Type, ID: t.one.ID, template: t, values: values}
}

// resource is the object for a document with sparse fields.
func (t *Template) resource(values []any) Resource {
	one := t.one
	one.Attributes = slices.Clone(one.Attributes)
	for i := range one.Attributes {
		if _, gap := one.Attributes[i].Value.(Gap); gap {
			one.Attributes[i].Value, values = values[0], values[1:]
		}
	}
	return one
}

func (w *writer) fill(t *Template, values []any) {
	written := 0
	for i, gap := range t.gaps {
		w.buffer.Write(t.text[written:gap])
		w.value(values[i])
		written = gap
	}
	w.buffer.Write(t.text[written:])
}
