package filter

import (
	"slices"
	"testing"
)

func TestNewTableRefuses(t *testing.T) {
	t.Parallel()
	field := func(f Field) Table { return Table{Fields: []Field{f}} }
	via := func(v ...Via) Table { return field(Field{Name: "a", Column: "x.a", Via: v}) }
	tests := map[string]Table{
		"free text as column":       field(Field{Name: "a", Column: "a; drop table users"}),
		"a name with dots":          field(Field{Name: "a.b", Column: "a"}),
		"no name":                   field(Field{Column: "a"}),
		"a filter twice":            {Fields: []Field{{Name: "a", Column: "a"}, {Name: "a", Column: "b"}}},
		"a spelling twice":          {Fields: []Field{{Name: "a", Column: "a", Lookups: In}, {Name: "a__in", Column: "b"}}},
		"a lookup of another kind":  field(Field{Name: "a", Kind: Bool, Column: "a", Lookups: IContains}),
		"a bare range":              field(Field{Name: "a", Column: "a", Bare: GTE}),
		"no choices":                field(Field{Name: "a", Kind: Choice, Column: "a"}),
		"UUIDv7 bounds of text":     field(Field{Name: "a", Column: "a", UUIDv7: true}),
		"two lists":                 field(Field{Name: "a", Column: "a", List: true, Lookups: Exact | In}),
		"no target":                 field(Field{Name: "a", Kind: Reference, Column: "a"}),
		"a floor of text":           field(Field{Name: "a", Column: "a", Floor: "id"}),
		"a floor that is no column": field(Field{Name: "a", Kind: UUIDv7, Column: "a", Floor: "1"}),
		"a function for text":       field(Field{Name: "a", Func: &SearchFunc{Name: "f"}}),
		"a function of free text":   field(Field{Name: "a", Kind: Words, Func: &SearchFunc{Name: "f()"}}),
		"key and arguments":         field(Field{Name: "a", Kind: Words, Func: &SearchFunc{Name: "f", Key: "id", Args: []Column{"id"}}}),
		"cases of text":             field(Field{Name: "a", Cases: map[string]Fragment{"x": True()}}),
		"via to nowhere":            field(Field{Name: "a", Via: []Via{{Table: "x", Alias: "x"}}}),
		"via without join":          via(Via{Table: "x", Alias: "x"}),
		"via without outer alias":   via(Via{Table: "x", Alias: "x", On: [][2]Column{{"x.id", "id"}}}),
		"via of another alias":      via(Via{Table: "x", Alias: "x", On: [][2]Column{{"y.id", "p.id"}}}),
		"via to itself":             via(Via{Table: "x", Alias: "x", On: [][2]Column{{"x.id", "x.id"}}}),
		"via of free text":          via(Via{Table: "x, users", Alias: "x", On: [][2]Column{{"x.id", "p.id"}}}),
		"a second step astray": via(Via{Table: "y", Alias: "y", On: [][2]Column{{"y.id", "p.id"}}},
			Via{Table: "x", Alias: "x", On: [][2]Column{{"x.id", "p.id"}}}),
		"an alias twice": via(Via{Table: "x", Alias: "x", On: [][2]Column{{"x.id", "p.id"}}},
			Via{Table: "x", Alias: "x", On: [][2]Column{{"x.id", "x.id"}}}),
		"an unknown default":    {Sorts: []Sort{{Name: "a", Column: "a"}}, Tiebreak: "id", DefaultSort: []string{"b"}},
		"no tiebreak":           {Sorts: []Sort{{Name: "a", Column: "a"}}},
		"a tiebreak of text":    {Sorts: []Sort{{Name: "a", Column: "a"}}, Tiebreak: "id desc"},
		"a sort of text":        {Sorts: []Sort{{Name: "a", Column: "lower(a)"}}, Tiebreak: "id"},
		"a sort twice":          {Sorts: []Sort{{Name: "a", Column: "a"}, {Name: "a", Column: "b"}}, Tiebreak: "id"},
		"an empty include":      {Includes: []string{"a."}},
		"an empty search":       {Search: &Search{}},
		"a search of free text": {Search: &Search{Columns: []Column{"a b"}}},
		"a search of ids":       {Search: &Search{Any: []Field{{Kind: UUID, Column: "a"}}}},
		"an unknown date":       {Required: &RequiredDates{Fields: []string{"a"}}},
		"no date":               {Required: &RequiredDates{}},
	}
	for name, table := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := NewTable(table); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	want := []string{"id", "id__in", "name", "name__in", "permission_state", "inserted_at", "inserted_at__gte", "inserted_at__lte",
		"updated_at", "updated_at__gte", "updated_at__lte"}
	if got := rolesTable.Keys(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMustPanics(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){
		"MustTable":     func() { MustTable(Table{Tiebreak: "1"}) },
		"MustCondition": func() { MustCondition("1", Exact, "x") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			f()
		}()
	}
}
