package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// The members of every job's arguments in the queue, beside the job's own.
const (
	tenantMember = "tenant_id" // the wall around the queue's table compares it
	taskMember   = "task_id"
)

// envelope is a job in the queue: its own arguments with the tenant and the task. Periodic work and jobs of no tenant have neither.
type envelope struct {
	kind   string
	tenant uuid.UUID
	task   uuid.UUID
	args   json.RawMessage // JSON object; may be empty
}

// Kind names the kind of job.
func (e envelope) Kind() string { return e.kind }

// MarshalJSON puts all members into one object.
func (e envelope) MarshalJSON() ([]byte, error) {
	members := make(map[string]json.RawMessage)
	if len(e.args) > 0 {
		if err := json.Unmarshal(e.args, &members); err != nil {
			return nil, fmt.Errorf("arguments of %s are no object: %w", e.kind, err)
		}
	}
	if e.tenant != uuid.Nil {
		for name, id := range map[string]uuid.UUID{tenantMember: e.tenant, taskMember: e.task} {
			if _, taken := members[name]; taken {
				return nil, fmt.Errorf("arguments of %s have a member %s of their own", e.kind, name)
			}
			members[name] = json.RawMessage(`"` + id.String() + `"`)
		}
	}
	return json.Marshal(members)
}

// UnmarshalJSON reads what MarshalJSON wrote; the kind is not part of it.
func (e *envelope) UnmarshalJSON(raw []byte) error {
	var own struct {
		Tenant uuid.UUID `json:"tenant_id"`
		Task   uuid.UUID `json:"task_id"`
	}
	if err := json.Unmarshal(raw, &own); err != nil {
		return err
	}
	e.tenant, e.task, e.args = own.Tenant, own.Task, bytes.Clone(raw)
	return nil
}
