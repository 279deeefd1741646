package jsonapi

import (
	"reflect"
	"strings"
	"sync"
)

// Attributes turns a struct into attributes, in the order of its fields and under their json names; the same struct types
// describe the attributes in the OpenAPI document. Fields tagged `json:"-"` are left out, those tagged omitempty when zero.
func Attributes(value any) []Attribute {
	structure := reflect.Indirect(reflect.ValueOf(value))
	fields := attributeFields(structure.Type())
	attributes := make([]Attribute, 0, len(fields))
	for _, field := range fields {
		content := structure.Field(field.index)
		if field.omitEmpty && content.IsZero() {
			continue
		}
		attributes = append(attributes, Attribute{Name: field.name, Value: content.Interface()})
	}
	return attributes
}

type attributeField struct {
	name      string
	index     int
	omitEmpty bool
}

var attributeCache sync.Map // reflect.Type -> []attributeField

func attributeFields(structure reflect.Type) []attributeField {
	if cached, ok := attributeCache.Load(structure); ok {
		return cached.([]attributeField)
	}
	var fields []attributeField
	for i := range structure.NumField() {
		name, options, _ := strings.Cut(structure.Field(i).Tag.Get("json"), ",")
		if name == "-" || !structure.Field(i).IsExported() {
			continue
		}
		if name == "" {
			name = structure.Field(i).Name
		}
		fields = append(fields, attributeField{name: name, index: i, omitEmpty: options == "omitempty"})
	}
	attributeCache.Store(structure, fields)
	return fields
}
