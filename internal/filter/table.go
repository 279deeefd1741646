package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Table is the allow-list of one list endpoint. Declare it as data and pass it through NewTable, which checks it;
// a Table that was not checked is refused by Parse.
type Table struct {
	Fields      []Field  // filters; filter[search] apart
	Sorts       []Sort   // sort keys
	DefaultSort []string // keys of Sorts, "-" before a descending one
	Tiebreak    Column   // unique column that ends every order, in the direction of the last key, so that pages are stable
	Search      *Search  // what filter[search] looks through; nil: it is accepted and ignored
	Includes    []string // paths that include may name: "scan", "scan.provider"
	Required    *RequiredDates
	PageDisable bool // page[disable]=true is honoured
	Unpaged     bool // page[...] is ignored, the answer holds everything
	// Ended is the column with the moment from which on a newest scan is one, for lists of what the newest scans say: who walks such a
	// list by cursor sees it as of the walk's beginning, because the positions of one scan are none in the next.
	Ended    Column
	Cursor   *Cursor // pages begin behind a row instead of at a number; nil: numbered pages
	Tolerate Tolerance

	keys           map[string]fieldKey
	sorts          map[string]*Sort
	includes       map[string]bool
	includeParents map[string]bool
	checked        bool
}

// Tolerance lists what an endpoint lets pass though the wire contract refuses it elsewhere.
type Tolerance uint16

const (
	// AnyParameter lets unknown and repeated parameters pass.
	AnyParameter Tolerance = 1 << iota
	// AnySort ignores the sort parameter altogether.
	AnySort
	// AnyFilter ignores unknown filters and empty values.
	AnyFilter
	// AnyInclude ignores the include parameter.
	AnyInclude
	// NoDots ignores filters that are spelled with dots.
	NoDots
	// LateSort checks sort keys after the filters, names only the first unknown one, without its minus, and skips
	// blank ones.
	LateSort
	// PlainCodes answers code "invalid" where "invalid_choice" is usual.
	PlainCodes
	// BareFilters takes provider_id=x for filter[provider_id]=x, where the table knows the filter.
	BareFilters

	// AnyQuery is for endpoints that validate nothing but the values of the filters that they know.
	AnyQuery = AnyParameter | AnySort | AnyFilter
)

func (t Tolerance) has(flag Tolerance) bool { return t&flag != 0 }

// Field is one filter: a name on the wire, the column behind it and what may be asked of it. A field without Column,
// Cases and Func is checked and handed over through Query, but makes no SQL: the domain acts on it.
type Field struct {
	Name    string
	Kind    Kind
	Column  Column
	Via     []Via    // tables to walk through when the column is not in the query itself
	Lookups Lookup   // spelled name__lookup; Exact is the bare name. Zero: Exact alone
	Bare    Lookup   // what the bare name does when that is not Exact: IContains
	Choices []string // values of a Choice
	// Cases replaces the column of a Choice: the condition of each value. Values without a case match nothing.
	Cases map[string]Fragment
	// Codes are the small integers that Column holds in place of the values of a Choice: one for each of Choices.
	Codes map[string]int64
	// List lets the bare name take a comma list.
	List bool
	// Relationship says that the bare name is a relationship of the resource: refusals point to it.
	Relationship bool
	// Target names what a Reference refers to ("providers"), for the existence check of the domain.
	Target string
	// CaseSensitive makes a Bool understand true, True, 1, false, False and 0 only.
	CaseSensitive bool
	// UUIDv7 says that Column, asked for by date, is a UUIDv7 id: conditions become id bounds and leave out partitions.
	UUIDv7 bool
	// Floor is an id column that cannot be older than the UUIDv7 asked for (a finding's id and its scan's): it bounds
	// the partitions to read.
	Floor Column
	// Func answers a Words field instead of a column.
	Func *SearchFunc
	// Refuse replaces the standard refusal of unreadable values; bad holds them all.
	Refuse func(bad []string) jsonapi.Error
}

// Kind says what the values of a field are.
type Kind uint8

const (
	// Text compares code points; surrounding white space is no part of a value.
	Text Kind = iota
	// UUID takes ids, known or not.
	UUID
	// UUIDv7 takes ids that hold a time.
	UUIDv7
	// Reference takes ids of objects that must exist; see Query.References.
	Reference
	// Choice takes one of Choices.
	Choice
	// Bool takes true, false, 1 and 0; any other value lets the filter drop.
	Bool
	// Integer takes whole numbers of 64 bits.
	Integer
	// Decimal takes decimal numbers.
	Decimal
	// DateTime is a moment: the bare name takes a date and matches that UTC day, the ranges take a moment in ISO 8601
	// or a date, which means its midnight.
	DateTime
	// Moment is a moment asked for by date or moment alike; a date means the whole UTC day, also as the end of a range.
	Moment
	// Date is a moment or day asked for by dates only; a date means the whole UTC day, also as the end of a range.
	Date
	// TextArray is a column of type text[]: the bare name asks for one element, In for any of several, IContains looks
	// into the elements.
	TextArray
	// Words is a full-text column (tsvector) or a SearchFunc: all words of the value must occur.
	Words
)

// Lookup is a set of ways to compare.
type Lookup uint16

const (
	Exact      Lookup = 1 << iota // the bare name
	In                            // one of a comma list
	IContains                     // contains, case ignored, % and _ taken literally
	StartsWith                    // for Condition only
	GT
	GTE
	LT
	LTE
	OnDate // name__date: the UTC day
	IsNull
)

var suffixes = []struct {
	lookup Lookup
	suffix string
}{
	{In, "__in"}, {IContains, "__icontains"}, {GT, "__gt"}, {GTE, "__gte"}, {LT, "__lt"}, {LTE, "__lte"},
	{OnDate, "__date"}, {IsNull, "__isnull"},
}

// lookupsOf lists what each kind can be asked.
var lookupsOf = map[Kind]Lookup{
	Text: Exact | In | IContains | IsNull, UUID: Exact | In | IsNull, UUIDv7: Exact | In | IsNull,
	Reference: Exact | In | IsNull, Choice: Exact | In | IsNull, Bool: Exact | IsNull,
	Integer: Exact | In | GT | GTE | LT | LTE | IsNull, Decimal: Exact | GT | GTE | LT | LTE | IsNull,
	DateTime: Exact | OnDate | GT | GTE | LT | LTE | IsNull, Moment: Exact | OnDate | GT | GTE | LT | LTE | IsNull,
	Date: Exact | OnDate | GT | GTE | LT | LTE | IsNull, TextArray: Exact | In | IContains | IsNull, Words: Exact,
}

// Via is one step from the query's row to a related table, rendered as
//
//	exists (select from <Table> <Alias> where <Alias>.tenant_id = <outer>.tenant_id and <On> and <condition>)
//
// Several steps become joins inside one exists. The tenant is always part of the join.
type Via struct {
	Table Column // table, with its schema where that is not public
	Alias string
	On    [][2]Column // {column of Alias, column of an earlier alias}; at least one
	// Shared says that the table has no tenant_id because all tenants read it.
	Shared bool
}

// Sort is one sort key. Nulls come last ascending and first descending.
type Sort struct {
	Name   string
	Column Column
	Also   []Column // further columns of the same key, in the same direction
	Text   bool     // order by code point; leave it out for a column with collation "C"
	// Kind is that of the values, for cursors. Left out: that of the filter by the same column, DateTime for a name that ends
	// in _at, or Text.
	Kind     Kind
	Nullable bool // the column can be null
	// Ranked orders by the place of the value in this list instead of its text; values outside come last.
	// A small-integer column is faster: declare that as Column where there is an index to use.
	Ranked []string
	Hidden bool // for DefaultSort only
}

// Search says what filter[search] looks through: either every term in any of Columns, or the whole text in any of Any.
type Search struct {
	Columns []Column // a term is contained in one of them, case ignored; all terms must be found
	Any     []Field  // Words fields
}

// SearchFunc is a reviewed SQL function that answers a Words field. With Key it is called with the text alone and
// returns the ids that match; without, it is called with Args and the text and returns a boolean.
//
// With Sets, the rows that match are those that are in one of these; there is no function beside them.
type SearchFunc struct {
	Name Column // function, with its schema where that is not public
	Key  Column
	Args []Column
	Sets []SearchSet
}

// SearchSet is a reviewed SQL function that is called once for a query, with the text and the ids that Within has, and returns
// rows with columns that are named as Keys are.
type SearchSet struct {
	Name   Column
	Keys   []Column // columns of the query, with their alias, that a row of the function must equal
	Within Column   // column of a common table expression that the query has: "chosen.id"
}

// RequiredDates makes a date filter obligatory and bounds its range.
type RequiredDates struct {
	Fields  []string // one of these must be given, with any lookup; the first is where the refusal points
	Bypass  []string // unless one of these is given
	MaxDays int      // longest range of each of Fields, bypassed or not; an open end is today 00:00 UTC
}

// fieldKey is one spelling of a filter: field and lookup.
type fieldKey struct {
	field  *Field
	lookup Lookup
	order  int
}

// NewTable checks a declaration and prepares it for Parse.
func NewTable(declared Table) (*Table, error) {
	t := &declared
	t.Fields = append([]Field(nil), declared.Fields...)
	t.Sorts = append([]Sort(nil), declared.Sorts...)
	steps := []func() error{t.indexFields, t.indexSorts, t.indexIncludes, t.checkSearch, t.checkRequired, t.checkCursor}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("filter table: %w", err)
		}
	}
	t.checked = true
	return t, nil
}

// MustTable is NewTable for declarations; it panics where NewTable fails.
func MustTable(declared Table) *Table {
	t, err := NewTable(declared)
	if err != nil {
		panic(err)
	}
	return t
}

// Keys returns every spelling of a filter that the table knows, with underscores, in the order of declaration.
func (t *Table) Keys() []string {
	keys := make([]string, len(t.keys))
	for key, k := range t.keys {
		keys[k.order] = key
	}
	return keys
}

func (t *Table) indexFields() error {
	t.keys = map[string]fieldKey{}
	for i := range t.Fields {
		f := &t.Fields[i]
		if err := f.check(); err != nil {
			return fmt.Errorf("filter %q: %w", f.Name, err)
		}
		for _, key := range f.keys() {
			if _, twice := t.keys[key.name]; twice {
				return fmt.Errorf("filter %q is declared twice", key.name)
			}
			t.keys[key.name] = fieldKey{field: f, lookup: key.lookup, order: len(t.keys)}
		}
	}
	return nil
}

type namedLookup struct {
	name   string
	lookup Lookup
}

// keys lists the spellings of the field.
func (f *Field) keys() []namedLookup {
	var keys []namedLookup
	if f.Lookups&Exact != 0 {
		keys = append(keys, namedLookup{f.Name, Exact})
	}
	for _, s := range suffixes {
		if f.Lookups&s.lookup != 0 {
			keys = append(keys, namedLookup{f.Name + s.suffix, s.lookup})
		}
	}
	return keys
}

func (f *Field) check() error {
	if !isMember(f.Name) || strings.Contains(f.Name, ".") {
		return fmt.Errorf("not a name")
	}
	if f.Lookups == 0 {
		f.Lookups = Exact
	}
	if wrong := f.Lookups &^ lookupsOf[f.Kind]; wrong != 0 {
		return fmt.Errorf("a lookup that its kind does not have")
	}
	if f.Bare != 0 && (f.Kind != Text || f.Bare != IContains) {
		return fmt.Errorf("the bare name of a Text field may mean IContains, nothing else")
	}
	if f.Kind == Choice && len(f.Choices) == 0 {
		return fmt.Errorf("a choice without choices")
	}
	if f.UUIDv7 && f.Kind != DateTime && f.Kind != Moment && f.Kind != Date {
		return fmt.Errorf("UUIDv7 bounds are for dates")
	}
	if f.List && f.Lookups&In != 0 {
		return fmt.Errorf("the bare name takes a list already")
	}
	if f.Kind == Reference && f.Target == "" {
		return fmt.Errorf("a reference without target")
	}
	if f.Floor != "" && (f.Kind != UUIDv7 || f.Floor.check() != nil) {
		return fmt.Errorf("Floor needs a UUIDv7 field and a column")
	}
	return f.checkColumns()
}

func (f *Field) checkColumns() error {
	if f.Func != nil {
		if f.Kind != Words || f.Column != "" {
			return fmt.Errorf("a search function is for Words without a column")
		}
		if err := f.Func.check(); err != nil {
			return err
		}
	}
	if f.Codes != nil {
		for _, choice := range f.Choices {
			if _, ok := f.Codes[choice]; !ok || f.Kind != Choice || f.Column == "" {
				return fmt.Errorf("codes are for a Choice with a column, one for each value")
			}
		}
	}
	if f.Cases != nil && (f.Kind != Choice || f.Column != "" || f.Lookups&IsNull != 0) {
		return fmt.Errorf("cases are for a Choice without a column, hence without IsNull")
	}
	if f.Column != "" {
		if err := f.Column.check(); err != nil {
			return err
		}
	}
	if len(f.Via) > 0 && f.Column == "" {
		return fmt.Errorf("Via without a column")
	}
	return checkVia(f.Via)
}

func (s *SearchFunc) check() error {
	if len(s.Sets) > 0 {
		if s.Name != "" || s.Key != "" || len(s.Args) > 0 {
			return fmt.Errorf("a search function with Sets takes nothing else")
		}
		return checkSets(s.Sets)
	}
	for _, c := range append([]Column{s.Name}, s.Args...) {
		if err := c.check(); err != nil {
			return err
		}
	}
	if s.Key != "" {
		if len(s.Args) > 0 {
			return fmt.Errorf("a search function with Key takes no Args")
		}
		return s.Key.check()
	}
	return nil
}

func checkSets(sets []SearchSet) error {
	for _, set := range sets {
		for _, c := range append([]Column{set.Name, set.Within}, set.Keys...) {
			if err := c.check(); err != nil {
				return err
			}
		}
		if len(set.Keys) == 0 || set.Within.alias() == "" || slices.ContainsFunc(set.Keys, func(key Column) bool { return key.alias() == "" }) {
			return fmt.Errorf("a set of a search needs keys and what it is within, with their aliases")
		}
	}
	return nil
}

func checkVia(via []Via) error {
	inner := map[string]bool{}
	for i, v := range via {
		if v.Table.check() != nil || !isIdentifier(v.Alias) || inner[v.Alias] || len(v.On) == 0 {
			return fmt.Errorf("via %q: needs a table, an alias of its own and a join", v.Table)
		}
		for _, on := range v.On {
			if on[0].check() != nil || on[1].check() != nil || on[0].alias() != v.Alias || on[1].alias() == "" {
				return fmt.Errorf("via %q: join %v", v.Table, on)
			}
		}
		if earlier := v.On[0][1].alias(); earlier == v.Alias || i > 0 && !inner[earlier] {
			return fmt.Errorf("via %q: the first join does not lead to an earlier table", v.Table)
		}
		inner[v.Alias] = true
	}
	return nil
}

func (t *Table) indexSorts() error {
	t.sorts = map[string]*Sort{}
	for i := range t.Sorts {
		s := &t.Sorts[i]
		for _, c := range append([]Column{s.Column}, s.Also...) {
			if err := c.check(); err != nil {
				return fmt.Errorf("sort %q: %w", s.Name, err)
			}
		}
		s.Kind = t.kindOf(s)
		if _, twice := t.sorts[s.Name]; twice || s.Name == "" {
			return fmt.Errorf("sort %q is declared twice or has no name", s.Name)
		}
		t.sorts[s.Name] = s
	}
	for _, key := range t.DefaultSort {
		if t.sorts[strings.TrimPrefix(key, "-")] == nil {
			return fmt.Errorf("default sort %q is not declared", key)
		}
	}
	if t.Tiebreak != "" {
		return t.Tiebreak.check()
	}
	if len(t.Sorts) > 0 {
		return fmt.Errorf("sorts without a tiebreak")
	}
	return nil
}

// kindOf is what values a cursor in this order holds.
func (t *Table) kindOf(s *Sort) Kind {
	switch {
	case len(s.Ranked) > 0:
		return Integer
	case s.Text:
		return Text
	case s.Kind != Text:
		return s.Kind
	case s.Column == t.Tiebreak:
		return t.tiebreakKind()
	}
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Column == s.Column && len(f.Via) == 0 && f.Codes == nil && !f.UUIDv7 {
			return storedAs(f.Kind)
		}
	}
	if strings.HasSuffix(s.Name, "_at") {
		return DateTime
	}
	return Text
}

// storedAs is the kind of the values of a column that is asked for by another kind of words.
func storedAs(asked Kind) Kind {
	switch asked {
	case UUIDv7, Reference:
		return UUID
	case Moment, Date:
		return DateTime
	case Choice:
		return Text
	}
	return asked
}

func (t *Table) indexIncludes() error {
	t.includes, t.includeParents = map[string]bool{}, map[string]bool{}
	for _, path := range t.Includes {
		parent := ""
		for step := range strings.SplitSeq(path, ".") {
			if !isMember(step) {
				return fmt.Errorf("include %q", path)
			}
			t.includeParents[parent] = true
			if parent != "" {
				step = parent + "." + step
			}
			t.includes[step] = true
			parent = step
		}
	}
	return nil
}

func (t *Table) checkSearch() error {
	if t.Search == nil {
		return nil
	}
	if (len(t.Search.Columns) > 0) == (len(t.Search.Any) > 0) {
		return fmt.Errorf("search needs either Columns or Any")
	}
	for _, c := range t.Search.Columns {
		if err := c.check(); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	for i := range t.Search.Any {
		f := t.Search.Any[i]
		f.Name = "search"
		if f.Kind != Words || f.Column == "" && f.Func == nil {
			return fmt.Errorf("search: Any takes Words fields")
		}
		if err := f.check(); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	return nil
}

func (t *Table) checkRequired() error {
	if t.Required == nil {
		return nil
	}
	if len(t.Required.Fields) == 0 {
		return fmt.Errorf("required dates without fields")
	}
	for _, name := range append(append([]string(nil), t.Required.Fields...), t.Required.Bypass...) {
		if _, known := t.keys[name]; !known {
			return fmt.Errorf("required dates: no filter %q", name)
		}
	}
	return nil
}
