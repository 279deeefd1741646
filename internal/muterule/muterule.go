// Package muterule keeps the rules that mute findings by their uids: what is muted at once when a rule is made, what the job
// mutes that follows, and that every count which this makes stale is made again. Scans apply the rules that are enabled when
// they complete (internal/ingest); what is muted stays muted, whatever becomes of the rule.
//
// What does not belong here: the mute list that engines apply (internal/mutelist), how a scan is counted (internal/ingest), and
// how rules look on the wire (internal/api/muterules).
package muterule

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Most is how many findings a rule may name: they are muted in one transaction.
const Most = 10_000

// listed bounds how many ids or uids a refusal repeats.
const listed = 100

// Service changes rules.
type Service struct {
	tenants *tenant.Executor
	jobs    *jobs.Client
}

// New returns a Service.
func New(tenants *tenant.Executor, client *jobs.Client) *Service {
	return &Service{tenants: tenants, jobs: client}
}

// Selection are findings that a rule is to name, as they were found.
type Selection struct {
	ids  []uuid.UUID
	uids []target
}

// target is what a rule mutes: findings of a provider with a uid.
type target struct {
	provider uuid.UUID
	hash     int64
	uid      string
}

// Select looks findings up by their ids. unknown are those that are not there for the caller.
func Select(ctx context.Context, db tenant.DB, ids []uuid.UUID) (selected Selection, unknown []uuid.UUID, err error) {
	rows, err := tenantdb.New(db).ListFindingsToMute(ctx, ids)
	if err != nil {
		return Selection{}, nil, fmt.Errorf("look findings up: %w", err)
	}
	found, known := make(map[uuid.UUID]bool, len(rows)), make(map[target]bool, len(rows))
	for _, row := range rows {
		found[row.ID] = true
		selected.ids = append(selected.ids, row.ID)
		one := target{provider: row.ProviderID, hash: row.UidHash, uid: row.Uid}
		if !known[one] {
			known[one] = true
			selected.uids = append(selected.uids, one)
		}
	}
	for _, id := range ids {
		if !found[id] {
			found[id] = true
			unknown = append(unknown, id)
		}
	}
	return selected, unknown, nil
}

// Unknown is the refusal of findings that are not there for the caller.
func Unknown(ids []uuid.UUID) jsonapi.Error {
	texts := make([]string, 0, min(len(ids), listed))
	for _, id := range ids[:min(len(ids), listed)] {
		texts = append(texts, "UUID('"+id.String()+"')")
	}
	return jsonapi.Field("finding_ids", "invalid",
		"The following finding IDs do not exist or do not belong to your tenant: "+set(texts, len(ids) > listed))
}

// set prints a set as the wire does.
func set(texts []string, more bool) string {
	if more {
		texts = append(texts, "...")
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

// NameTaken reports whether another rule than itself, which may be uuid.Nil, has a name.
func NameTaken(ctx context.Context, db tenant.DB, name string, itself uuid.UUID) (bool, error) {
	taken, err := tenantdb.New(db).MuteRuleNameTaken(ctx, tenantdb.MuteRuleNameTakenParams{Name: name, Itself: itself})
	if err != nil {
		return false, fmt.Errorf("look for the name: %w", err)
	}
	return taken, nil
}

// SameName is the refusal of a name that another rule has.
func SameName() jsonapi.Error {
	return jsonapi.Field("name", "invalid", "A mute rule with this name already exists.")
}

// Create makes a rule, mutes the findings that were selected, and starts the work on the others with their uids. A finding
// that an enabled rule mutes already is a refusal.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, name, reason string, selected Selection) (uuid.UUID, error) {
	id, creator := uuid.New(), scope.User()
	err := s.tenants.WriteAgain(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := queries.LockMuteRules(ctx, scope.Tenant()); err != nil {
			return fmt.Errorf("wait for other rules: %w", err)
		}
		if err := refuseOverlap(ctx, queries, selected); err != nil {
			return err
		}
		made, err := queries.CreateMuteRule(ctx, tenantdb.CreateMuteRuleParams{TenantID: scope.Tenant(), ID: id, Name: name, Reason: reason, CreatedBy: &creator})
		if err != nil {
			return fmt.Errorf("create mute rule: %w", err)
		}
		// Before what it names: a scan that completes holds its findings first and its provider after that.
		if err := queries.MuteFindings(ctx, tenantdb.MuteFindingsParams{Ids: selected.ids, MutedAt: made, Reason: reason}); err != nil {
			return fmt.Errorf("mute findings: %w", err)
		}
		if err := queries.AddMuteRuleFindings(ctx, named(scope.Tenant(), id, selected)); err != nil {
			return fmt.Errorf("store what the rule mutes: %w", err)
		}
		_, err = s.jobs.StartFlow(ctx, tx, flow.Chain(jobs.Step(MuteHistorical{MuteRuleID: id}), jobs.Step(Reaggregate{})))
		return err
	})
	switch {
	case tenant.Violates(err, "mute_rules_tenant_id_name_key"):
		return uuid.Nil, SameName()
	case tenant.Violates(err, "mute_rules_tenant_id_created_by_fkey"):
		return uuid.Nil, jsonapi.Forbidden() // the membership ended a moment ago
	case tenant.Violates(err, "mute_rule_findings_tenant_id_provider_id_fkey"):
		return uuid.Nil, Unknown(selected.ids) // the provider was deleted a moment ago
	}
	return id, err
}

func refuseOverlap(ctx context.Context, queries *tenantdb.Queries, selected Selection) error {
	wanted := tenantdb.FindMuteOverlapParams{Most: listed + 1}
	for _, one := range selected.uids {
		wanted.ProviderIds = append(wanted.ProviderIds, one.provider)
		wanted.UidHashes = append(wanted.UidHashes, one.hash)
		wanted.Uids = append(wanted.Uids, one.uid)
	}
	rows, err := queries.FindMuteOverlap(ctx, wanted)
	if err != nil {
		return fmt.Errorf("look for rules with the same findings: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	var texts []string
	for _, row := range rows {
		if row.ID == rows[0].ID && len(texts) < listed {
			texts = append(texts, "'"+row.Uid+"'")
		}
	}
	return jsonapi.Error{Status: http.StatusConflict, Code: "conflict", Pointer: "/data", Detail: fmt.Sprintf(
		"The following finding UIDs are already muted by rule '%s': %s", rows[0].Name, set(texts, len(texts) < len(rows) && len(texts) == listed))}
}

func named(tenantID, rule uuid.UUID, selected Selection) tenantdb.AddMuteRuleFindingsParams {
	params := tenantdb.AddMuteRuleFindingsParams{TenantID: tenantID, MuteRuleID: rule}
	for i, one := range selected.uids {
		params.Numbers = append(params.Numbers, int32(i+1))
		params.ProviderIds = append(params.ProviderIds, one.provider)
		params.UidHashes = append(params.UidHashes, one.hash)
		params.Uids = append(params.Uids, one.uid)
	}
	return params
}

// Change is what a request changes of a rule; nil leaves it.
type Change struct {
	Name    *string
	Reason  *string
	Enabled *bool
}

// Update changes a rule for the scans to come. What was muted stays as it is.
func (s *Service) Update(ctx context.Context, scope tenant.Scope, id uuid.UUID, change Change) error {
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).UpdateMuteRule(ctx, tenantdb.UpdateMuteRuleParams{ID: id, Name: change.Name, Reason: change.Reason, Enabled: change.Enabled})
	})
	if tenant.Violates(err, "mute_rules_tenant_id_name_key") {
		return SameName()
	}
	return err
}

// Delete removes a rule. What it muted stays muted.
func (s *Service) Delete(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error { return tenantdb.New(tx).DeleteMuteRule(ctx, id) })
}
