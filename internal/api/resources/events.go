package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/provider"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/timeline"
)

// EventsType is the resource type of an event of a resource.
const EventsType = "resource-events"

// Event are the attributes of an event.
type Event struct {
	EventTime       time.Time       `json:"event_time"`
	EventName       string          `json:"event_name"`
	EventSource     string          `json:"event_source"`
	Actor           string          `json:"actor"`
	ActorUID        *string         `json:"actor_uid"`
	ActorType       *string         `json:"actor_type"`
	SourceIPAddress *string         `json:"source_ip_address"`
	UserAgent       *string         `json:"user_agent"`
	RequestData     json.RawMessage `json:"request_data"`
	ResponseData    json.RawMessage `json:"response_data"`
	ErrorCode       *string         `json:"error_code"`
	ErrorMessage    *string         `json:"error_message"`
}

const (
	longestLookback = 90
	mostEvents      = 50
	eventsBusy      = "5" // seconds until it makes sense to ask again
)

type eventHandler struct {
	timeline *timeline.Service
	logger   *slog.Logger
}

// EventsOperation declares the operation that asks the provider's own log what happened to a resource. It has a limit of its own
// instead of the one of all requests: the log is far away.
func EventsOperation(service *timeline.Service, logger *slog.Logger) rest.Operation {
	h := eventHandler{timeline: service, logger: logger}
	return rest.Operation{ID: "resources.events", Method: http.MethodGet, Path: "/resources/{id}/events", Tag: "Resources",
		Summary: "What happened to a resource, by the log of its provider", Slow: true,
		Response: rest.Schema{Type: EventsType, Attributes: Event{}, List: true}, Handle: h.events}
}

// events judges in the order of the wire: the resource, names of parameters, the provider's type, values of parameters.
func (h eventHandler) events(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeline.Longest)
	defer cancel()
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	resource, err := h.timeline.Find(ctx, scope, r.ID("id"))
	if errors.Is(err, timeline.ErrNoResource) {
		return nil, jsonapi.NotFound("Resource")
	}
	if err != nil {
		return nil, err
	}
	asked, err := readAsked(r.HTTP.URL.RawQuery, resource.Provider)
	if err != nil {
		return nil, err
	}
	found, err := h.timeline.Events(ctx, resource, asked)
	if err != nil {
		return nil, h.refuse(ctx, r, err)
	}
	many := make([]jsonapi.Resource, len(found))
	for i, one := range found {
		many[i] = event(one)
	}
	return rest.OK(jsonapi.Document{Many: many}), nil
}

func event(one engine.Event) jsonapi.Resource {
	return jsonapi.Resource{Type: EventsType, ID: one.ID, Attributes: jsonapi.Attributes(Event{EventTime: one.Time.UTC(), EventName: one.Name,
		EventSource: one.Source, Actor: one.Actor, ActorUID: one.ActorUID, ActorType: one.ActorType, SourceIPAddress: one.Address,
		UserAgent: one.Agent, RequestData: orNull(one.Request), ResponseData: orNull(one.Response), ErrorCode: one.ErrorCode,
		ErrorMessage: one.ErrorMessage})}
}

func orNull(data json.RawMessage) json.RawMessage {
	if data == nil {
		return json.RawMessage("null")
	}
	return data
}

// readAsked reads the query of a request about a resource of a provider of this type.
func readAsked(query, kind string) (timeline.Asked, error) {
	values, err := parameters(query)
	if err != nil {
		return timeline.Asked{}, err
	}
	if kind != string(provider.AWS) {
		return timeline.Asked{}, jsonapi.Error{Status: http.StatusBadRequest, Code: "invalid_provider", Pointer: "/data/attributes/provider",
			Detail: "Events are only available for AWS resources"}
	}
	asked := timeline.Asked{Reads: strings.EqualFold(values["include_read_events"], "true")}
	if asked.Days, err = number(values, "lookback_days", longestLookback); err != nil {
		return asked, err
	}
	asked.Limit, err = number(values, "page[size]", mostEvents)
	return asked, err
}

// parameters reads the query in its order; of a parameter that is repeated the last counts. The first one that is unknown is
// refused, whatever follows.
func parameters(query string) (map[string]string, error) {
	values := make(map[string]string)
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = unescaped(name), unescaped(value)
		switch name {
		case "lookback_days", "page[size]", "include_read_events":
			values[name] = value
		default:
			return nil, parameterError(name, "invalid", fmt.Sprintf("invalid parameter '%s'", name))
		}
	}
	return values, nil
}

func unescaped(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		plain = text
	}
	return strings.ToValidUTF8(plain, "\uFFFD")
}

// number is a parameter from 1 to most, which is also its default.
func number(values map[string]string, name string, most int) (int, error) {
	text, given := values[name]
	if !given {
		return most, nil
	}
	value, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, parameterError(name, "invalid", name+" must be a valid integer")
	}
	if err != nil || value < 1 || value > most {
		return 0, parameterError(name, "out_of_range", fmt.Sprintf("%s must be between 1 and %d", name, most))
	}
	return value, nil
}

func parameterError(name, code, detail string) error {
	return jsonapi.Error{Status: http.StatusBadRequest, Code: code, Detail: detail, Parameter: name, Pointer: "/data"}
}

// refuse says what went wrong in words that tell nothing of the credentials; the log has the rest.
func (h eventHandler) refuse(ctx context.Context, r *rest.Request, err error) error {
	answer := func(status int, code, detail string) error {
		return jsonapi.Error{Status: status, Code: code, Detail: detail, Pointer: "/data"}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return err // nobody waits for an answer
	}
	switch {
	case errors.Is(err, timeline.ErrBusy):
		refusal := jsonapi.Error{Status: http.StatusServiceUnavailable, Code: "service_unavailable", Pointer: "/data",
			Detail: "Too many requests for events are under way. Try again later."}
		return rest.Throttled{Refusal: refusal, RetryAfter: eventsBusy}
	case errors.Is(err, engine.ErrCredentials):
		return answer(http.StatusBadGateway, "upstream_auth_failed", "The provider refused its credentials. Check the connection of the provider.")
	case errors.Is(err, engine.ErrDenied):
		return answer(http.StatusBadGateway, "upstream_access_denied", "The credentials of the provider may not look up events (cloudtrail:LookupEvents).")
	case errors.Is(err, engine.ErrNotInstalled):
		return answer(http.StatusServiceUnavailable, "service_unavailable", "No scan engine is installed that could look up events.")
	}
	output := ""
	if failure, ok := errors.AsType[*engine.ProcessError](err); ok {
		output = failure.Output
	}
	h.logger.WarnContext(ctx, "events of a resource could not be looked up", "tenant_id", r.Tenant(), "resource_id", r.ID("id"), "error", err, "output", output)
	if errors.Is(err, engine.ErrUnavailable) || errors.Is(err, engine.ErrTimeout) || errors.Is(err, engine.ErrKilled) || errors.Is(err, context.DeadlineExceeded) {
		return answer(http.StatusServiceUnavailable, "service_unavailable", "The provider could not be asked for events. Try again later.")
	}
	return answer(http.StatusInternalServerError, "internal_error", "Failed to retrieve events")
}
