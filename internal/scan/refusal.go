package scan

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// listedRefusals bounds how many findings that cannot be stored are told one by one; all of them are counted.
const listedRefusals = 100

// refusals are the findings of one attempt at a scan that cannot be stored. They become the member "refused" of the metadata
// of the scan's task, which stands behind the same walls as the scan.
type refusals struct {
	Count  int64            `json:"count"`
	ByCode map[string]int64 `json:"by_code"`
	First  []refusal        `json:"first"`
}

// refusal says what is wrong with one finding, in the words of an ingestion's errors.
type refusal struct {
	Code   string  `json:"code"`
	Detail string  `json:"detail"`
	Index  int64   `json:"finding_index"` // position among what the engine gave, from 0
	UID    *string `json:"finding_uid"`
}

func (r *refusals) add(refused *ocsf.ItemError) {
	r.Count++
	if r.ByCode == nil {
		r.ByCode = make(map[string]int64)
	}
	r.ByCode[refused.Code]++
	if len(r.First) == listedRefusals {
		return
	}
	one := refusal{Code: refused.Code, Detail: refused.Detail, Index: refused.Index}
	if refused.UID != "" {
		one.UID = &refused.UID
	}
	r.First = append(r.First, one)
}

// note writes them down, if there are any. It belongs into the transaction in which the scan completes: what an earlier attempt
// counted is counted again by the one that completes.
func (r *refusals) note(ctx context.Context, tx *tenant.Tx, taskID uuid.UUID) error {
	if r.Count == 0 {
		return nil
	}
	encoded, err := json.Marshal(map[string]*refusals{"refused": r})
	if err != nil {
		return fmt.Errorf("encode refused findings: %w", err)
	}
	if err := tenantdb.New(tx).NoteTask(ctx, tenantdb.NoteTaskParams{ID: taskID, Metadata: encoded}); err != nil {
		return fmt.Errorf("note refused findings: %w", err)
	}
	return nil
}
