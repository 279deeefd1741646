package schedules

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/recurrence"
	"github.com/palisade-sec/palisade/internal/scan"
)

var frequencies = []string{"INTERVAL", "DAILY", "WEEKLY", "MONTHLY"}

// settings are what a request says about a schedule.
type settings struct {
	enabled   jsonapi.Given[bool]
	frequency jsonapi.Given[string]
	zone      jsonapi.Given[string]
	hour      jsonapi.Given[int]
	minute    jsonapi.Given[int]
	every     jsonapi.Given[int]
	weekday   jsonapi.Given[int]
	weekdays  jsonapi.Given[[]int]
	monthDay  jsonapi.Given[int]
}

func read(body *jsonapi.Binder, creates bool) settings {
	body.ReadOnly("next_scan_at", "last_scan_at", "inserted_at", "updated_at")
	return settings{
		enabled:   body.Bool("scan_enabled", jsonapi.Rules{}),
		frequency: body.Choice("scan_frequency", jsonapi.Rules{Required: creates}, frequencies...),
		zone:      body.Text("scan_timezone", jsonapi.Rules{Max: 64}),
		hour:      integer(body, "scan_hour", 0, 23),
		minute:    integer(body, "scan_minute", 0, 59),
		every:     integer(body, "scan_interval_hours", 1, recurrence.MaxEvery),
		weekday:   integer(body, "scan_day_of_week", 0, 6),
		weekdays:  days(body),
		monthDay:  integer(body, "scan_day_of_month", 1, 31),
	}
}

// integer reads a whole number within bounds; null is taken for what a frequency does not have.
func integer(body *jsonapi.Binder, name string, least, most int) jsonapi.Given[int] {
	raw := body.JSON(name, jsonapi.Rules{Nullable: true})
	given := jsonapi.Given[int]{Set: raw.Set, Null: raw.Null}
	if !raw.Set || raw.Null {
		return given
	}
	number, refusal := check(name, raw.Value, least, most)
	if refusal != nil {
		body.Fail(*refusal)
	}
	given.Value = number
	return given
}

func check(path string, raw any, least, most int) (int, *jsonapi.Error) {
	var text string
	switch typed := raw.(type) {
	case json.Number:
		text = typed.String()
	case string: // of a form
		text = typed
	}
	number, err := strconv.Atoi(text)
	var refusal jsonapi.Error
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		refusal = jsonapi.Field(path, "invalid", "A valid integer is required.")
	case number < least:
		refusal = jsonapi.Field(path, "min_value", fmt.Sprintf("Ensure this value is greater than or equal to %d.", least))
	case number > most:
		refusal = jsonapi.Field(path, "max_value", fmt.Sprintf("Ensure this value is less than or equal to %d.", most))
	default:
		return number, nil
	}
	return 0, &refusal
}

// days reads the days of the week; what is there twice counts once.
func days(body *jsonapi.Binder) jsonapi.Given[[]int] {
	const name = "scan_days_of_week"
	raw := body.JSON(name, jsonapi.Rules{Nullable: true})
	given := jsonapi.Given[[]int]{Set: raw.Set, Null: raw.Null}
	if !raw.Set || raw.Null {
		return given
	}
	list, ok := raw.Value.([]any)
	if !ok {
		body.Fail(jsonapi.Field(name, "not_a_list", "Expected a list of days."))
		return given
	}
	if len(list) == 0 || len(list) > 7 {
		body.Fail(jsonapi.Field(name, "invalid", "Name one to seven days, 0 for Sunday to 6 for Saturday."))
	}
	for i, one := range list {
		day, refusal := check(fmt.Sprintf("%s/%d", name, i), one, 0, 6)
		if refusal != nil {
			body.Fail(*refusal)
			return given
		}
		given.Value = append(given.Value, day)
	}
	return given
}

// applied is the schedule that comes of the settings: what they do not name stays as it was, what the frequency does not have is
// left behind. The error is a refusal.
func (s settings) applied(old scan.Schedule) (scan.Schedule, error) {
	rule := recurrence.Rule{Frequency: strings.ToLower(s.frequency.Or(strings.ToUpper(old.Rule.Frequency)))}
	problems := s.misplaced(rule.Frequency)
	require := func(name string) {
		problems = append(problems, jsonapi.Field(name, "required", "This field is required."))
	}

	zone := "UTC"
	if old.Rule.Frequency != "" {
		zone = old.Rule.ZoneName()
	}
	zone = s.zone.Or(zone)
	if _, err := recurrence.Zone(zone); err != nil {
		problems = append(problems, jsonapi.Field("scan_timezone", "invalid", fmt.Sprintf("\"%s\" is not the IANA name of a time zone.", zone)))
	}
	timed := old.Timed && !s.hour.Null || s.hour.Ptr() != nil
	switch {
	case timed:
		rule.Hour = s.hour.Or(old.Rule.Hour)
		if !s.minute.Null {
			rule.Minute = s.minute.Or(old.Rule.Minute)
		}
	case rule.Frequency != recurrence.Interval || s.minute.Ptr() != nil:
		require("scan_hour")
	}
	switch rule.Frequency {
	case recurrence.Interval:
		if rule.Every = s.every.Or(old.Rule.Every); rule.Every == 0 || s.every.Null {
			require("scan_interval_hours")
		}
	case recurrence.Weekly:
		if rule.Weekdays = s.days(old.Rule.Weekdays); len(rule.Weekdays) == 0 {
			require("scan_day_of_week")
		}
	case recurrence.Monthly:
		if rule.MonthDay = s.monthDay.Or(old.Rule.MonthDay); rule.MonthDay == 0 || s.monthDay.Null {
			require("scan_day_of_month")
		}
	}
	if len(problems) > 0 {
		return scan.Schedule{}, problems
	}
	if rule.Frequency == recurrence.Interval {
		if err := begin(&rule, zone, timed, old); err != nil {
			return scan.Schedule{}, err
		}
	}
	rule, err := recurrence.New(rule, zone)
	return scan.Schedule{Rule: rule, Timed: timed, Enabled: s.enabled.Or(old.Enabled)}, err
}

// begin says when an interval is due for the first time: next at its time of day or, without one, after its first hours. One that
// stays as it was keeps its beat.
func begin(rule *recurrence.Rule, zone string, timed bool, old scan.Schedule) error {
	was := old.Rule
	if was.Frequency == recurrence.Interval && was.Every == rule.Every && was.Hour == rule.Hour && was.Minute == rule.Minute && old.Timed == timed &&
		(was.ZoneName() == zone || !timed) {
		rule.Start = was.Start
		return nil
	}
	now := time.Now().UTC().Truncate(time.Second)
	rule.Start = now.Add(time.Duration(rule.Every) * time.Hour)
	if !timed {
		return nil
	}
	clock, err := recurrence.New(recurrence.Rule{Frequency: recurrence.Daily, Hour: rule.Hour, Minute: rule.Minute}, zone)
	if err == nil {
		rule.Start = clock.Next(now)
	}
	return err
}

// misplaced refuses what a schedule of the frequency does not have.
func (s settings) misplaced(frequency string) (problems jsonapi.Errors) {
	for _, one := range []struct {
		name, of string
		given    bool
	}{
		{"scan_interval_hours", recurrence.Interval, s.every.Ptr() != nil}, {"scan_day_of_week", recurrence.Weekly, s.weekday.Ptr() != nil},
		{"scan_days_of_week", recurrence.Weekly, s.weekdays.Ptr() != nil}, {"scan_day_of_month", recurrence.Monthly, s.monthDay.Ptr() != nil},
	} {
		if one.given && one.of != frequency {
			detail := fmt.Sprintf("A schedule has this only when its scan_frequency is %s.", strings.ToUpper(one.of))
			problems = append(problems, jsonapi.Field(one.name, "invalid", detail))
		}
	}
	if one, all := s.weekday.Ptr(), s.weekdays.Ptr(); one != nil && all != nil && !slices.Contains(*all, *one) {
		problems = append(problems, jsonapi.Field("scan_day_of_week", "invalid", "This day is not one of scan_days_of_week."))
	}
	return problems
}

// days are the days of the week: all that are named or, of clients that know one alone, that one.
func (s settings) days(old []time.Weekday) []time.Weekday {
	var named []int
	switch {
	case s.weekdays.Ptr() != nil:
		named = s.weekdays.Value
	case s.weekday.Ptr() != nil:
		named = []int{s.weekday.Value}
	case s.weekdays.Null || s.weekday.Null:
		return nil
	default:
		return old
	}
	days := make([]time.Weekday, len(named))
	for i, day := range named {
		days[i] = time.Weekday(day)
	}
	return days
}
