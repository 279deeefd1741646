package schedules_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

func TestMain(m *testing.M) {
	enginetest.Main()
	os.Exit(m.Run())
}

func connect(t *testing.T, person *apitest.Client, uid string) string {
	t.Helper()
	return person.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid}, nil).Want(t, 201).String("/data/id")
}

func create(t *testing.T, person *apitest.Client, provider string, attributes map[string]any) *apitest.Answer {
	t.Helper()
	return person.Post(t, "/schedules", "schedules", attributes, map[string]any{"provider": apitest.One("providers", provider)})
}

func change(t *testing.T, person *apitest.Client, provider string, attributes map[string]any) *apitest.Answer {
	t.Helper()
	return person.Patch(t, "/schedules/"+provider, "schedules", provider, attributes, nil)
}

// next is when an answer says that the next scan starts.
func next(t *testing.T, answer *apitest.Answer) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339Nano, answer.String("/data/attributes/next_scan_at"))
	if err != nil || !moment.After(time.Now()) {
		t.Fatalf("the next scan: %s, %v", answer.Raw, err)
	}
	return moment
}

func TestSchedulesOfEveryKind(t *testing.T) {
	t.Parallel()
	ada := apitest.StartIdle(t, "").SignUp(t, "Ada")
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		given map[string]any
		want  map[string]any
		due   func(local time.Time) bool
	}{
		{map[string]any{"scan_frequency": "DAILY", "scan_hour": 5, "scan_timezone": "Europe/Madrid"},
			map[string]any{"scan_hour": 5.0, "scan_minute": 0.0, "scan_enabled": true, "scan_interval_hours": nil, "scan_day_of_week": nil, "scan_days_of_week": nil, "scan_day_of_month": nil, "last_scan_at": nil},
			func(local time.Time) bool { return local.Hour() == 5 && local.Minute() == 0 }},
		{map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 23, "scan_minute": 59, "scan_day_of_week": 0, "scan_timezone": "Europe/Madrid", "scan_day_of_month": nil},
			map[string]any{"scan_minute": 59.0, "scan_day_of_week": 0.0, "scan_day_of_month": nil},
			func(local time.Time) bool {
				return local.Weekday() == time.Sunday && local.Hour() == 23 && local.Minute() == 59
			}},
		{map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 0, "scan_days_of_week": []int{5, 1, 5}, "scan_timezone": "Europe/Madrid"},
			map[string]any{"scan_day_of_week": 1.0, "scan_days_of_week/0": 1.0, "scan_days_of_week/1": 5.0, "scan_days_of_week/2": nil},
			func(local time.Time) bool {
				return slices.Contains([]time.Weekday{1, 5}, local.Weekday()) && local.Hour() == 0
			}},
		{map[string]any{"scan_frequency": "MONTHLY", "scan_hour": 12, "scan_day_of_month": 31, "scan_timezone": "Europe/Madrid"},
			map[string]any{"scan_day_of_month": 31.0, "scan_interval_hours": nil},
			func(local time.Time) bool { return local.AddDate(0, 0, 1).Day() == 1 && local.Hour() == 12 }},
		{map[string]any{"scan_frequency": "INTERVAL", "scan_hour": 8, "scan_interval_hours": 48, "scan_timezone": "Europe/Madrid"},
			map[string]any{"scan_interval_hours": 48.0, "scan_hour": 8.0},
			func(local time.Time) bool {
				return local.Hour() == 8 && local.Minute() == 0 && time.Until(local) <= 25*time.Hour
			}},
		{map[string]any{"scan_frequency": "INTERVAL", "scan_interval_hours": 1},
			map[string]any{"scan_interval_hours": 1.0, "scan_hour": nil, "scan_minute": nil, "scan_timezone": "UTC"},
			func(local time.Time) bool { return time.Until(local) <= time.Hour }},
	} {
		provider := connect(t, ada, "10000000000"+string(rune('0'+i)))
		answer := create(t, ada, provider, c.given).Want(t, 201)
		if answer.String("/data/id") != provider || answer.String("/data/relationships/provider/data/id") != provider || !c.due(next(t, answer).In(madrid)) {
			t.Errorf("made: %s", answer.Raw)
		}
		c.want["scan_frequency"] = c.given["scan_frequency"]
		for name, want := range c.want {
			if got := answer.At("/data/attributes/" + name); got != want {
				t.Errorf("%s is %v, want %v: %s", name, got, want, answer.Raw)
			}
		}
		read := ada.Get(t, "/schedules/"+provider+"?include=provider").Want(t, 200)
		if read.String("/included/0/id") != provider || !next(t, read).Equal(next(t, answer)) {
			t.Errorf("read: %s", read.Raw)
		}
		planned := ada.Get(t, "/scans?filter[state]=scheduled&filter[provider]="+provider).Want(t, 200)
		if planned.Len("/data") != 1 || planned.String("/data/0/attributes/scheduled_at") != answer.String("/data/attributes/next_scan_at") {
			t.Errorf("planned: %s", planned.Raw)
		}
		// What an answer says can be sent back as it is.
		attributes, _ := answer.At("/data/attributes").(map[string]any)
		if again := change(t, ada, provider, attributes).Want(t, 200); !next(t, again).Equal(next(t, answer)) {
			t.Errorf("sent back: %s", again.Raw)
		}
	}
}

func TestChangingASchedule(t *testing.T) {
	t.Parallel()
	ada := apitest.StartIdle(t, "").SignUp(t, "Ada")
	provider := connect(t, ada, "123456789012")
	made := create(t, ada, provider, map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 3, "scan_minute": 30, "scan_days_of_week": []int{1, 2, 3, 4, 5}}).Want(t, 201)
	planned := ada.Get(t, "/scans?filter[state]=scheduled").Want(t, 200).String("/data/0/id")

	paused := change(t, ada, provider, map[string]any{"scan_enabled": false}).Want(t, 200)
	if paused.At("/data/attributes/next_scan_at") != nil || paused.At("/data/attributes/scan_enabled") != false || paused.At("/data/attributes/scan_hour") != 3.0 {
		t.Errorf("paused: %s", paused.Raw)
	}
	ada.Get(t, "/scans/"+planned).Want(t, 404)
	resumed := change(t, ada, provider, map[string]any{"scan_enabled": true}).Want(t, 200)
	if !next(t, resumed).Equal(next(t, made)) {
		t.Errorf("resumed: %s", resumed.Raw)
	}
	daily := change(t, ada, provider, map[string]any{"scan_frequency": "DAILY"}).Want(t, 200)
	if at := next(t, daily); at.Hour() != 3 || at.Minute() != 30 || daily.At("/data/attributes/scan_days_of_week") != nil {
		t.Errorf("daily: %s", daily.Raw)
	}
	moved := change(t, ada, provider, map[string]any{"scan_timezone": "Asia/Kathmandu"}).Want(t, 200)
	if at := next(t, moved); at.Hour() != 21 || at.Minute() != 45 {
		t.Errorf("moved: %s", moved.Raw)
	}
	scans := ada.Get(t, "/scans?filter[state]=scheduled").Want(t, 200)
	if scans.Len("/data") != 1 || scans.String("/data/0/attributes/scheduled_at") != moved.String("/data/attributes/next_scan_at") ||
		scans.String("/data/0/attributes/name") != "Daily scheduled scan" {
		t.Errorf("planned: %s", scans.Raw)
	}
	interval := change(t, ada, provider, map[string]any{"scan_frequency": "INTERVAL", "scan_interval_hours": 7, "scan_hour": nil}).Want(t, 200)
	if at := time.Until(next(t, interval)); at > 7*time.Hour || at < 6*time.Hour || interval.At("/data/attributes/scan_hour") != nil {
		t.Errorf("interval: %s", interval.Raw)
	}
	change(t, ada, provider, map[string]any{"scan_enabled": false}).Want(t, 200)
	kept := change(t, ada, provider, map[string]any{"scan_enabled": true}).Want(t, 200)
	if !next(t, kept).Equal(next(t, interval)) {
		t.Errorf("the beat: %s, and then %s", interval.Raw, kept.Raw)
	}
	for _, refused := range []map[string]any{{"scan_frequency": "DAILY"}, {"scan_frequency": "WEEKLY", "scan_hour": 1}, {"scan_frequency": "MONTHLY", "scan_hour": 1},
		{"scan_interval_hours": nil}, {"scan_minute": 5}, {"scan_day_of_week": 1}, {"scan_enabled": nil}, {"provider": "x"}} {
		change(t, ada, provider, refused).Want(t, 400)
	}
	if read := ada.Get(t, "/schedules/"+provider).Want(t, 200); !slices.Equal(read.Raw, kept.Raw) {
		t.Errorf("a refused change left %s of %s", read.Raw, kept.Raw)
	}
	ada.Delete(t, "/schedules/"+provider).Want(t, 204)
	ada.Delete(t, "/schedules/"+provider).Want(t, 404)
	ada.Get(t, "/schedules/"+provider).Want(t, 404)
	change(t, ada, provider, map[string]any{"scan_enabled": true}).Want(t, 404)
	ada.Do(t, http.MethodPost, "/schedules/"+provider+"/run", "", nil).Want(t, 404)
	if scans := ada.Get(t, "/scans").Want(t, 200); scans.Len("/data") != 0 {
		t.Errorf("left: %s", scans.Raw)
	}
	create(t, ada, provider, map[string]any{"scan_frequency": "DAILY", "scan_hour": 1}).Want(t, 201)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	ada := apitest.StartIdle(t, "").SignUp(t, "Ada")
	provider := connect(t, ada, "123456789012")
	daily := func(more map[string]any) map[string]any {
		all := map[string]any{"scan_frequency": "DAILY", "scan_hour": 1}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	for name, c := range map[string]struct {
		given         map[string]any
		pointer, code string
	}{
		"nothing":            {nil, "scan_frequency", "required"},
		"null":               {map[string]any{"scan_frequency": nil}, "scan_frequency", "null"},
		"another frequency":  {map[string]any{"scan_frequency": "YEARLY"}, "scan_frequency", "invalid_choice"},
		"small letters":      {map[string]any{"scan_frequency": "daily"}, "scan_frequency", "invalid_choice"},
		"no hour":            {map[string]any{"scan_frequency": "DAILY"}, "scan_hour", "required"},
		"null hour":          {daily(map[string]any{"scan_hour": nil}), "scan_hour", "required"},
		"hour too large":     {daily(map[string]any{"scan_hour": 24}), "scan_hour", "max_value"},
		"hour too small":     {daily(map[string]any{"scan_hour": -1}), "scan_hour", "min_value"},
		"huge hour":          {daily(map[string]any{"scan_hour": 1e30}), "scan_hour", "invalid"},
		"large hour":         {daily(map[string]any{"scan_hour": uint64(1) << 63}), "scan_hour", "max_value"},
		"hour and a half":    {daily(map[string]any{"scan_hour": 1.5}), "scan_hour", "invalid"},
		"hour as list":       {daily(map[string]any{"scan_hour": []int{1}}), "scan_hour", "invalid"},
		"hour as truth":      {daily(map[string]any{"scan_hour": true}), "scan_hour", "invalid"},
		"minute":             {daily(map[string]any{"scan_minute": 60}), "scan_minute", "max_value"},
		"zone":               {daily(map[string]any{"scan_timezone": "Mars/Olympus"}), "scan_timezone", "invalid"},
		"zone of the server": {daily(map[string]any{"scan_timezone": "Local"}), "scan_timezone", "invalid"},
		"zone as a path":     {daily(map[string]any{"scan_timezone": "../../etc/passwd"}), "scan_timezone", "invalid"},
		"no zone":            {daily(map[string]any{"scan_timezone": ""}), "scan_timezone", "blank"},
		"zone with nul":      {daily(map[string]any{"scan_timezone": "UTC\x00"}), "scan_timezone", "null_characters_not_allowed"},
		"long zone":          {daily(map[string]any{"scan_timezone": strings.Repeat("A", 65)}), "scan_timezone", "max_length"},
		"zone as number":     {daily(map[string]any{"scan_timezone": 1}), "scan_timezone", "invalid"},
		"misplaced interval": {daily(map[string]any{"scan_interval_hours": 2}), "scan_interval_hours", "invalid"},
		"misplaced day":      {daily(map[string]any{"scan_day_of_month": 2}), "scan_day_of_month", "invalid"},
		"no interval":        {map[string]any{"scan_frequency": "INTERVAL"}, "scan_interval_hours", "required"},
		"interval of none":   {map[string]any{"scan_frequency": "INTERVAL", "scan_interval_hours": 0}, "scan_interval_hours", "min_value"},
		"long interval":      {map[string]any{"scan_frequency": "INTERVAL", "scan_interval_hours": 8785}, "scan_interval_hours", "max_value"},
		"minute of no hour":  {map[string]any{"scan_frequency": "INTERVAL", "scan_interval_hours": 1, "scan_minute": 1}, "scan_hour", "required"},
		"no day of week":     {map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 1}, "scan_day_of_week", "required"},
		"no days":            {map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 1, "scan_days_of_week": []int{}}, "scan_days_of_week", "invalid"},
		"eighth day":         {map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 1, "scan_days_of_week": []int{7}}, "scan_days_of_week/0", "max_value"},
		"days as text":       {map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 1, "scan_days_of_week": "1"}, "scan_days_of_week", "not_a_list"},
		"days at odds":       {map[string]any{"scan_frequency": "WEEKLY", "scan_hour": 1, "scan_days_of_week": []int{1}, "scan_day_of_week": 2}, "scan_day_of_week", "invalid"},
		"no day of month":    {map[string]any{"scan_frequency": "MONTHLY", "scan_hour": 1}, "scan_day_of_month", "required"},
		"day of month":       {map[string]any{"scan_frequency": "MONTHLY", "scan_hour": 1, "scan_day_of_month": 32}, "scan_day_of_month", "max_value"},
		"enabled":            {daily(map[string]any{"scan_enabled": "perhaps"}), "scan_enabled", "invalid"},
	} {
		got := create(t, ada, provider, c.given).Want(t, 400)
		if got.String("/errors/0/source/pointer") != "/data/attributes/"+c.pointer || got.String("/errors/0/code") != c.code {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	create(t, ada, provider, daily(map[string]any{"checks": []string{"x"}})).Want(t, 400)
	ada.Post(t, "/schedules", "schedules", daily(nil), nil).Want(t, 400)
	ada.Post(t, "/schedules", "daily-schedules", daily(nil), map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 409)
	if got := create(t, ada, "00000000-0000-4000-8000-000000000000", daily(nil)).Want(t, 400); got.String("/errors/0/code") != "does_not_exist" {
		t.Errorf("no provider: %s", got.Raw)
	}
	for _, body := range []string{`{"data":{"type":"schedules","attributes":[]}}`, `{"data":{"type":"schedules","attributes":"DAILY"}}`, `{"data":[]}`, `[`, ``,
		`{"data":{"type":"schedules","attributes":{"scan_frequency":"DAILY","scan_hour":1},"relationships":{"provider":{"data":{"type":"providers","id":5}}}}}`,
		`{"data":{"type":"schedules","attributes":{"scan_frequency":"DAILY","scan_hour":1},"relationships":{"provider":[]}}}`} {
		ada.Do(t, http.MethodPost, "/schedules", "application/vnd.api+json", []byte(body)).Want(t, 400)
	}
	for _, query := range []string{"filter[scan_enabled]=perhaps", "filter[provider]=abc", "filter[nothing]=1", "filter[scan_frequency]=daily", "filter[id]=5",
		"sort=scan_hour", "include=scans", "nothing=1"} {
		ada.Get(t, "/schedules?"+query).Want(t, 400)
	}
	ada.Get(t, "/schedules/5").Want(t, 404)
	ada.Get(t, "/schedules/daily").Want(t, 405)
	ada.Get(t, "/schedules/"+provider).Want(t, 404)
	if got := ada.Get(t, "/schedules").Want(t, 200); got.Len("/data") != 0 {
		t.Errorf("a refused request left %s", got.Raw)
	}
	create(t, ada, provider, daily(nil)).Want(t, 201)
	if got := create(t, ada, provider, daily(nil)).Want(t, 409); got.String("/errors/0/source/pointer") != "/data/relationships/provider" {
		t.Errorf("a second schedule: %s", got.Raw)
	}
	ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Want(t, 409)
}

func TestListsOfSchedules(t *testing.T) {
	t.Parallel()
	ada := apitest.StartIdle(t, "").SignUp(t, "Ada")
	first, second, third := connect(t, ada, "111111111111"), connect(t, ada, "222222222222"), connect(t, ada, "333333333333")
	create(t, ada, first, map[string]any{"scan_frequency": "DAILY", "scan_hour": 1, "scan_enabled": false}).Want(t, 201)
	create(t, ada, second, map[string]any{"scan_frequency": "INTERVAL", "scan_interval_hours": 1}).Want(t, 201)
	ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": third}, nil).Want(t, 202)
	for query, want := range map[string][]string{
		"":                           {first, second, third},
		"filter[scan_enabled]=true":  {second, third},
		"filter[scan_enabled]=false": {first},
		"filter[provider]=" + second: {second},
		"filter[provider__in]=" + second + "," + first:          {first, second},
		"filter[scan_frequency]=DAILY":                          {first, third},
		"filter[scan_frequency__in]=INTERVAL,MONTHLY":           {second},
		"filter[id]=" + third:                                   {third},
		"sort=-inserted_at":                                     {third, second, first},
		"page[size]=1&page[number]=2":                           {second},
		"filter[provider]=00000000-0000-4000-8000-000000000000": nil,
	} {
		got := ada.Get(t, "/schedules?"+query).Want(t, 200)
		ids := []string{}
		for i := range got.Len("/data") {
			ids = append(ids, got.String("/data/"+string(rune('0'+i))+"/id"))
		}
		if !slices.Equal(ids, want) && len(ids)+len(want) > 0 {
			t.Errorf("%s: %v, want %v", query, ids, want)
		}
	}
	all := ada.Get(t, "/schedules?include=provider&sort=next_scan_at").Want(t, 200)
	if all.Len("/included") != 3 || all.At("/meta/pagination/count") != 3.0 {
		t.Errorf("with providers: %s", all.Raw)
	}
	daily := ada.Get(t, "/schedules/"+third).Want(t, 200)
	if at := time.Until(next(t, daily)); daily.String("/data/attributes/scan_frequency") != "DAILY" || daily.String("/data/attributes/scan_timezone") != "UTC" || at > 24*time.Hour {
		t.Errorf("the daily one: %s", daily.Raw)
	}
	sparse := ada.Get(t, "/schedules?fields[schedules]=scan_hour").Want(t, 200)
	if attributes, _ := sparse.At("/data/0/attributes").(map[string]any); len(attributes) != 1 {
		t.Errorf("sparse: %s", sparse.Raw)
	}
}

func TestWhoMaySeeAndChangeSchedules(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, "")
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	seen, hidden, third := connect(t, ada, "111111111111"), connect(t, ada, "222222222222"), connect(t, ada, "333333333333")
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "Seen"},
		map[string]any{"providers": apitest.Many("providers", seen)}).Want(t, 201).String("/data/id")
	scanner := ada.Member(t, "Scanner", ada.Role(t, "scanner", map[string]any{"manage_scans": true}, group))
	viewer := ada.Member(t, "Viewer", ada.Role(t, "viewer", map[string]any{}, group))
	daily := map[string]any{"scan_frequency": "DAILY", "scan_hour": 1}
	create(t, ada, hidden, daily).Want(t, 201)
	create(t, viewer, seen, daily).Want(t, 403)
	create(t, scanner, third, daily).Want(t, 400)
	create(t, bob, third, daily).Want(t, 400)
	create(t, scanner, seen, daily).Want(t, 201)
	for name, person := range map[string]*apitest.Client{"scanner": scanner, "viewer": viewer} {
		if got := person.Get(t, "/schedules?include=provider").Want(t, 200); got.Len("/data") != 1 || got.String("/data/0/id") != seen || got.Len("/included") != 1 {
			t.Errorf("%s sees %s", name, got.Raw)
		}
		if got := person.Get(t, "/schedules?filter[provider]="+hidden).Want(t, 200); got.Len("/data") != 0 {
			t.Errorf("%s sees %s", name, got.Raw)
		}
		person.Get(t, "/schedules/"+seen).Want(t, 200)
		person.Get(t, "/schedules/"+hidden).Want(t, 404)
	}
	run := func(person *apitest.Client, provider string) *apitest.Answer {
		return person.Do(t, http.MethodPost, "/schedules/"+provider+"/run", "", nil)
	}
	for _, one := range []struct {
		person   *apitest.Client
		provider string
		status   int
	}{{viewer, seen, 403}, {viewer, hidden, 403}, {scanner, hidden, 404}, {bob, seen, 404}, {bob, hidden, 404}, {server.Anonymous(), seen, 401}} {
		change(t, one.person, one.provider, map[string]any{"scan_enabled": false}).Want(t, one.status)
		run(one.person, one.provider).Want(t, one.status)
		one.person.Delete(t, "/schedules/"+one.provider).Want(t, one.status)
	}
	if got := bob.Get(t, "/schedules").Want(t, 200); got.Len("/data") != 0 {
		t.Errorf("bob sees %s", got.Raw)
	}
	server.Anonymous().Get(t, "/schedules").Want(t, 401)
	if got := ada.Get(t, "/schedules?filter[scan_enabled]=true").Want(t, 200); got.Len("/data") != 2 {
		t.Errorf("what was refused was done: %s", got.Raw)
	}
	change(t, scanner, seen, map[string]any{"scan_hour": 2}).Want(t, 200)
	run(scanner, seen).Want(t, 202)
	scanner.Delete(t, "/schedules/"+seen).Want(t, 204)
}

func TestARunAtOnce(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, enginetest.Interpreter(t))
	ada := server.SignUp(t, "Ada")
	provider := connect(t, ada, "123456789012")
	ada.Post(t, "/providers/secrets", "provider-secrets", map[string]any{"secret_type": "static", "secret": enginetest.Secret(enginetest.Finds(2))},
		map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 201)
	made := create(t, ada, provider, map[string]any{"scan_frequency": "MONTHLY", "scan_day_of_month": 1, "scan_hour": 1}).Want(t, 201)
	run := func() *apitest.Answer { return ada.Do(t, http.MethodPost, "/schedules/"+provider+"/run", "", nil) }
	started := run().Want(t, 202)
	if started.Header.Get("Content-Location") != "/api/v1/tasks/"+started.String("/data/id") || started.String("/data/attributes/name") != "scan-perform-scheduled" {
		t.Errorf("started: %s", started.Raw)
	}
	run().Want(t, 409)
	server.Work(t)
	for {
		task := ada.Get(t, "/tasks/"+started.String("/data/id")).Want(t, 200)
		if state := task.String("/data/attributes/state"); state == "completed" {
			break
		} else if state == "failed" || state == "cancelled" {
			t.Fatalf("the run: %s", task.Raw)
		}
		time.Sleep(20 * time.Millisecond)
	}
	after := ada.Get(t, "/schedules/"+provider).Want(t, 200)
	if !next(t, after).Equal(next(t, made)) || after.At("/data/attributes/last_scan_at") == nil {
		t.Errorf("after the run: %s", after.Raw)
	}
	scans := ada.Get(t, "/scans?sort=inserted_at").Want(t, 200)
	if scans.Len("/data") != 2 || scans.String("/data/0/attributes/name") != "Monthly scheduled scan" {
		t.Errorf("scans: %s", scans.Raw)
	}
	change(t, ada, provider, map[string]any{"scan_enabled": false}).Want(t, 200)
	run().Want(t, 202)
}

func TestADeletedProviderHasNoSchedule(t *testing.T) {
	t.Parallel()
	ada := apitest.StartIdle(t, "").SignUp(t, "Ada")
	provider := connect(t, ada, "123456789012")
	create(t, ada, provider, map[string]any{"scan_frequency": "DAILY", "scan_hour": 1}).Want(t, 201)
	ada.Delete(t, "/providers/"+provider).Want(t, 202)
	if got := ada.Get(t, "/schedules").Want(t, 200); got.Len("/data") != 0 {
		t.Errorf("left: %s", got.Raw)
	}
	ada.Get(t, "/schedules/"+provider).Want(t, 404)
	create(t, ada, provider, map[string]any{"scan_frequency": "DAILY", "scan_hour": 1}).Want(t, 400)
}

func TestOneOfManySchedulesIsMade(t *testing.T) {
	t.Parallel()
	ada := apitest.StartIdle(t, "").SignUp(t, "Ada")
	provider := connect(t, ada, "123456789012")
	statuses := make([]int, 8)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			if i%2 == 0 {
				statuses[i] = create(t, ada, provider, map[string]any{"scan_frequency": "DAILY", "scan_hour": i}).Status
			} else {
				statuses[i] = ada.Post(t, "/schedules/daily", "daily-schedules", map[string]any{"provider_id": provider}, nil).Status
			}
		})
	}
	group.Wait()
	made := 0
	for _, status := range statuses {
		if status < 300 {
			made++
		} else if status != 409 {
			t.Errorf("answered with %d", status)
		}
	}
	if got := ada.Get(t, "/schedules").Want(t, 200); made != 1 || got.Len("/data") != 1 {
		t.Errorf("%d were made: %s", made, got.Raw)
	}
}
