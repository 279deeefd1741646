package overviews_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

const seriesPath = "/overviews/findings_severity/timeseries"

// past is a completed scan that a test arranges: what it failed of high severity, and when.
type past struct {
	provider  string
	id        string
	completed time.Time
	high      int
}

// arrange stores a completed scan with its severities alone.
func (p past) arrange(t *testing.T, pool *pgxpool.Pool, tenant string) {
	t.Helper()
	for _, statement := range []string{
		`insert into scans (tenant_id, id, provider_id, trigger, state, inserted_at, completed_at) values ($1, $2, $3, 'manual', 'completed', $4, $4)`,
		`insert into scan_severities values ($1, $3, $2, 1, $5, 0, 0, 0, 2)`,
	} {
		args := []any{tenant, p.id, p.provider, p.completed}
		if strings.Contains(statement, "$5") {
			statement = strings.ReplaceAll(statement, "$5", "$4")
			args[3] = p.high
		}
		if _, err := pool.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
}

// day is a day of a series: high failures and the scans that say so.
type day struct {
	date     string
	critical int
	high     int
	muted    int
	scans    string
}

// expected works a series out the plain way: at the end of each day, the last scan of each provider that has completed.
func expected(scans []past, from, to time.Time) []day {
	var days []day
	for date := from; !date.After(to); date = date.AddDate(0, 0, 1) {
		last := map[string]past{}
		for _, one := range scans {
			known, ok := last[one.provider]
			if one.completed.Before(date.AddDate(0, 0, 1)) && (!ok || one.completed.After(known.completed)) {
				last[one.provider] = one
			}
		}
		made := day{date: date.Format(time.DateOnly)}
		var providers, ids []string
		for provider, one := range last {
			providers = append(providers, provider)
			made.critical, made.high, made.muted = made.critical+1, made.high+one.high, made.muted+2
		}
		slices.Sort(providers)
		for _, provider := range providers {
			ids = append(ids, last[provider].id)
		}
		made.scans = strings.Join(ids, " ")
		days = append(days, made)
	}
	return days
}

// answered are the days of an answer.
func answered(t *testing.T, answer *apitest.Answer) []day {
	t.Helper()
	answer.Want(t, 200)
	var days []day
	for i := range answer.Len("/data") {
		at := fmt.Sprintf("/data/%d/", i)
		one := day{date: answer.String(at + "id"), critical: number(t, answer, at+"attributes/critical"), high: number(t, answer, at+"attributes/high"),
			muted: number(t, answer, at+"attributes/muted")}
		var ids []string
		for j := range answer.Len(at + "attributes/scan_ids") {
			ids = append(ids, answer.String(fmt.Sprintf("%sattributes/scan_ids/%d", at, j)))
		}
		one.scans = strings.Join(ids, " ")
		days = append(days, one)
	}
	return days
}

// TestSeriesIsWhatWasKnownEachDay holds series over scans at random moments, of years and of one day, against the plain way.
func TestSeriesIsWhatWasKnownEachDay(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	pool := server.DB.Pool(t, pgtest.Superuser)
	shown, busy, lone := ada.Connect(t, account, "Shown"), connect(t, ada, "azure", subscription), connect(t, ada, "gcp", "project-one")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Shown"},
		map[string]any{"providers": apitest.Many("providers", shown)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "limited", nil, group))
	random := rand.New(rand.NewPCG(7, 7))
	today := time.Now().UTC().Truncate(24 * time.Hour)
	var all []past
	add := func(provider string, completed time.Time) {
		one := past{provider: provider, id: uuid.Must(uuid.NewV7()).String(), completed: completed, high: random.IntN(1000)}
		one.arrange(t, pool, ada.Tenant)
		all = append(all, one)
	}
	for range 120 {
		add(shown, today.Add(-time.Duration(random.Int64N(int64(400*24*time.Hour)))))
		add(busy, today.AddDate(0, 0, -random.IntN(3)).Add(time.Duration(random.Int64N(int64(24*time.Hour)))))
	}
	add(lone, today.AddDate(-3, 0, 0))
	// The ends of a day, and of a month, belong to it; what the clock of another time or year said is there when its day comes.
	month := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	add(lone, month.AddDate(0, -1, 0).Add(-time.Microsecond))
	add(lone, month.AddDate(0, -1, 0))
	add(lone, today.AddDate(0, 0, 1))
	add(lone, today.AddDate(1, 0, 0))
	of := func(providers ...string) []past {
		return slices.DeleteFunc(slices.Clone(all), func(one past) bool { return !slices.Contains(providers, one.provider) })
	}
	for name, test := range map[string]struct {
		client   *apitest.Client
		filters  string
		from, to time.Time
		scans    []past
	}{
		"a year":            {ada, "", today.AddDate(0, 0, -365), today, all},
		"a month":           {ada, "", month.AddDate(0, -1, -3), month.AddDate(0, 0, 2), all},
		"today":             {ada, "", today, today, all},
		"long ago":          {ada, "", today.AddDate(-2, 0, 0), today.AddDate(-2, 0, 20), all},
		"before everything": {ada, "", today.AddDate(-9, 0, 0), today.AddDate(-9, 0, 1), all},
		"of a provider":     {ada, "&filter[provider_id]=" + busy, today.AddDate(0, 0, -30), today, of(busy)},
		"of two":            {ada, "&filter[provider_id.in]=" + busy + "," + lone, today.AddDate(0, 0, -30), today, of(busy, lone)},
		"of a type":         {ada, "&filter[provider_type__in]=gcp", today.AddDate(0, 0, -70), today, of(lone)},
		"of a group":        {ada, "&filter[provider_groups]=" + group, today.AddDate(0, 0, -30), today, of(shown)},
		"of nothing":        {ada, "&filter[provider_type]=okta", today.AddDate(0, 0, -3), today, nil},
		"what dan sees":     {dan, "", today.AddDate(0, 0, -100), today, of(shown)},
		"what is hidden":    {dan, "&filter[provider_id]=" + busy, today.AddDate(0, 0, -2), today, nil},
		"another tenant":    {bob, "", today.AddDate(0, 0, -2), today, nil},
	} {
		if test.to.After(today) {
			test.to = today
		}
		query := "?filter[date_from]=" + test.from.Format(time.DateOnly) + "&filter[date_to]=" + test.to.Format(time.DateOnly) + test.filters
		got, want := answered(t, test.client.Get(t, seriesPath+query)), expected(test.scans, test.from, test.to)
		if !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("%s: got %+v, want %+v", name, got[i], want[i])
					break
				}
			}
			t.Errorf("%s: %d days, want %d", name, len(got), len(want))
		}
	}
	ada.Delete(t, "/providers/"+busy).Want(t, 202)
	if got := answered(t, ada.Get(t, seriesPath+"?filter[date_from]="+today.Format(time.DateOnly))); !slices.Equal(got, expected(of(shown, lone), today, today)) {
		t.Errorf("without the deleted provider: %+v", got)
	}
}

// TestSeriesOfScans: what a real scan leaves is the series of its day, and the last one counts also when it found less, or when
// another one failed or runs.
func TestSeriesOfScans(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	ada := server.SignUp(t, "Ada")
	provider := ada.Connect(t, account, "Main")
	pool := server.DB.Pool(t, pgtest.Superuser)
	today := time.Now().UTC().Format(time.DateOnly)
	want := func(scan string) {
		t.Helper()
		series, severities := ada.Get(t, seriesPath+"?filter[date_from]="+today), ada.Get(t, "/overviews/findings_severity?filter[status]=FAIL")
		for _, severity := range []string{"critical", "high", "medium", "low", "informational"} {
			if got, want := number(t, series, "/data/0/attributes/"+severity), number(t, severities, "/data/attributes/"+severity); got != want {
				t.Errorf("%s: %d, now there are %d", severity, got, want)
			}
		}
		if got, want := number(t, series, "/data/0/attributes/muted"), number(t, ada.Get(t, "/overviews/findings"), "/data/attributes/muted"); got != want {
			t.Errorf("muted: %d, want %d", got, want)
		}
		if series.Len("/data/0/attributes/scan_ids") != 1 || series.String("/data/0/attributes/scan_ids/0") != scan {
			t.Errorf("scans %s", series.Raw)
		}
	}
	want(ada.Ingest(t, ocsftest.File{Account: account, Findings: 120}))
	want(store(t, ada, "aws", account, found{check: "a", status: "FAIL", muted: true}, found{check: "b", status: "MANUAL"},
		found{check: "c", status: "FAIL", severity: "Critical"}, found{check: "d", status: "PASS"}))
	last := ada.Ingest(t, ocsftest.File{Account: account, Findings: 60})
	want(last)
	for _, state := range []string{"failed", "executing", "cancelled"} {
		if _, err := pool.Exec(t.Context(), `with made as (insert into scans (tenant_id, id, provider_id, trigger, state, completed_at)
			values ($1, $2, $3, 'manual', $4, now()) returning *) insert into scan_severities select tenant_id, provider_id, id, 9, 9, 9, 9, 9, 9 from made`,
			ada.Tenant, uuid.Must(uuid.NewV7()), provider, state); err != nil {
			t.Fatal(err)
		}
		want(last)
	}
	failed := ada.Get(t, "/findings/latest?filter[status]=FAIL").Want(t, 200).String("/data/0/id")
	ada.Post(t, "/mute-rules", "mute-rules", map[string]any{"name": "Rule", "reason": "Because", "finding_ids": []string{failed}}, nil).Want(t, 201)
	for range 200 {
		if number(t, ada.Get(t, "/overviews/findings"), "/data/attributes/muted") == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if muted := number(t, ada.Get(t, seriesPath+"?filter[date_from]="+today), "/data/0/attributes/muted"); muted != 1 {
		t.Errorf("%d muted findings", muted)
	}
	want(last)
}

func TestSeriesRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	today := time.Now().UTC().Truncate(24 * time.Hour)
	from := "filter[date_from]=" + today.Format(time.DateOnly)
	for query, want := range map[string]string{
		"": "filter[date_from] required This query parameter is required.",
		"filter[date_to]=" + today.Format(time.DateOnly): "filter[date_from] required This query parameter is required.",
		"filter[date_from]=0001-01-01":                   "filter[date_from] invalid Date range cannot exceed 365 days.",
		"filter[date_from]=" + today.AddDate(0, 0, -366).Format(time.DateOnly) + "&filter[date_to]=9999-12-31": "filter[date_from] invalid Date range cannot exceed 365 days.",
		"filter[date_from]=NaN":                                "/data/attributes/date_from invalid Enter a valid date.",
		"filter[date_from]=%00":                                "/data/attributes/date_from invalid Enter a valid date.",
		"filter[date_from]=0000-01-01":                         "/data/attributes/date_from invalid Enter a valid date.",
		"filter[date_from]=2024-02-30":                         "/data/attributes/date_from invalid Enter a valid date.",
		"filter[date_from]=99999999999999999999-01-01":         "/data/attributes/date_from invalid Enter a valid date.",
		"filter[date_from]=-infinity":                          "/data/attributes/date_from invalid Enter a valid date.",
		"filter[date_from]=2024-01-01T00:00:00Z":               "/data/attributes/date_from invalid Enter a valid date.",
		from + "&filter[date_to]=" + strings.Repeat("9", 3000): "/data/attributes/date_to invalid Enter a valid date.",
		from + "&filter[date_to]=":                             "/data invalid missing value for query parameter filter[date_to]",
		from + "&filter[region]=x":                             "/data invalid invalid filter[region]",
		from + "&filter[provider_id]=x":                        "/data/attributes/provider_id invalid Enter a valid UUID.",
		from + "&filter[provider_type__in]=aws,x":              "/data/attributes/provider_type__in invalid_choice Select a valid choice. x is not one of the available choices.",
		from + "&filter[provider_groups]=%00":                  "/data/attributes/provider_groups invalid Enter a valid UUID.",
	} {
		answer := ada.Get(t, seriesPath+"?"+query).Want(t, 400)
		if got := answer.String("/errors/0/source/pointer") + " " + answer.String("/errors/0/code") + " " + answer.String("/errors/0/detail"); got != want {
			t.Errorf("%.60s: %s", query, got)
		}
	}
	for query, days := range map[string]int{
		from + "&nonsense=1&sort=critical":                                    1,
		"filter[date_from]=0001-01-01&filter[date_to]=0001-01-02":             2,
		"filter[date_from]=9999-12-31":                                        0,
		"filter[date_from]=9999-12-30&filter[date_to]=9999-12-31":             0,
		"filter[date_from]=2024-02-28&filter[date_to]=2024-03-01":             3,
		"filter[date_from]=2024-03-01&filter[date_to]=2024-02-01":             0,
		"filter[date_from]=" + today.AddDate(0, 0, -365).Format("2006-01-02"): 366,
		"filter[date_from]=" + url.QueryEscape(" "+today.Format("2006-1-2")):  1,
	} {
		if got := len(answered(t, ada.Get(t, seriesPath+"?"+query))); got != days {
			t.Errorf("%s: %d days, want %d", query, got, days)
		}
	}
	server.Anonymous().Get(t, seriesPath+"?"+from).Want(t, 401)
}
