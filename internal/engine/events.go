package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// EventsRequest says which events of an account's log to look up; the account and its secret are those of Request.
type EventsRequest struct {
	Request
	Resource string // uid of the resource
	Region   string // where it is; one that the provider does not know stands for the region of what is global
	Days     int    // how far back
	Limit    int    // most events
	Reads    bool   // with events that change nothing
}

// Event is what somebody did to a resource, as the provider's own log has it.
type Event struct {
	ID           string          `json:"id"`
	Time         time.Time       `json:"time"`
	Name         string          `json:"name"`
	Source       string          `json:"source"`
	Actor        string          `json:"actor"`
	ActorUID     *string         `json:"actor_uid"`
	ActorType    *string         `json:"actor_type"`
	Address      *string         `json:"address"`
	Agent        *string         `json:"agent"`
	Request      json.RawMessage `json:"request"`  // an object or null
	Response     json.RawMessage `json:"response"` // an object or null
	ErrorCode    *string         `json:"error_code"`
	ErrorMessage *string         `json:"error_message"`
}

// wireEvents is what the child reads of it.
type wireEvents struct {
	Resource string `json:"resource"`
	Region   string `json:"region"`
	Days     int    `json:"days"`
	Limit    int    `json:"limit"`
	Reads    bool   `json:"reads"`
}

// Events looks up what happened to a resource, the newest first.
func (p *Prowler) Events(ctx context.Context, request EventsRequest) ([]Event, error) {
	asked := request.wire("events")
	asked.Events = &wireEvents{Resource: request.Resource, Region: request.Region, Days: request.Days, Limit: request.Limit, Reads: request.Reads}
	var found []Event
	err := p.process(asked, p.options.EventsTimeout).do(ctx, func(l *line) error {
		switch {
		case l.Type != "event" || l.Event == nil:
			return unexpected(l)
		case len(found) == request.Limit:
			return fmt.Errorf("%w: more events than were asked for", ErrProtocol)
		}
		found = append(found, *l.Event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
