package filter

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// value is what one filter of a request says, read by the field's kind.
type value struct {
	fieldKey
	key string // with underscores

	ignored bool // legal, but says nothing
	texts   []string
	ids     []uuid.UUID
	numbers []int64
	flag    bool
	from    *time.Time // range of a date filter, half open; nil: open
	to      *time.Time
	at      time.Time // the moment or midnight that was asked for
}

// refusal is the standard error of a value: code, text and the values at fault.
type refusal struct {
	code, detail string
	bad          []string
}

func invalid(detail string, bad ...string) *refusal { return &refusal{"invalid", detail, bad} }

// read understands raw as the field's kind asks.
func (k fieldKey) read(key, raw string) (value, *refusal) {
	v := value{fieldKey: k, key: key}
	var bad *refusal
	switch {
	case k.lookup == IsNull:
		bad = v.readBool(raw)
	case k.field.Kind == UUID, k.field.Kind == UUIDv7, k.field.Kind == Reference:
		bad = v.readIDs(raw)
	case k.field.Kind == Choice:
		bad = v.readChoices(raw)
	case k.field.Kind == Bool:
		bad = v.readBool(raw)
	case k.field.Kind == Integer:
		bad = v.readIntegers(raw)
	case k.field.Kind == Decimal:
		bad = v.readDecimal(raw)
	case k.field.Kind == DateTime:
		bad = v.readDateTime(raw)
	case k.field.Kind == Moment:
		bad = v.readMoment(raw)
	case k.field.Kind == Date:
		bad = v.readDate(raw)
	default:
		bad = v.readTexts(raw)
	}
	return v, bad
}

// parts splits a comma list where the lookup takes one.
func (v *value) parts(raw string) []string {
	if v.lookup == In || v.lookup == Exact && v.field.List {
		return strings.Split(raw, ",")
	}
	return []string{raw}
}

func (v *value) readTexts(raw string) *refusal {
	parts := v.parts(raw)
	v.texts = make([]string, len(parts))
	for i, part := range parts {
		if strings.Contains(part, "\x00") {
			return &refusal{"null_characters_not_allowed", "Null characters are not allowed.", []string{part}}
		}
		v.texts[i] = strings.TrimSpace(part)
	}
	v.ignored = len(parts) == 1 && v.texts[0] == "" && v.lookup != In
	return nil
}

func (v *value) readIDs(raw string) *refusal {
	detail := func(string) string { return "Enter a valid UUID." }
	if v.field.Kind == Reference {
		detail = func(part string) string { return "“" + part + "” is not a valid UUID." }
	}
	parts := v.parts(raw)
	v.ids = make([]uuid.UUID, 0, len(parts))
	var first, bad = "", []string(nil)
	for _, part := range parts {
		trimmed := strings.TrimSpace(part)
		if trimmed == "" {
			continue
		}
		id, ok := parseUUID(trimmed)
		if !ok {
			if bad == nil {
				first = part
			}
			bad = append(bad, part)
			continue
		}
		v.ids = append(v.ids, id)
	}
	if bad != nil {
		return invalid(detail(first), bad...)
	}
	v.ignored = len(v.ids) == 0 && v.lookup != In
	return nil
}

func (v *value) readChoices(raw string) *refusal {
	var bad []string
	parts := v.parts(raw)
	v.texts = make([]string, 0, len(parts))
	for _, part := range parts {
		switch {
		case part == "" && v.lookup == In:
		case !slices.Contains(v.field.Choices, part):
			bad = append(bad, part)
		default:
			v.texts = append(v.texts, part)
		}
	}
	if bad != nil {
		return &refusal{"invalid_choice",
			fmt.Sprintf("Select a valid choice. %s is not one of the available choices.", bad[0]), bad}
	}
	return nil
}

func (v *value) readBool(raw string) *refusal {
	yes, no := []string{"true", "1"}, []string{"false", "0"}
	if v.lookup != IsNull && v.field.CaseSensitive {
		yes, no = append(yes, "True"), append(no, "False")
	} else {
		raw = strings.ToLower(raw)
	}
	v.flag = slices.Contains(yes, raw)
	v.ignored = !v.flag && !slices.Contains(no, raw)
	return nil
}

func (v *value) readIntegers(raw string) *refusal {
	for _, part := range v.parts(raw) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return invalid("Enter a number.", part)
		}
		v.numbers = append(v.numbers, n)
	}
	v.ignored = len(v.numbers) == 0 && v.lookup != In
	return nil
}

// decimals keeps exponents out: 1e1000000 is short to send and long to store.
var decimals = regexp.MustCompile(`^[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})$`)

func (v *value) readDecimal(raw string) *refusal {
	raw = strings.TrimSpace(raw)
	if !decimals.MatchString(raw) {
		return invalid("Enter a number.", raw)
	}
	v.texts = []string{raw}
	return nil
}

func (v *value) readDateTime(raw string) *refusal {
	if v.lookup == Exact || v.lookup == OnDate {
		return v.readDate(raw)
	}
	t, _, ok := parseMoment(raw)
	if !ok {
		return invalid("Enter a valid date/time.", raw)
	}
	v.instant(t)
	return nil
}

func (v *value) readMoment(raw string) *refusal {
	if v.lookup == OnDate {
		return v.readDate(raw)
	}
	t, isDate, ok := parseMoment(raw)
	if !ok {
		return invalid("Enter a valid date or datetime.", raw)
	}
	switch {
	case isDate:
		v.span(t, t.AddDate(0, 0, 1))
	case v.lookup == Exact:
		day := t.Truncate(24 * time.Hour)
		v.span(day, day.AddDate(0, 0, 1))
		v.at = t
	default:
		v.instant(t)
	}
	return nil
}

func (v *value) readDate(raw string) *refusal {
	t, ok := parseDate(strings.TrimSpace(raw))
	if !ok {
		return invalid("Enter a valid date.", raw)
	}
	v.span(t, t.AddDate(0, 0, 1))
	return nil
}

// instant sets the range for a moment, whose extent is the smallest unit that the column tells apart: microseconds,
// milliseconds in a UUIDv7.
func (v *value) instant(t time.Time) {
	if v.field.UUIDv7 {
		floor := t.Truncate(time.Millisecond)
		v.span(floor, floor.Add(time.Millisecond))
	} else {
		v.span(t, t.Add(time.Microsecond))
	}
	v.at = t
}

// span sets the range that the lookup makes of [start, end), the extent of what was asked for.
func (v *value) span(start, end time.Time) {
	v.at = start
	switch v.lookup {
	case GTE:
		v.from = &start
	case GT:
		v.from = &end
	case LTE:
		v.to = &end
	case LT:
		v.to = &start
	default:
		v.from, v.to = &start, &end
	}
}

// refuse makes the error object of the wire.
func (v *value) refuse(r *refusal, tolerate Tolerance) jsonapi.Error {
	if v.field.Refuse != nil {
		return v.field.Refuse(r.bad)
	}
	code := r.code
	if code == "invalid_choice" && tolerate.has(PlainCodes) {
		code = "invalid"
	}
	if v.field.Relationship && v.lookup == Exact {
		return jsonapi.Relationship(v.field.Name, code, r.detail)
	}
	if v.field.Kind == Moment && v.lookup != OnDate {
		return jsonapi.Field(v.field.Name, code, r.detail)
	}
	return jsonapi.Field(v.key, code, r.detail)
}

// parseUUID accepts the spellings that the Prowler API accepts: with or without hyphens, braces or the urn prefix.
func parseUUID(s string) (uuid.UUID, bool) {
	if len(s) != 36 {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "urn:"), "uuid:")
		s = strings.Trim(s, "{}")
	}
	var digits [32]byte
	n := 0
	for i := range len(s) {
		if s[i] == '-' {
			continue
		}
		if n == len(digits) {
			return uuid.UUID{}, false
		}
		digits[n] = s[i]
		n++
	}
	var id uuid.UUID
	if n != len(digits) {
		return id, false
	}
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return uuid.UUID{}, false
	}
	return id, true
}

// parseDate reads 2024-01-31 as the midnight UTC that begins it.
func parseDate(s string) (time.Time, bool) {
	year, rest, ok := strings.Cut(s, "-")
	month, day, ok2 := strings.Cut(rest, "-")
	if !ok || !ok2 || len(year) != 4 {
		return time.Time{}, false
	}
	return date(year, month, day)
}

func date(year, month, day string) (time.Time, bool) {
	y, m, d := number(year), number(month), number(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return t, y > 0 && len(month) <= 2 && len(day) <= 2 && t.Year() == y && int(t.Month()) == m && t.Day() == d
}

// number reads up to nine digits; -1 stands for anything else.
func number(s string) int {
	if s == "" || len(s) > 9 {
		return -1
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

var moments = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{1,2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,12}))?)?)?` +
	`\s*(?:([Zz])|([+-])(\d{2})(?::?(\d{2}))?)?$`)

// parseMoment reads a date or an ISO 8601 date and time; without an offset it is UTC. Fractions count to microseconds.
func parseMoment(s string) (t time.Time, isDate, ok bool) {
	s = strings.TrimSpace(s)
	if t, ok := parseDate(s); ok {
		return t, true, true
	}
	m := moments.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false, false
	}
	day, ok := date(m[1], m[2], m[3])
	hour, minute, second := number(m[4]), max(number(m[5]), 0), max(number(m[6]), 0)
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false, false
	}
	micros := number((m[7] + "000000")[:6])
	offsetHours, offsetMinutes := max(number(m[10]), 0), max(number(m[11]), 0)
	if offsetHours > 23 || offsetMinutes > 59 {
		return time.Time{}, false, false
	}
	offset := time.Duration(offsetHours)*time.Hour + time.Duration(offsetMinutes)*time.Minute
	if m[9] == "+" {
		offset = -offset
	}
	t = day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
		time.Duration(second)*time.Second + time.Duration(micros)*time.Microsecond + offset)
	return t, false, true
}
