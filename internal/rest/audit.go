package rest

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/audit"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Auditor keeps the log of decisions; audit.Recorder is one.
type Auditor interface {
	// Decided returns an error when the decision had to be in the log and is not: the request is then refused.
	Decided(ctx context.Context, decision audit.Event) error
	// Answered gets the status of the answer to a request whose decision was recorded.
	Answered(decision audit.Event, status int)
}

// record logs the decision on a request, before anything is done about it. refusal is the answer when it is a denial.
func (s *Server) record(ctx context.Context, request *Request, refusal error) error {
	subject, decision := request.Principal.Subject, request.Decision
	authz.LogDecision(ctx, s.config.Logger, requestID(ctx), subject, request.operation.ID, decision)
	if s.config.Audit == nil {
		return nil
	}
	event := audit.Event{ID: uuid.New(), TenantID: subject.TenantID, Operation: string(request.operation.ID),
		Allowed: decision.Allowed, Write: decision.Write, Reason: string(decision.Reason), Rule: decision.Rule, Revision: decision.Revision,
		UserID: subject.UserID, Credential: string(subject.Credential), Request: requestID(ctx), Client: clientOf(request.HTTP), Target: target(ctx)}
	if key := request.Principal.Key; key != nil {
		event.KeyID, event.KeyPrefix = key.ID, key.Prefix
	}
	if refused, ok := jsonapi.AsErrors(refusal); ok {
		event.Status = refused.Status()
	}
	if err := s.config.Audit.Decided(ctx, event); err != nil {
		s.config.Logger.ErrorContext(ctx, "request refused: its decision could not be recorded", "correlation_id", requestID(ctx),
			"operation", event.Operation, "error", err)
		return jsonapi.Error{Status: http.StatusServiceUnavailable, Code: "service_unavailable", Pointer: "/data",
			Detail: "The audit log cannot be written, so nothing was done. Try again later."}
	}
	if entry, ok := ctx.Value(entryKey{}).(*logEntry); ok {
		entry.decided = &event
	}
	return nil
}

// target is what the path names: the parameter id, or the last one where there is none of that name.
func target(ctx context.Context) string {
	route := chi.RouteContext(ctx)
	if id := route.URLParam("id"); id != "" || len(route.URLParams.Values) == 0 {
		return id
	}
	return route.URLParams.Values[len(route.URLParams.Values)-1]
}

// answered records how a request was answered whose decision was.
func (s *Server) answered(entry *logEntry, status int) {
	if entry.decided != nil {
		s.config.Audit.Answered(*entry.decided, status)
	}
}
