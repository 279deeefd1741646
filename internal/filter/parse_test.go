package filter

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

const (
	id1 = "01900000-0000-7000-8000-000000000001"
	id2 = "01900000-0000-7000-8000-000000000002"
	v4  = "00000000-0000-4000-8000-000000000000"
)

var noon = time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)

// show writes the refusals of err on one line each.
func show(err error) string {
	refusals, ok := jsonapi.AsErrors(err)
	if !ok {
		return fmt.Sprint(err)
	}
	var lines []string
	for _, e := range refusals {
		lines = append(lines, fmt.Sprintf("%d %s %s: %s", e.Status, e.Code, e.Pointer, e.Detail))
	}
	return strings.Join(lines, "\n")
}

func wantRefusal(t *testing.T, raw string, err error, want string) {
	t.Helper()
	if got := show(err); got != want {
		t.Errorf("%s\n got %s\nwant %s", raw, got, want)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const (
		date    = "filter[inserted_at]=2024-01-31"
		updated = "filter[updated_at]=2024-01-31"
		noUUID  = "Enter a valid UUID."
	)
	invalid := func(pointer, detail string) string { return "400 invalid " + pointer + ": " + detail }
	choice := func(pointer, value string) string {
		return "400 invalid_choice " + pointer + ": Select a valid choice. " + value + " is not one of the available choices."
	}
	tests := []struct {
		table *Table
		raw   string
		want  string
	}{
		// Names.
		{rolesTable, "foo=1", invalid("/data", "invalid query parameter: foo")},
		{rolesTable, "foo=1&sort=colour&filter[colour]=red", invalid("/data", "invalid query parameter: foo")},
		{rolesTable, "filter[]=x", invalid("/data", "invalid query parameter: filter[]")},
		{rolesTable, "filter[name][in]=x", invalid("/data", "invalid query parameter: filter[name][in]")},
		{rolesTable, "FILTER[name]=x", invalid("/data", "invalid query parameter: FILTER[name]")},
		{rolesTable, "filter=x", invalid("/data", "invalid query parameter: filter")},
		{rolesTable, "filter=x&sort=colour", invalid("/data", "invalid sort parameter: colour")},
		{rolesTable, "page[size]=2&page[size]=3", invalid("/data", "repeated query parameter not allowed: page[size]")},
		{rolesTable, "sort=name&sort=-name", invalid("/data", "repeated query parameter not allowed: sort")},
		// Sort.
		{rolesTable, "sort=colour&filter[colour]=red", invalid("/data", "invalid sort parameter: colour")},
		{rolesTable, "sort=colour,-shape,name", invalid("/data", "invalid sort parameters: colour,-shape")},
		{rolesTable, "sort=%2Bname", invalid("/data", "invalid sort parameter: +name")},
		{rolesTable, "sort=name,", invalid("/data", "invalid sort parameter: ")},
		{rolesTable, "sort=-+name", invalid("/data", "invalid sort parameter: - name")},
		{resourcesTable, "sort=failed_findings_count", invalid("/data", "invalid sort parameter: failed_findings_count")},
		// Filters.
		{rolesTable, "filter[colour]=red&filter[shape]=round", invalid("/data", "invalid filter[colour]")},
		{rolesTable, "filter[name.contains]=r", invalid("/data", "invalid filter[name__contains]")},
		{rolesTable, "filter[name]=&filter[colour]=red", invalid("/data", "missing value for query parameter filter[name]")},
		{rolesTable, "filter[inserted_at.gte]=", invalid("/data", "missing value for query parameter filter[inserted_at.gte]")},
		{rolesTable, "filter[name]=&filter[name]=x", invalid("/data", "missing value for query parameter filter[name]")},
		{providersTable, "filter[alias__startswith]=P", invalid("/data", "invalid filter[alias__startswith]")},
		{resourcesTable, "filter[search__icontains]=x", invalid("/data", "invalid filter[search__icontains]")},
		{findingsLatestTable, "filter[scan]=" + id1, invalid("/data", "invalid filter[scan]")},
		// Values.
		{rolesTable, "filter[id]=12", invalid("/data/attributes/id", noUUID)},
		{rolesTable, "filter[id.in]=" + id1 + ",12", invalid("/data/attributes/id__in", noUUID)},
		{rolesTable, "filter[name]=a%00b", "400 null_characters_not_allowed /data/attributes/name: Null characters are not allowed."},
		{rolesTable, "filter[name.in]=a,b%00", "400 null_characters_not_allowed /data/attributes/name__in: Null characters are not allowed."},
		{rolesTable, "filter[search]=a%00b", "400 null_characters_not_allowed /data: Null characters are not allowed."},
		{rolesTable, "filter[permission_state]=some", choice("/data/attributes/permission_state", "some")},
		{providersTable, "filter[provider__in]=aws,nope,none", choice("/data/attributes/provider__in", "nope")},
		{providersTable, "filter[provider_groups]=abc", invalid("/data/relationships/provider_groups", noUUID)},
		{providersTable, "filter[provider_groups__in]=abc", invalid("/data/attributes/provider_groups__in", noUUID)},
		{providersTable, "filter[inserted_at]=soon", invalid("/data/attributes/inserted_at", "Enter a valid date.")},
		{providersTable, "filter[inserted_at]=2024-02-30", invalid("/data/attributes/inserted_at", "Enter a valid date.")},
		{providersTable, "filter[inserted_at]=2024-01-31T10:00:00Z", invalid("/data/attributes/inserted_at", "Enter a valid date.")},
		{providersTable, "filter[inserted_at.gte]=soon", invalid("/data/attributes/inserted_at__gte", "Enter a valid date/time.")},
		{scansTable, "filter[provider]=abc", invalid("/data/relationships/provider", "“abc” is not a valid UUID.")},
		{scansTable, "filter[provider.in]=" + id1 + ",abc", invalid("/data/attributes/provider__in", "“abc” is not a valid UUID.")},
		{findingsTable, date + "&filter[resources]=" + id1 + ",x", invalid("/data/relationships/resources", noUUID)},
		{findingsTable, date + "&filter[status]=fail&filter[severity]=HIGH&filter[provider_type]=cobol",
			choice("/data/attributes/provider_type", "cobol") + "\n" + choice("/data/attributes/severity", "HIGH") + "\n" + choice("/data/attributes/status", "fail")},
		// Dates of findings.
		{findingsTable, "filter[inserted_at]=soon", invalid("/data/attributes/inserted_at", "Enter a valid date or datetime.")},
		{findingsTable, "filter[inserted_at.gte]=2024-13-40", invalid("/data/attributes/inserted_at", "Enter a valid date or datetime.")},
		{findingsTable, "filter[inserted_at.date]=soon", invalid("/data/attributes/inserted_at__date", "Enter a valid date.")},
		{findingsMetadataTable, "filter[inserted_at.gte]=soon", invalid("/data/attributes/inserted_at__gte", "Enter a valid date.")},
		{findingsTable, "filter[status]=FAIL", "400 required /data/attributes/inserted_at: At least one date filter is required: filter[inserted_at], filter[updated_at]," +
			" filter[inserted_at.gte], filter[updated_at.gte], filter[inserted_at.lte], or filter[updated_at.lte]."},
		{findingsMetadataTable, updated, "400 required /data/attributes/inserted_at: At least one date filter is required: filter[inserted_at], filter[inserted_at.gte], or filter[inserted_at.lte]."},
		{resourcesTable, date, "400 required /data/attributes/updated_at: At least one date filter is required: filter[updated_at], filter[updated_at.gte], or filter[updated_at.lte]."},
		{findingGroupsTable, "filter[scan]=" + id1, "400 required /data/attributes/inserted_at: At least one date filter is required: filter[inserted_at], filter[inserted_at.gte], or filter[inserted_at.lte]."},
		{findingsTable, "filter[colour]=red", invalid("/data", "invalid filter[colour]")},
		{findingsTable, "filter[status]=fail", choice("/data/attributes/status", "fail")},
		// UUIDv7.
		{findingsTable, "filter[scan]=" + v4, invalid("/data/relationships/scan", "Invalid UUIDv7 value.")},
		{findingsTable, "filter[scan.in]=" + id1 + "," + v4, invalid("/data/relationships/scan", "Invalid UUIDv7 value.")},
		{findingsMetadataTable, "filter[scan]=" + v4, invalid("/data/relationships/scan", "Invalid UUIDv7 value.")},
		{findingsTable, "filter[scan]=x", invalid("/data/relationships/scan", noUUID)},
		{findingsTable, "filter[scan.in]=x", invalid("/data/attributes/scan__in", noUUID)},
		// Include.
		{rolesTable, "include=users", "400 parse_error /data: This endpoint does not support the include parameter"},
		{findingsTable, date + "&include=provider", "400 parse_error /data: This endpoint does not support the include parameter for path provider"},
		{findingsTable, date + "&include=scan.tenant", "400 parse_error /data: This endpoint does not support the include parameter for path scan.tenant"},
		{findingsTable, date + "&include=scan,resources.provider", "400 parse_error /data: This endpoint does not support the include parameter"},
		{findingsTable, date + "&include=scan,", "400 parse_error /data: This endpoint does not support the include parameter for path "},
		// Order of the checks.
		{rolesTable, "page[number]=x&filter[colour]=red", invalid("/data", "invalid filter[colour]")},
		{rolesTable, "filter[search]=%00&filter[id]=1", invalid("/data/attributes/id", noUUID)},
		// A tolerant endpoint.
		{findingGroupsTable, date + "&filter[status]=fail", "400 invalid /data/attributes/status: Select a valid choice. fail is not one of the available choices."},
		{findingGroupsTable, date + "&filter[status.in]=FAIL,x,y", invalid("/data", "invalid status filter: x")},
		{findingGroupsTable, date + "&sort=check_id,,-colour,shape", invalid("/data", "invalid sort parameter: colour")},
		{findingGroupsTable, "sort=colour&filter[inserted_at]=soon", invalid("/data/attributes/inserted_at", "Enter a valid date.")},
		{findingGroupsTable, date + "&include=x", "400 parse_error /data: This endpoint does not support the include parameter"},
	}
	for _, test := range tests {
		t.Run(test.raw, func(t *testing.T) {
			t.Parallel()
			_, err := test.table.parse(ReadParams(test.raw), noon, true)
			wantRefusal(t, test.raw, err, test.want)
		})
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	q, err := Parse(ReadParams("filter[provider]="+id1+"&filter[provider.in]="+id1+","+id2), scansTable)
	if err != nil || len(q.References) != 2 {
		t.Fatalf("%+v %v", q.References, err)
	}
	const detail = "Select a valid choice. That choice is not one of the available choices."
	wantRefusal(t, "provider", q.References[0].Refusal, "400 invalid_choice /data/relationships/provider: "+detail)
	wantRefusal(t, "provider__in", q.References[1].Refusal, "400 invalid_choice /data/attributes/provider__in: "+detail)
	if q.References[0].Target != "providers" || len(q.References[1].IDs) != 2 {
		t.Errorf("%+v", q.References)
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2024, 1, d, 0, 0, 0, 0, time.UTC) }
	at := func(h int) time.Time { return day(31).Add(time.Duration(h) * time.Hour) }
	one, two := uuid.MustParse(id1), uuid.MustParse(id2)
	lo, hi := UUIDv7Bounds(day(31), day(32))
	noonID, afterNoonID := UUIDv7Bounds(at(12), at(12).Add(time.Millisecond))
	tests := []struct {
		table *Table
		raw   string
		text  string
		args  []any
	}{
		{rolesTable, "", "", nil},
		{rolesTable, "filter[id]=" + id1, "ro.id = $1", []any{one}},
		{rolesTable, "filter[id]={" + strings.ToUpper(strings.ReplaceAll(id1, "-", "")) + "}", "ro.id = $1", []any{one}},
		{rolesTable, "filter[id.in]=" + id1 + ",+" + id2, "ro.id = any($1)", []any{[]uuid.UUID{one, two}}},
		{rolesTable, "filter[id.in]=,", "ro.id = any($1)", []any{[]uuid.UUID{}}},
		{rolesTable, "filter[name]=+r1+role+", "ro.name = $1", []any{"r1 role"}},
		{rolesTable, "filter[name]=+", "", nil},
		{rolesTable, "filter[name]=a&filter[name]=b", "ro.name = $1", []any{"b"}},
		{rolesTable, "filter[name__in]=a&filter[name.in]=b,+c", "ro.name = any($1)", []any{[]string{"b", "c"}}},
		{rolesTable, "filter[permission_state]=none", "(false or (ro.manage_users = $1 and ro.manage_account = $2 and ro.manage_integrations = $3 and ro.manage_providers = $4 and ro.manage_scans = $5))",
			[]any{false, false, false, false, false}},
		{providersTable, "filter[alias.icontains]=100%25", "strpos(upper(p.alias), upper($1::text)) > 0", []any{"100%"}},
		{providersTable, "filter[provider]=aws", "p.provider = $1", []any{"aws"}},
		{providersTable, "filter[provider.in]=aws,,gcp", "p.provider = any($1)", []any{[]string{"aws", "gcp"}}},
		{providersTable, "filter[connected]=TRUE", "p.connected = $1", []any{true}},
		{providersTable, "filter[connected]=0", "p.connected = $1", []any{false}},
		{providersTable, "filter[connected]=perhaps", "", nil},
		{providersTable, "filter[provider_groups]=" + id1,
			"exists (select from provider_group_providers pg where pg.tenant_id = p.tenant_id and pg.provider_id = p.id and pg.provider_group_id = $1)", []any{one}},
		{providersTable, "filter[inserted_at]=2024-01-31", "(p.inserted_at >= $1 and p.inserted_at < $2)", []any{day(31), day(32)}},
		{providersTable, "filter[inserted_at]=2024-1-5", "(p.inserted_at >= $1 and p.inserted_at < $2)", []any{day(5), day(6)}},
		{providersTable, "filter[inserted_at.gte]=2024-01-31", "p.inserted_at >= $1", []any{day(31)}},
		{providersTable, "filter[inserted_at.lte]=2024-01-31", "p.inserted_at < $1", []any{day(31).Add(time.Microsecond)}},
		{providersTable, "filter[inserted_at.gte]=2024-01-31T12:00:00%2B02:00", "p.inserted_at >= $1", []any{at(10)}},
		{providersTable, "filter[alias.icontains]=x&filter[uid]=y&filter[id]=" + id1, // the order of the table
			"(p.id = $1 and p.uid = $2 and strpos(upper(p.alias), upper($3::text)) > 0)", []any{one, "y", "x"}},
		{scansTable, "filter[provider_uid.icontains]=a",
			"exists (select from providers fp where fp.tenant_id = s.tenant_id and fp.id = s.provider_id and strpos(upper(fp.uid), upper($1::text)) > 0)", []any{"a"}},
		{findingsTable, "filter[inserted_at]=2024-01-31", "(f.id >= $1 and f.id < $2)", []any{lo, hi}},
		{findingsTable, "filter[inserted_at.date]=2024-01-31", "(f.id >= $1 and f.id < $2)", []any{lo, hi}},
		{findingsTable, "filter[inserted_at]=2024-01-31T12:00:00Z", "(f.id >= $1 and f.id < $2)", []any{lo, hi}},
		{findingsTable, "filter[inserted_at.gte]=2024-01-31", "f.id >= $1", []any{lo}},
		{findingsTable, "filter[inserted_at.lte]=2024-01-31", "f.id < $1", []any{hi}},
		{findingsTable, "filter[inserted_at.gte]=2024-01-31T12:00:00.0004Z", "f.id >= $1", []any{noonID}},
		{findingsTable, "filter[inserted_at.lte]=2024-01-31T12:00:00Z", "f.id < $1", []any{afterNoonID}},
		{findingsTable, "filter[updated_at.lte]=2024-01-31", "f.updated_at < $1", []any{day(32)}},
		{findingsTable, "filter[updated_at.lte]=2024-01-31T12:00:00Z", "f.updated_at < $1", []any{at(12).Add(time.Microsecond)}},
		{findingsTable, "filter[scan]=" + id1, "(f.scan_id = $1 and f.id >= $2)", []any{one, uuid.MustParse("01900000-0000-7000-8000-000000000000")}},
		{findingsTable, "filter[scan.in]=" + id1 + "," + id2, "(f.scan_id = any($1) and f.id >= $2)",
			[]any{[]uuid.UUID{one, two}, uuid.MustParse("01900000-0000-7000-8000-000000000000")}},
		{findingsTable, "filter[scan.in]=01900000-0001-7000-8000-000000000001," + id1, "(f.scan_id = any($1) and f.id >= $2)",
			[]any{[]uuid.UUID{uuid.MustParse("01900000-0001-7000-8000-000000000001"), one}, uuid.MustParse("01900000-0000-7000-8000-000000000000")}},
		{findingsTable, "filter[scan.in]=,", "f.scan_id = any($1)", []any{[]uuid.UUID{}}},
		{findingsLatestTable, "filter[muted]=True", "f.muted = $1", []any{true}},
		{findingsLatestTable, "filter[muted]=TRUE", "", nil},
		{findingsLatestTable, "filter[resources]=" + id1 + "," + id2,
			"f.resource_id = any($1)", []any{[]uuid.UUID{one, two}}},
		{findingsLatestTable, "filter[resource_uid]=x", "exists (select from resources fr where fr.tenant_id = f.tenant_id and fr.id = f.resource_id and fr.uid = $1)", []any{"x"}},
		{findingsLatestTable, "filter[search]=+two+words+", "exists (select from check_metadata fw where fw.tenant_id = f.tenant_id and fw.id = f.check_metadata_id" +
			" and fw.search @@ plainto_tsquery('simple', $1::text))", []any{"two words"}},
		{resourcesLatestTable, "filter[tag_key]=env", "exists (select from resource_tags rt where rt.tenant_id = r.tenant_id and rt.resource_id = r.id and strpos(upper(rt.key), upper($1::text)) > 0)", []any{"env"}},
		{tenantsTable, "filter[search]=a+b", "not exists (select from unnest($1::text[]) as sought(term) where (strpos(upper(te.name), upper(sought.term)) > 0) is not true)", []any{[]string{"a", "b"}}},
		{tenantsTable, "filter[search]=", "", nil},
		{tenantsTable, "filter[search]=,", "", nil},
		{scansTable, "filter[search]=anything", "", nil},
		// A tolerant endpoint.
		{findingGroupsTable, "filter[inserted_at]=2024-01-31&nonsense=1&nonsense=2&filter[colour]=red&filter[check_id]=&filter=1&filter[search]=%00",
			"(g.day >= $1 and g.day < $2)", []any{day(31), day(32)}},
		{findingGroupsTable, "filter[inserted_at.lte]=2024-01-31", "g.day < $1", []any{day(32)}},
	}
	for _, test := range tests {
		t.Run(test.raw, func(t *testing.T) {
			t.Parallel()
			q, err := test.table.parse(ReadParams(test.raw), noon, true)
			if err != nil {
				t.Fatal(show(err))
			}
			text, args := q.Where.Render(1)
			if text != test.text || !reflect.DeepEqual(args, test.args) {
				t.Errorf("\n got %s %v\nwant %s %v", text, args, test.text, test.args)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	table := MustTable(Table{Fields: []Field{
		{Name: "n", Kind: Integer, Column: "n", Lookups: Exact | In | GT | LT},
		{Name: "score", Kind: Decimal, Column: "score", Lookups: GTE | LTE},
		{Name: "regions", Kind: TextArray, Column: "f.regions", Lookups: Exact | In | IContains},
		{Name: "alias", Column: "alias", Lookups: IsNull},
		{Name: "day", Kind: Date, Column: "day", Lookups: GT | LT},
		{Name: "text", Kind: Words, Func: &SearchFunc{Name: "wall.search", Key: "f.id"}},
		{Name: "row", Kind: Words, Func: &SearchFunc{Name: "matches", Args: []Column{"f.id", "f.uid"}}},
		{Name: "shared", Column: "c.title", Via: []Via{{Table: "catalogue_checks", Alias: "c", Shared: true, On: [][2]Column{{"c.check_id", "f.check_id"}, {"c.provider", "f.provider"}}}}},
		{Name: "far", Column: "t.name", Via: []Via{{Table: "ways", Alias: "w", On: [][2]Column{{"w.from_id", "f.id"}}}, {Table: "towns", Alias: "t", On: [][2]Column{{"t.id", "w.to_id"}}}}},
		{Name: "only", Kind: Choice, Choices: []string{"a", "b"}, Lookups: Exact | In},
		{Name: "case", Kind: Choice, Choices: []string{"a", "b"}, Cases: map[string]Fragment{"a": True()}, Lookups: Exact | In},
	}})
	day := time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		raw, text string
		args      []any
	}{
		{"filter[n]=-7", "n = $1::bigint", []any{int64(-7)}},
		{"filter[n.in]=1,2,", "n = any($1::bigint[])", []any{[]int64{1, 2}}},
		{"filter[n.gt]=1&filter[n.lt]=9", "(n > $1::bigint and n < $2::bigint)", []any{int64(1), int64(9)}},
		{"filter[score.gte]=85.5", "score >= $1::numeric", []any{"85.5"}},
		{"filter[regions]=eu", "$1 = any(f.regions)", []any{"eu"}},
		{"filter[regions.in]=eu,us", "f.regions && $1::text[]", []any{[]string{"eu", "us"}}},
		{"filter[regions.icontains]=e", "strpos(upper(array_to_string(f.regions, ',')), upper($1::text)) > 0", []any{"e"}},
		{"filter[alias.isnull]=TRUE", "alias is null", nil},
		{"filter[alias.isnull]=false", "alias is not null", nil},
		{"filter[alias.isnull]=x", "", nil},
		{"filter[day.gt]=2024-01-31", "day >= $1", []any{day.AddDate(0, 0, 1)}},
		{"filter[day.lt]=2024-01-31", "day < $1", []any{day}},
		{"filter[text]=a+b", "f.id in (select wall.search($1::text))", []any{"a b"}},
		{"filter[row]=a", "matches(f.id, f.uid, $1::text)", []any{"a"}},
		{"filter[shared]=a", "exists (select from catalogue_checks c where c.check_id = f.check_id and c.provider = f.provider and c.title = $1)", []any{"a"}},
		{"filter[far]=a", "exists (select from ways w join towns t on t.tenant_id = w.tenant_id and t.id = w.to_id" +
			" where w.tenant_id = f.tenant_id and w.from_id = f.id and t.name = $1)", []any{"a"}},
		{"filter[only]=a", "", nil},
		{"filter[case.in]=b,a", "(false or true)", nil},
		{"filter[case]=b", "false", nil},
	}
	for _, test := range tests {
		q, err := Parse(ReadParams(test.raw), table)
		if err != nil {
			t.Errorf("%s: %s", test.raw, show(err))
			continue
		}
		if text, args := q.Where.Render(1); text != test.text || !reflect.DeepEqual(args, test.args) {
			t.Errorf("%s\n got %s %v\nwant %s %v", test.raw, text, args, test.text, test.args)
		}
	}
	for raw, want := range map[string]string{
		"filter[n]=x":                         "400 invalid /data/attributes/n: Enter a number.",
		"filter[n]=9223372036854775808":       "400 invalid /data/attributes/n: Enter a number.",
		"filter[score.gte]=1e9":               "400 invalid /data/attributes/score__gte: Enter a number.",
		"filter[score.gte]=NaN":               "400 invalid /data/attributes/score__gte: Enter a number.",
		"filter[text]=a%00":                   "400 null_characters_not_allowed /data/attributes/text: Null characters are not allowed.",
		"filter[day.gt]=0000-01-01":           "400 invalid /data/attributes/day__gt: Enter a valid date.",
		"filter[day.gt]=2024-01-31T00:00":     "400 invalid /data/attributes/day__gt: Enter a valid date.",
		"filter[regions.in]=a,%00&filter[n]=": "400 invalid /data: missing value for query parameter filter[n]",
	} {
		_, err := Parse(ReadParams(raw), table)
		wantRefusal(t, raw, err, want)
	}
}

func TestDateRange(t *testing.T) {
	t.Parallel()
	const refused = "400 invalid /data/attributes/inserted_at: The date range cannot exceed 7 days."
	tests := map[string]bool{ // noon is 2024-01-31
		"filter[inserted_at]=2020-01-01":                                                            true,
		"filter[inserted_at.date]=2020-01-01":                                                       true,
		"filter[inserted_at.gte]=2024-01-24":                                                        true,
		"filter[inserted_at.gte]=2024-01-23":                                                        false,
		"filter[inserted_at.lte]=2024-02-07":                                                        true,
		"filter[inserted_at.lte]=2024-02-08":                                                        false,
		"filter[inserted_at.lte]=2023-01-01":                                                        false,
		"filter[inserted_at.gte]=2020-01-01&filter[inserted_at.lte]=2020-01-08":                     true,
		"filter[inserted_at.gte]=2020-01-01&filter[inserted_at.lte]=2020-01-09":                     false,
		"filter[inserted_at.gte]=2020-01-08&filter[inserted_at.lte]=2020-01-01":                     true,
		"filter[inserted_at.gte]=2020-01-09&filter[inserted_at.lte]=2020-01-01":                     false,
		"filter[inserted_at.gte]=2020-01-01T10:00:00Z&filter[inserted_at.lte]=2020-01-08T10:00:00Z": true,
		"filter[inserted_at.gte]=2020-01-01T10:00:00Z&filter[inserted_at.lte]=2020-01-08T10:00:01Z": false,
		"filter[inserted_at.gte]=2020-01-01&filter[inserted_at]=2020-01-05":                         true,
		"filter[inserted_at.lte]=2020-01-08&filter[inserted_at]=2020-01-01":                         true,
		"filter[scan]=" + id1:    true,
		"filter[scan.in]=" + id1: true,
		"filter[scan]=" + id1 + "&filter[inserted_at.gte]=2020-01-01":                               false,
		"filter[updated_at]=2020-01-01":                                                             true,
		"filter[scan]=" + v4 + "&filter[inserted_at.gte]=2020-01-01":                                false,
		"filter[inserted_at.gte]=2024-01-30&filter[inserted_at.lte]=2024-01-31&filter[scan]=" + id1: true,
		"filter[inserted_at.gte]=2024-01-24T00:00:00Z":                                              true,
		"filter[inserted_at.gte]=2024-01-23T23:59:59Z":                                              false,
	}
	for raw, fine := range tests {
		_, err := findingsTable.parse(ReadParams(raw), noon, true)
		switch {
		case fine && err != nil:
			t.Errorf("%s: %s", raw, show(err))
		case !fine:
			wantRefusal(t, raw, err, refused)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		table     *Table
		raw, text string
	}{
		{rolesTable, "", "ro.inserted_at, ro.id"},
		{rolesTable, "sort=", "ro.inserted_at, ro.id"},
		{rolesTable, "sort=name", `ro.name collate "C", ro.id`},
		{rolesTable, "sort=+name+", `ro.name collate "C", ro.id`},
		{rolesTable, "sort=---name", `ro.name collate "C" desc, ro.id desc`},
		{rolesTable, "sort=-manage_scans,name,-name", `ro.manage_scans desc, ro.name collate "C", ro.id`},
		{rolesTable, "sort=-id,name", `ro.id desc, ro.name collate "C"`},
		{findingsLatestTable, "", "f.id desc"},
		{findingsLatestTable, "sort=-severity,status", "f.severity_rank desc, f.status_rank, f.id"},
		{scansTable, "sort=-trigger", "array_position($1::text[], s.trigger) desc, s.id desc"},
		{resourcesLatestTable, "", "r.failed_findings_count desc, r.updated_at desc, r.id desc"},
		{findingGroupsTable, "filter[inserted_at]=2024-01-31&sort=,-delta", `new_count desc, changed_count desc, check_id desc`},
	}
	for _, test := range tests {
		q, err := test.table.parse(ReadParams(test.raw), noon, true)
		if err != nil {
			t.Errorf("%s: %s", test.raw, show(err))
			continue
		}
		if text, _ := q.Order.Render(1); text != test.text {
			t.Errorf("%s\n got %s\nwant %s", test.raw, text, test.text)
		}
	}
	q, err := Parse(ReadParams("sort=-severity,check_id"), findingsLatestTable)
	if want := []SortKey{{"severity", true}, {"check_id", false}}; err != nil || !reflect.DeepEqual(q.Sort, want) {
		t.Errorf("%v %v", q.Sort, err)
	}
}

func TestQueryAsData(t *testing.T) {
	t.Parallel()
	raw := "filter[scan]=" + id1 + "&filter[scan.in]=" + id2 + "," + id1 + "&filter[status.in]=FAIL,PASS&filter[muted]=false" +
		"&filter[inserted_at.gte]=2024-01-30&filter[inserted_at.lte]=2024-01-31&filter[search]=x" +
		"&fields[findings]=status,uid&fields[scans]=&include=scan.provider"
	q, err := findingsTable.parse(ReadParams(raw), noon, true)
	if err != nil {
		t.Fatal(show(err))
	}
	if ids, ok := q.IDs("scan"); !ok || !reflect.DeepEqual(ids, []uuid.UUID{uuid.MustParse(id1)}) {
		t.Errorf("IDs: %v %v", ids, ok)
	}
	if texts, ok := q.Texts("status"); !ok || !reflect.DeepEqual(texts, []string{"FAIL", "PASS"}) {
		t.Errorf("Texts: %v %v", texts, ok)
	}
	if flag, ok := q.Bool("muted"); flag || !ok {
		t.Errorf("Bool: %v %v", flag, ok)
	}
	if _, ok := q.IDs("provider"); ok || q.Has("provider") || !q.Has("provider", "scan") {
		t.Error("an absent filter is there")
	}
	if _, ok := q.Bool("provider"); ok {
		t.Error("an absent bool is there")
	}
	from, to := q.Range("inserted_at")
	if from == nil || to == nil || !to.Equal(from.AddDate(0, 0, 2)) {
		t.Errorf("Range: %v %v", from, to)
	}
	if text, _ := q.Part("muted").Render(1); text != "f.muted = $1" {
		t.Errorf("Part: %s", text)
	}
	if text, _ := q.Without("scan", "status", "inserted_at", "search").Render(1); text != "f.muted = $1" {
		t.Errorf("Without: %s", text)
	}
	if q.Part("search").IsZero() || !q.Part("provider").IsZero() {
		t.Error("Part takes the wrong filters")
	}
	if want := map[string][]string{"findings": {"status", "uid"}, "scans": {""}}; !reflect.DeepEqual(q.Fields, want) {
		t.Errorf("Fields: %v", q.Fields)
	}
	if want := (Include{"scan": true, "scan.provider": true}); !reflect.DeepEqual(q.Include, want) {
		t.Errorf("Include: %v", q.Include)
	}
	if q.Search != "x" {
		t.Errorf("Search: %q", q.Search)
	}
}

func TestIncludeSpelling(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"provider_groups", "provider-groups", "providerGroups", "ProviderGroups"} {
		q, err := Parse(ReadParams("include="+raw), providersTable)
		if err != nil || !q.Include["provider_groups"] {
			t.Errorf("%s: %v %v", raw, q.Include, err)
		}
	}
	if q, err := Parse(ReadParams("include="), rolesTable); err != nil || len(q.Include) != 0 {
		t.Errorf("empty include: %v %v", q.Include, err)
	}
}

func TestParseOne(t *testing.T) {
	t.Parallel()
	q, err := ParseOne(ReadParams("filter[name]=x&page[number]=99999"), rolesTable)
	if text, _ := q.Where.Render(1); err != nil || text != "ro.name = $1" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := ParseOne(ReadParams("page[number]=x"), rolesTable); err != nil {
		t.Errorf("the page of one object is checked: %v", err)
	}
	_, err = ParseOne(ReadParams("foo=1"), rolesTable)
	wantRefusal(t, "foo=1", err, "400 invalid /data: invalid query parameter: foo")
}

func TestParseDocument(t *testing.T) {
	t.Parallel()
	q, err := ParseDocument(ReadParams("nonsense=1&filter[colour]=red&sort=taste&page[number]=x&include=scan&fields[scans]=name"), findingsTable)
	if err != nil || !q.Include["scan"] || q.Fields["scans"] == nil || !q.Where.IsZero() {
		t.Errorf("%+v %v", q, err)
	}
	_, err = ParseDocument(ReadParams("include=provider"), findingsTable)
	wantRefusal(t, "include=provider", err, "400 parse_error /data: This endpoint does not support the include parameter for path provider")
}

func TestUncheckedTable(t *testing.T) {
	t.Parallel()
	if _, err := Parse(Params{}, &Table{}); err == nil {
		t.Error("Parse takes a table that nobody checked")
	}
	if _, err := ParseDocument(Params{}, &Table{}); err == nil {
		t.Error("ParseDocument takes a table that nobody checked")
	}
}

func TestNoDots(t *testing.T) {
	t.Parallel()
	table := MustTable(Table{Fields: []Field{{Name: "id", Kind: UUID, Column: "id", Lookups: Exact | In}}, Tolerate: AnyQuery | NoDots})
	for raw, text := range map[string]string{"filter[id.in]=x": "", "filter[id__in]=" + id1: "id = any($1)", "sort=x": ""} {
		q, err := Parse(ReadParams(raw), table)
		if got, _ := q.Where.Render(1); err != nil || got != text {
			t.Errorf("%s: %q %v", raw, got, err)
		}
	}
}
