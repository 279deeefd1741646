// Package mutelist keeps a tenant's mute list, which tells scans what to mute: by account, check, region, resource and tag. It
// checks what people hand in, stores it as the tenant's processor of that type, and hands it to the engine, which alone
// applies it.
//
// What does not belong here: rules that mute single findings (internal/muterule), and how processors look on the wire
// (internal/api/processors).
package mutelist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Processor is the type of the processor that holds the mute list.
const Processor = "mutelist"

// Service changes mute lists.
type Service struct{ tenants *tenant.Executor }

// New returns a Service.
func New(tenants *tenant.Executor) *Service { return &Service{tenants: tenants} }

// Create gives the tenant a mute list and returns the id of its processor. A second one is a refusal, and so is what Check
// refuses, in this order.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, configuration any) (uuid.UUID, error) {
	id := uuid.New()
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := queries.ProcessorConfiguration(ctx, Processor); err == nil {
			return taken()
		} else if !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("look for a mute list: %w", err)
		}
		content, err := Check(configuration)
		if err != nil {
			return err
		}
		return queries.CreateProcessor(ctx, tenantdb.CreateProcessorParams{TenantID: scope.Tenant(), ID: id, ProcessorType: Processor, Configuration: content})
	})
	if tenant.Violates(err, "processors_tenant_id_processor_type_key") {
		return uuid.Nil, taken()
	}
	return id, err
}

// Configure replaces a mute list. What Check refuses is a refusal.
func (s *Service) Configure(ctx context.Context, scope tenant.Scope, id uuid.UUID, configuration any) error {
	content, err := Check(configuration)
	if err != nil {
		return err
	}
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tenantdb.New(tx).ConfigureProcessor(ctx, tenantdb.ConfigureProcessorParams{ID: id, Configuration: content})
	})
}

// Delete removes a mute list. What it muted stays muted.
func (s *Service) Delete(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error { return tenantdb.New(tx).DeleteProcessor(ctx, id) })
}

// ForEngine is the tenant's mute list as the engine takes it; nil when there is none.
func ForEngine(ctx context.Context, db tenant.DB) (json.RawMessage, error) {
	stored, err := tenantdb.New(db).ProcessorConfiguration(ctx, Processor)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read mute list: %w", err)
	}
	var document struct{ Mutelist json.RawMessage }
	if err := json.Unmarshal(stored, &document); err != nil {
		return nil, fmt.Errorf("decode mute list: %w", err)
	}
	return document.Mutelist, nil
}

func taken() jsonapi.Error {
	refusal := jsonapi.Invalid("A processor with the same type already exists.")
	refusal.Code = "unique"
	return refusal
}
