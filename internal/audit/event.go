// Package audit keeps the log of what policy decided: it writes the events durably and together, proves that the stored chain
// was not tampered with, and reads it for lists. docs/audit.md describes the log for those who read it with other tools.
//
// What does not belong here: deciding (internal/authz), the wire (internal/rest, internal/api/auditevents), and numbering,
// linking and hashing new events, which the database does itself (migrations/0018_audit.sql).
package audit

import (
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
)

// Event is one entry of the log before the database numbers and seals it. It holds identifiers alone: no names, no addresses
// of people, nothing of a body or a credential.
type Event struct {
	ID         uuid.UUID // made by the caller
	TenantID   uuid.UUID // whose roles decided, and whose log this is
	Operation  string
	Allowed    bool
	Write      bool // the operation can change something
	Reason     string
	Rule       string
	Revision   string // of the policy
	UserID     uuid.UUID
	Credential string    // kind of credential
	KeyID      uuid.UUID // of an API key; uuid.Nil for any other credential
	KeyPrefix  string    // the public part of an API key
	Request    string    // correlation id
	Client     string    // network address
	Target     string    // what the path names; empty for none
	Status     int       // HTTP status of the answer; 0: not known yet

	decision uuid.UUID // of an outcome: the event that it belongs to
}

// The kinds of events.
const (
	kindDecision = "decision"
	kindOutcome  = "outcome"
)

// outcome is the event of how the request of a decision was answered.
func (e Event) outcome(status int) Event {
	e.decision, e.ID, e.Status = e.ID, uuid.New(), status
	return e
}

func (e Event) kind() string {
	if e.decision != uuid.Nil {
		return kindOutcome
	}
	return kindDecision
}

const (
	longestTarget = 255 // characters, as the table checks
	longestName   = 128
)

// storable is the text without what the database would refuse: a client's path must not keep its own denial out of the log.
func storable(text string, longest int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	for n := range text {
		if longest == 0 {
			return text[:n]
		}
		longest--
	}
	return text
}

// parameters are the arguments that append the events, which are all of one tenant.
func parameters(tenantID uuid.UUID, events []Event) tenantdb.AppendAuditEventsParams {
	p := tenantdb.AppendAuditEventsParams{TenantID: tenantID}
	for _, e := range events {
		p.Ids, p.Kinds, p.DecisionIds = append(p.Ids, e.ID), append(p.Kinds, e.kind()), append(p.DecisionIds, e.decision)
		p.Operations, p.Allowed, p.Writes = append(p.Operations, e.Operation), append(p.Allowed, e.Allowed), append(p.Writes, e.Write)
		p.Reasons, p.Rules = append(p.Reasons, e.Reason), append(p.Rules, e.Rule)
		p.PolicyRevisions, p.UserIds = append(p.PolicyRevisions, e.Revision), append(p.UserIds, e.UserID)
		p.Credentials, p.ApiKeyIds = append(p.Credentials, e.Credential), append(p.ApiKeyIds, e.KeyID)
		p.ApiKeyPrefixes = append(p.ApiKeyPrefixes, e.KeyPrefix)
		p.RequestIds = append(p.RequestIds, storable(e.Request, longestName))
		p.ClientAddresses = append(p.ClientAddresses, storable(e.Client, longestName))
		p.TargetIds, p.Statuses = append(p.TargetIds, storable(e.Target, longestTarget)), append(p.Statuses, int16(e.Status))
	}
	return p
}
