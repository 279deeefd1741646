// Package schedules declares the operations on schedules, which have providers scanned again and again: the daily one of the
// contract, and those that say when. A provider has one schedule at most, so a schedule's id is its provider's.
//
// What does not belong here: when a schedule is due (internal/recurrence), and what happens then (internal/scan).
package schedules

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/recurrence"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// The resource types of a schedule, and of the request for a daily one.
const (
	Type      = "schedules"
	DailyType = "daily-schedules"
)

// Attributes are the attributes of a schedule.
type Attributes struct {
	ScanEnabled       bool       `json:"scan_enabled"`
	ScanFrequency     string     `json:"scan_frequency" enum:"INTERVAL,DAILY,WEEKLY,MONTHLY"`
	ScanHour          *int       `json:"scan_hour" minimum:"0" maximum:"23" doc:"By the clock of scan_timezone."`
	ScanMinute        *int       `json:"scan_minute" minimum:"0" maximum:"59"`
	ScanTimezone      string     `json:"scan_timezone" maxLength:"64" doc:"IANA name of a time zone."`
	ScanIntervalHours *int       `json:"scan_interval_hours" minimum:"1" maximum:"8784"`
	ScanDayOfWeek     *int       `json:"scan_day_of_week" minimum:"0" maximum:"6" doc:"The first of scan_days_of_week."`
	ScanDaysOfWeek    []int      `json:"scan_days_of_week" doc:"0 is Sunday."`
	ScanDayOfMonth    *int       `json:"scan_day_of_month" minimum:"1" maximum:"31" doc:"In a shorter month its last day."`
	NextScanAt        *time.Time `json:"next_scan_at"`
	LastScanAt        *time.Time `json:"last_scan_at"`
	InsertedAt        time.Time  `json:"inserted_at"`
	UpdatedAt         time.Time  `json:"updated_at"`
}

// Settings are the attributes that a request may have.
type Settings struct {
	ScanEnabled       *bool   `json:"scan_enabled,omitempty"`
	ScanFrequency     string  `json:"scan_frequency,omitempty" enum:"INTERVAL,DAILY,WEEKLY,MONTHLY"`
	ScanHour          *int    `json:"scan_hour,omitempty" nullable:"true" minimum:"0" maximum:"23"`
	ScanMinute        *int    `json:"scan_minute,omitempty" nullable:"true" minimum:"0" maximum:"59"`
	ScanTimezone      *string `json:"scan_timezone,omitempty" maxLength:"64"`
	ScanIntervalHours *int    `json:"scan_interval_hours,omitempty" nullable:"true" minimum:"1" maximum:"8784"`
	ScanDayOfWeek     *int    `json:"scan_day_of_week,omitempty" nullable:"true" minimum:"0" maximum:"6"`
	ScanDaysOfWeek    []int   `json:"scan_days_of_week,omitempty"`
	ScanDayOfMonth    *int    `json:"scan_day_of_month,omitempty" nullable:"true" minimum:"1" maximum:"31"`
}

// Daily are the attributes of a daily schedule.
type Daily struct {
	ProviderID uuid.UUID `json:"provider_id"`
}

// Query is the allow-list of the parameters, for the list and, apart from the page, for one schedule.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "id", Kind: filter.UUID, Column: "c.id", Lookups: filter.Exact | filter.In},
		{Name: "provider", Kind: filter.UUID, Column: "c.provider_id", Lookups: filter.Exact | filter.In, Relationship: true},
		{Name: "scan_enabled", Kind: filter.Choice, Choices: []string{"true", "false"}, Cases: map[string]filter.Fragment{
			"true": filter.MustCondition("c.enabled", filter.Exact, true), "false": filter.MustCondition("c.enabled", filter.Exact, false)}},
		{Name: "scan_frequency", Kind: filter.Choice, Choices: frequencies, Lookups: filter.Exact | filter.In, Cases: map[string]filter.Fragment{
			"INTERVAL": frequency(recurrence.Interval), "DAILY": frequency(recurrence.Daily), "WEEKLY": frequency(recurrence.Weekly),
			"MONTHLY": frequency(recurrence.Monthly)}},
	},
	Sorts: []filter.Sort{{Name: "next_scan_at", Column: "c.next_run_at"}, {Name: "inserted_at", Column: "c.inserted_at"},
		{Name: "updated_at", Column: "c.updated_at"}},
	DefaultSort: []string{"inserted_at"}, Tiebreak: "c.id",
	Includes: []string{"provider"},
})

func frequency(name string) filter.Fragment {
	return filter.MustCondition("c.frequency", filter.Exact, name)
}

type handlers struct {
	tenants *tenant.Executor
	scans   *scan.Service
}

// Operations declares the operations.
func Operations(executor *tenant.Executor, service *scan.Service) []rest.Operation {
	h := handlers{tenants: executor, scans: service}
	one := rest.Schema{Type: Type, Attributes: Attributes{}, Relationships: []string{"provider"}}
	many := one
	many.List = true
	settings := rest.Schema{Type: Type, Attributes: Settings{}}
	fresh := settings
	fresh.Relationships = []string{"provider"}
	operation := func(id authz.Operation, method, path, summary string, handle rest.Handler) rest.Operation {
		return rest.Operation{ID: "schedules." + id, Method: method, Path: path, Summary: summary, Tag: "Schedules", Query: Query, Mode: rest.One,
			Handle: handle}
	}
	daily := operation("daily", http.MethodPost, "/schedules/daily", "Scan a provider every day", h.daily)
	daily.Query, daily.Request = nil, rest.Schema{Type: DailyType, Attributes: Daily{}}
	daily.Response, daily.Status = tasks.Schema(), http.StatusAccepted
	list := operation("list", http.MethodGet, "/schedules", "List schedules", h.list)
	list.Mode, list.Response = rest.List, many
	create := operation("create", http.MethodPost, "/schedules", "Scan a provider again and again", h.create)
	create.Request, create.Response, create.Status = fresh, one, http.StatusCreated
	retrieve := operation("retrieve", http.MethodGet, "/schedules/{id}", "Get a schedule", h.retrieve)
	retrieve.Response = one
	update := operation("update", http.MethodPatch, "/schedules/{id}", "Change, pause or resume a schedule", h.update)
	update.Request, update.Response = settings, one
	remove := operation("delete", http.MethodDelete, "/schedules/{id}", "Delete a schedule", h.remove)
	remove.Status = http.StatusNoContent
	run := operation("run", http.MethodPost, "/schedules/{id}/run", "Start a scheduled scan at once", h.run)
	run.Response, run.Status = tasks.Schema(), http.StatusAccepted
	return []rest.Operation{daily, list, create, retrieve, update, remove, run}
}

func resource(r *rest.Request, row tenantdb.ListSchedulesRow) jsonapi.Resource {
	attributes := Attributes{ScanEnabled: row.Enabled, ScanFrequency: strings.ToUpper(row.Frequency), ScanHour: whole(row.Hour), ScanTimezone: row.TimeZone,
		ScanIntervalHours: whole(row.EveryHours), ScanDayOfMonth: whole(row.MonthDay), LastScanAt: row.LastScanAt, InsertedAt: row.InsertedAt,
		UpdatedAt: row.UpdatedAt}
	if row.Hour != nil {
		attributes.ScanMinute = whole(&row.Minute)
	}
	for _, day := range row.Weekdays {
		attributes.ScanDaysOfWeek = append(attributes.ScanDaysOfWeek, int(day))
	}
	if len(row.Weekdays) > 0 {
		attributes.ScanDayOfWeek = whole(&row.Weekdays[0])
	}
	if row.Enabled {
		attributes.NextScanAt = &row.NextRunAt
	}
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Self: r.URL("/schedules/" + row.ID.String()), Attributes: jsonapi.Attributes(attributes),
		Relationships: []jsonapi.Relation{jsonapi.ToOne("provider", providers.Type, row.ProviderID.String())}}
}

func whole[T int16 | int32](number *T) *int {
	if number == nil {
		return nil
	}
	return new(int(*number))
}

// included are the providers of the schedules, if the request asks for them.
func included(r *rest.Request, rows ...tenantdb.ListSchedulesRow) []jsonapi.Resource {
	if !r.Includes(Type, "provider") {
		return nil
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = providers.Included(tenantdb.IncludeProvidersRow{ID: row.ProviderID, Provider: row.Provider, Uid: row.Uid, Alias: row.Alias,
			Connected: row.Connected, ConnectionLastCheckedAt: row.ConnectionLastCheckedAt, InsertedAt: row.ProviderInsertedAt,
			UpdatedAt: row.ProviderUpdatedAt})
	}
	return many
}
