// Package auditevents declares the operations on the audit log of a tenant: reading it, and nothing else. Its lists are paged by
// cursor.
package auditevents

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/listing"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of an event.
type Attributes struct {
	Sequence       int64     `json:"sequence"`
	InsertedAt     time.Time `json:"inserted_at"`
	Kind           string    `json:"kind" enum:"decision,outcome"`
	Operation      string    `json:"operation"`
	Outcome        string    `json:"outcome" enum:"allowed,denied"`
	Write          bool      `json:"write"`
	Reason         string    `json:"reason"`
	Rule           string    `json:"rule"`
	PolicyRevision string    `json:"policy_revision"`
	Status         *int16    `json:"status" nullable:"true"`
	Credential     string    `json:"credential" enum:"token,api_key"`
	APIKeyPrefix   *string   `json:"api_key_prefix" nullable:"true"`
	RequestID      string    `json:"request_id"`
	ClientAddress  string    `json:"client_address"`
	TargetID       *string   `json:"target_id" nullable:"true"`
	PreviousHash   string    `json:"previous_hash"`
	Hash           string    `json:"hash"`
}

// The values of outcome.
const (
	allowed = "allowed"
	denied  = "denied"
)

const (
	pageSize    = 100
	maxPageSize = 1000
)

// Query is the allow-list of the list's parameters.
var Query = filter.MustTable(filter.Table{
	Fields: []filter.Field{
		{Name: "inserted_at", Kind: filter.DateTime, Column: "e.inserted_at",
			Lookups: filter.Exact | filter.OnDate | filter.GT | filter.GTE | filter.LT | filter.LTE},
		{Name: "sequence", Kind: filter.Integer, Column: "e.seq", Lookups: filter.Exact | filter.GT | filter.GTE | filter.LT | filter.LTE},
		{Name: "kind", Kind: filter.Choice, Choices: []string{"decision", "outcome"}, Column: "e.kind"},
		{Name: "operation", Column: "e.operation", Lookups: filter.Exact | filter.In | filter.IContains},
		{Name: "outcome", Kind: filter.Choice, Choices: []string{allowed, denied}, Cases: map[string]filter.Fragment{
			allowed: filter.MustCondition("e.allowed", filter.Exact, true), denied: filter.MustCondition("e.allowed", filter.Exact, false)}},
		{Name: "write", Kind: filter.Bool, Column: "e.write"},
		{Name: "reason", Column: "e.reason", Lookups: filter.Exact | filter.In},
		{Name: "rule", Column: "e.rule", Lookups: filter.Exact | filter.In},
		{Name: "policy_revision", Column: "e.policy_revision", Lookups: filter.Exact | filter.In},
		{Name: "status", Kind: filter.Integer, Column: "e.status", Lookups: filter.Exact | filter.GTE | filter.LTE},
		{Name: "user", Kind: filter.UUID, Relationship: true, Column: "e.user_id", Lookups: filter.Exact | filter.In},
		{Name: "credential", Kind: filter.Choice, Choices: []string{string(authz.Token), string(authz.APIKey)}, Column: "e.credential"},
		{Name: "api_key", Kind: filter.UUID, Relationship: true, Column: "e.api_key_id", Lookups: filter.Exact | filter.In},
		{Name: "api_key_prefix", Column: "e.api_key_prefix", Lookups: filter.Exact | filter.In},
		{Name: "request_id", Column: "e.request_id"},
		{Name: "client_address", Column: "e.client_address"},
		{Name: "decision", Kind: filter.UUID, Relationship: true, Column: "e.decision_id"},
	},
	Sorts:       []filter.Sort{{Name: "sequence", Column: "e.seq"}},
	DefaultSort: []string{"-sequence"}, Tiebreak: "e.seq",
	Cursor: &filter.Cursor{Kind: filter.Integer, Size: pageSize, MaxSize: maxPageSize},
})

var source = listing.Stream[tenantdb.ListAuditEventsRow]{Name: "AuditEvent", ID: "e.id",
	List: (*tenantdb.Queries).ListAuditEvents}

type handlers struct{ tenants *tenant.Executor }

// Operations declares the operations.
func Operations(executor *tenant.Executor) []rest.Operation {
	h := handlers{tenants: executor}
	one := rest.Schema{Type: "audit-events", Attributes: Attributes{}, Relationships: []string{"user", "api_key", "decision"}}
	many := one
	many.List = true
	return []rest.Operation{
		{ID: "audit_events.list", Method: http.MethodGet, Path: "/audit-events", Summary: "List the audit log", Tag: "Audit",
			Query: Query, Mode: rest.List, Response: many, Handle: h.list},
		{ID: "audit_events.retrieve", Method: http.MethodGet, Path: "/audit-events/{id}", Summary: "Get an event of the audit log", Tag: "Audit",
			Query: Query, Mode: rest.One, Response: one, Handle: h.retrieve},
	}
}

func (h handlers) list(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	rows, window, err := source.Page(ctx, db, r.Query)
	if err != nil {
		return nil, err
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = resource(r, row)
	}
	return r.List(many, nil, window), nil
}

func (h handlers) retrieve(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	db, err := r.DB(ctx, h.tenants)
	if err != nil {
		return nil, err
	}
	row, err := source.One(ctx, db, r.ID("id"), r.Query.Where)
	if err != nil {
		return nil, err
	}
	return r.One(resource(r, row)), nil
}

func resource(r *rest.Request, row tenantdb.ListAuditEventsRow) jsonapi.Resource {
	attributes := Attributes{Sequence: row.Seq, InsertedAt: row.InsertedAt, Kind: row.Kind, Operation: row.Operation, Outcome: denied,
		Write: row.Write, Reason: row.Reason, Rule: row.Rule, PolicyRevision: row.PolicyRevision, Status: row.Status,
		Credential: row.Credential, APIKeyPrefix: row.ApiKeyPrefix, RequestID: row.RequestID, ClientAddress: row.ClientAddress,
		PreviousHash: hex.EncodeToString(row.PreviousHash), Hash: hex.EncodeToString(row.Hash)}
	if row.Allowed {
		attributes.Outcome = allowed
	}
	if row.TargetID != "" {
		attributes.TargetID = &row.TargetID
	}
	return jsonapi.Resource{Type: "audit-events", ID: row.ID.String(), Self: r.URL("/audit-events/" + row.ID.String()),
		Attributes: jsonapi.Attributes(attributes), Relationships: []jsonapi.Relation{
			jsonapi.ToOne("user", "users", row.UserID.String()), jsonapi.ToOptional("api_key", "api-keys", row.ApiKeyID),
			jsonapi.ToOptional("decision", "audit-events", row.DecisionID)}}
}
