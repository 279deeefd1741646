package recurrence_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/recurrence"
)

func rule(t testing.TB, one recurrence.Rule, zone string) recurrence.Rule {
	t.Helper()
	made, err := recurrence.New(one, zone)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestNext(t *testing.T) {
	t.Parallel()
	daily := recurrence.Rule{Frequency: recurrence.Daily, Hour: 2, Minute: 30}
	for name, c := range map[string]struct {
		rule        recurrence.Rule
		zone        string
		after, want string
	}{
		"today":                     {daily, "UTC", "2026-05-04T01:00:00Z", "2026-05-04T02:30:00Z"},
		"strictly behind":           {daily, "UTC", "2026-05-04T02:30:00Z", "2026-05-05T02:30:00Z"},
		"a moment before":           {daily, "UTC", "2026-05-04T02:29:59Z", "2026-05-04T02:30:00Z"},
		"another day there":         {daily, "Pacific/Auckland", "2026-05-04T12:00:00Z", "2026-05-04T14:30:00Z"},
		"the year ends":             {daily, "UTC", "2026-12-31T03:00:00Z", "2027-01-01T02:30:00Z"},
		"the clock jumps over it":   {daily, "Europe/Madrid", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		"the day after the jump":    {daily, "Europe/Madrid", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		"shown twice: the first":    {daily, "Europe/Madrid", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		"shown twice: not again":    {daily, "Europe/Madrid", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		"midnight is jumped over":   {recurrence.Rule{Frequency: recurrence.Daily}, "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"},
		"half an hour of a jump":    {recurrence.Rule{Frequency: recurrence.Daily, Hour: 2, Minute: 15}, "Australia/Lord_Howe", "2026-10-03T10:00:00Z", "2026-10-03T15:30:00Z"},
		"a day that was left out":   {recurrence.Rule{Frequency: recurrence.Daily, Hour: 9}, "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-30T10:00:00Z"},
		"behind that day":           {recurrence.Rule{Frequency: recurrence.Daily, Hour: 9}, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"},
		"weekly":                    {recurrence.Rule{Frequency: recurrence.Weekly, Weekdays: []time.Weekday{time.Friday, time.Monday}, Hour: 8}, "UTC", "2026-05-04T08:00:00Z", "2026-05-08T08:00:00Z"},
		"weekly, around the end":    {recurrence.Rule{Frequency: recurrence.Weekly, Weekdays: []time.Weekday{time.Monday}, Hour: 8}, "UTC", "2026-05-04T08:00:00Z", "2026-05-11T08:00:00Z"},
		"weekly by the local day":   {recurrence.Rule{Frequency: recurrence.Weekly, Weekdays: []time.Weekday{time.Monday}, Hour: 1}, "Asia/Tokyo", "2026-05-01T00:00:00Z", "2026-05-03T16:00:00Z"},
		"monthly":                   {recurrence.Rule{Frequency: recurrence.Monthly, MonthDay: 15, Hour: 8}, "UTC", "2026-05-15T08:00:00Z", "2026-06-15T08:00:00Z"},
		"the last day of February":  {recurrence.Rule{Frequency: recurrence.Monthly, MonthDay: 31, Hour: 8}, "UTC", "2026-01-31T08:00:00Z", "2026-02-28T08:00:00Z"},
		"the last day, a leap year": {recurrence.Rule{Frequency: recurrence.Monthly, MonthDay: 30, Hour: 8}, "UTC", "2028-02-01T08:00:00Z", "2028-02-29T08:00:00Z"},
		"and then the 31st again":   {recurrence.Rule{Frequency: recurrence.Monthly, MonthDay: 31, Hour: 8}, "UTC", "2026-02-28T08:00:00Z", "2026-03-31T08:00:00Z"},
		"an interval has begun":     {recurrence.Rule{Frequency: recurrence.Interval, Every: 6, Start: at(t, "2026-05-04T01:00:00Z")}, "UTC", "2026-05-04T13:00:00Z", "2026-05-04T19:00:00Z"},
		"an interval has not begun": {recurrence.Rule{Frequency: recurrence.Interval, Every: 6, Start: at(t, "2026-05-04T01:00:00Z")}, "UTC", "2026-04-04T13:00:00Z", "2026-05-04T01:00:00Z"},
		"an interval and the clock": {recurrence.Rule{Frequency: recurrence.Interval, Every: 24, Start: at(t, "2026-03-28T01:30:00Z")}, "Europe/Madrid", "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"},
	} {
		if got := rule(t, c.rule, c.zone).Next(at(t, c.after)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %v, want %s", name, got.Format(time.RFC3339), c.want)
		}
	}
}

func TestWhatIsNoRule(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]recurrence.Rule{
		"nothing":       {},
		"a frequency":   {Frequency: "yearly"},
		"hour":          {Frequency: recurrence.Daily, Hour: 24},
		"minute":        {Frequency: recurrence.Daily, Minute: -1},
		"no weekday":    {Frequency: recurrence.Weekly},
		"weekday":       {Frequency: recurrence.Weekly, Weekdays: []time.Weekday{3, 7}},
		"no day":        {Frequency: recurrence.Monthly},
		"day":           {Frequency: recurrence.Monthly, MonthDay: 32},
		"no interval":   {Frequency: recurrence.Interval, Start: time.Now()},
		"interval":      {Frequency: recurrence.Interval, Start: time.Now(), Every: recurrence.MaxEvery + 1},
		"without start": {Frequency: recurrence.Interval, Every: 1},
	} {
		if _, err := recurrence.New(one, "UTC"); err == nil {
			t.Errorf("%s is a rule", name)
		}
	}
	for _, zone := range []string{"", "Local", "local", "Europe", "Europe/Nowhere", "../UTC", "/etc/localtime", "Europe/../UTC", "posix/UTC", "right/Europe/Madrid",
		"posixrules", "Factory", "utc", "UTC\x00", " UTC", "+02:00", "CEST", "tzdata.zi"} {
		if _, err := recurrence.New(recurrence.Rule{Frequency: recurrence.Daily}, zone); !errors.Is(err, recurrence.ErrZone) {
			t.Errorf("%q is a time zone: %v", zone, err)
		}
	}
	for _, zone := range []string{"UTC", "GMT", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Asia/Calcutta", "EST5EDT"} {
		if _, err := recurrence.Zone(zone); err != nil {
			t.Errorf("%q: %v", zone, err)
		}
	}
}

var zones = []string{"UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Kiritimati", "America/St_Johns",
	"Africa/Casablanca", "Africa/Cairo", "America/Asuncion", "Antarctica/Troll", "Asia/Tehran", "Atlantic/Azores", "Pacific/Chatham"}

// FuzzNext: the next run is behind every moment before it, nothing is due in between, and the clock of the zone shows the time
// that was wanted on a day that was wanted, unless it jumped over that.
func FuzzNext(f *testing.F) {
	for i := range zones {
		f.Add(uint8(i), uint8(0), uint8(2), uint8(30), uint8(0b0101010), uint8(31), int64(1774745999))
		f.Add(uint8(i), uint8(1), uint8(0), uint8(0), uint8(1), uint8(29), int64(1792886399))
		f.Add(uint8(i), uint8(2), uint8(23), uint8(59), uint8(127), uint8(30), int64(1325239199))
		f.Add(uint8(i), uint8(3), uint8(5), uint8(0), uint8(64), uint8(1), int64(1709164800))
	}
	f.Fuzz(func(t *testing.T, zone, kind, hour, minute, weekdays, monthDay uint8, after int64) {
		const century = 100 * 365 * 24 * 3600
		from := time.Unix(((after%century)+century)%century, 0)
		one := recurrence.Rule{Frequency: []string{recurrence.Daily, recurrence.Weekly, recurrence.Monthly, recurrence.Interval}[kind%4],
			Hour: int(hour % 24), Minute: int(minute % 60), MonthDay: 1 + int(monthDay%31), Every: 1 + int(monthDay)*34, Start: from.Add(time.Duration(int8(hour)) * time.Hour)}
		for day := time.Sunday; day <= time.Saturday; day++ {
			if weekdays>>day&1 == 1 {
				one.Weekdays = append(one.Weekdays, day)
			}
		}
		if one.Weekdays == nil {
			one.Weekdays = []time.Weekday{time.Wednesday}
		}
		one = rule(t, one, zones[int(zone)%len(zones)])
		next := one.Next(from)
		if !next.After(from) {
			t.Fatalf("%+v is due at %v, behind %v", one, next, from)
		}
		if got := one.Next(next.Add(-time.Nanosecond)); !got.Equal(next) {
			t.Fatalf("%+v is due at %v, but just before that at %v", one, next, got)
		}
		between := from.Add(next.Sub(from) / 2)
		if got := one.Next(between); !got.Equal(next) {
			t.Fatalf("%+v is due at %v behind %v, but at %v behind %v", one, next, from, got, between)
		}
		if later := one.Next(next); !later.After(next) {
			t.Fatalf("%+v is due at %v and then at %v", one, next, later)
		}
		if one.Frequency == recurrence.Interval {
			if gap := next.Sub(one.Start); gap < 0 || gap%(time.Duration(one.Every)*time.Hour) != 0 {
				t.Fatalf("%+v is due at %v", one, next)
			}
			return
		}
		shows(t, one, next)
	})
}

// shows checks what the clock of the zone shows.
func shows(t *testing.T, one recurrence.Rule, next time.Time) {
	t.Helper()
	location, err := recurrence.Zone(one.ZoneName())
	if err != nil {
		t.Fatal(err)
	}
	local := next.In(location)
	start, _ := local.ZoneBounds()
	_, offset := local.Zone()
	_, before := next.Add(-time.Second).In(location).Zone()
	if start.Equal(local) && offset > before {
		return // the clock jumped at this moment
	}
	if local.Hour() != one.Hour || local.Minute() != one.Minute || local.Second() != 0 {
		t.Fatalf("%+v is due at %v", one, local)
	}
	last := time.Date(local.Year(), local.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if one.Frequency == recurrence.Weekly && !slices.Contains(one.Weekdays, local.Weekday()) || one.Frequency == recurrence.Monthly && local.Day() != min(one.MonthDay, last) {
		t.Fatalf("%+v is due on %v", one, local)
	}
	if earlier := next.Add(-time.Duration(before-offset) * time.Second).In(location); before > offset && earlier.Hour() == local.Hour() && earlier.Minute() == local.Minute() {
		t.Fatalf("%+v is due at %v, which the clock showed before", one, local)
	}
}
