// Package recurrence is the arithmetic of what happens again and again: when a rule falls due next, by the clock of its time
// zone, also where that clock jumps.
//
// What does not belong here: what happens then (internal/scan), and how rules look on the wire (internal/api/schedules).
package recurrence

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	_ "time/tzdata" // the same time zones on every machine, also where none are installed
)

// The frequencies of a rule.
const (
	Interval = "interval" // every so many hours from a moment on, whatever the clock shows
	Daily    = "daily"
	Weekly   = "weekly"
	Monthly  = "monthly"
)

// MaxEvery is the longest interval in hours: a leap year.
const MaxEvery = 8784

// Rule says when something is due. A daily, weekly or monthly rule is due at Hour and Minute by the clock of Zone: where the clock
// jumps over that time, at the moment of the jump; where it shows the time twice, the first time. Make one with New.
type Rule struct {
	Frequency    string
	Every        int            // hours; interval alone
	Start        time.Time      // the first moment at which an interval is due
	Hour, Minute int            // not of an interval, which has them in Start
	Weekdays     []time.Weekday // weekly: at least one, in order
	MonthDay     int            // monthly: 1 to 31; in a month that is shorter, its last day

	zone *time.Location
}

// New checks a rule for a time zone, by its IANA name.
func New(rule Rule, zone string) (Rule, error) {
	location, err := Zone(zone)
	if err != nil {
		return Rule{}, err
	}
	rule.zone = location
	rule.Weekdays = slices.Compact(slices.Sorted(slices.Values(rule.Weekdays)))
	return rule, rule.check()
}

func (r Rule) check() error {
	if r.Hour < 0 || r.Hour > 23 || r.Minute < 0 || r.Minute > 59 {
		return fmt.Errorf("%d:%d is no time of day", r.Hour, r.Minute)
	}
	switch r.Frequency {
	case Interval:
		if r.Every < 1 || r.Every > MaxEvery || r.Start.IsZero() {
			return fmt.Errorf("an interval of %d hours from %v", r.Every, r.Start)
		}
	case Daily:
	case Weekly:
		if len(r.Weekdays) == 0 || r.Weekdays[0] < time.Sunday || r.Weekdays[len(r.Weekdays)-1] > time.Saturday {
			return fmt.Errorf("weekdays %v", r.Weekdays)
		}
	case Monthly:
		if r.MonthDay < 1 || r.MonthDay > 31 {
			return fmt.Errorf("day %d of a month", r.MonthDay)
		}
	default:
		return fmt.Errorf("frequency %q", r.Frequency)
	}
	return nil
}

// ErrZone is returned for a text that names no time zone.
var ErrZone = errors.New("no such time zone")

var zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$`)

// Zone finds a time zone by its IANA name. What a machine's folder of zones holds beside those (its own zone, the variants with
// leap seconds) is none: a rule means the same everywhere.
func Zone(name string) (*time.Location, error) {
	if !zoneName.MatchString(name) || len(name) > 64 || name == "Local" || name == "Factory" {
		return nil, ErrZone
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, ErrZone
	}
	return location, nil
}

// ZoneName is the name of the rule's time zone.
func (r Rule) ZoneName() string { return r.zone.String() }

// Equal reports whether two rules are due at the same times.
func (r Rule) Equal(other Rule) bool {
	return r.Frequency == other.Frequency && r.Every == other.Every && r.Start.Equal(other.Start) && r.Hour == other.Hour &&
		r.Minute == other.Minute && slices.Equal(r.Weekdays, other.Weekdays) && r.MonthDay == other.MonthDay &&
		r.ZoneName() == other.ZoneName()
}

// Next is the first moment behind another one at which the rule is due.
func (r Rule) Next(after time.Time) time.Time {
	if r.Frequency == Interval {
		return r.nextInterval(after)
	}
	// On the days before this one the rule was due already: the clock shows a later time.
	year, month, day := after.In(r.zone).Date()
	for date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); ; date = date.AddDate(0, 0, 1) {
		if !r.holdsOn(date) {
			continue
		}
		if due := Reach(date.Add(time.Duration(r.Hour)*time.Hour+time.Duration(r.Minute)*time.Minute), r.zone); due.After(after) {
			return due
		}
	}
}

func (r Rule) nextInterval(after time.Time) time.Time {
	if r.Start.After(after) {
		return r.Start.UTC()
	}
	every := time.Duration(r.Every) * time.Hour
	return r.Start.Add((after.Sub(r.Start)/every + 1) * every).UTC()
}

func (r Rule) holdsOn(date time.Time) bool {
	switch r.Frequency {
	case Weekly:
		return slices.Contains(r.Weekdays, date.Weekday())
	case Monthly:
		last := time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		return date.Day() == min(r.MonthDay, last)
	}
	return true
}

// beforehand is longer than any clock is ahead of or behind UTC.
const beforehand = 26 * time.Hour

// Reach is the first moment at which a clock shows a date and time, or a later one; wall holds them as if they were UTC.
func Reach(wall time.Time, zone *time.Location) time.Time {
	for at := wall.Add(-beforehand).In(zone); ; {
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		reached := wall.Add(-time.Duration(offset) * time.Second)
		if reached.Before(at) {
			reached = at // the clock jumped over it
		}
		if end.IsZero() || reached.Before(end) {
			return reached.UTC()
		}
		at = end
	}
}
