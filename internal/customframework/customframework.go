// Package customframework keeps the compliance frameworks that tenants write themselves, and the list of those that a tenant
// watches. Scans are held against them like against those of the catalogue (internal/compliance): new scans when they complete,
// the newest one of each provider by a job when a framework is made or changed.
//
// What does not belong here: the frameworks of the catalogue (internal/catalogue) and how frameworks look on the wire
// (internal/api/complianceframeworks).
package customframework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Bounds of what a tenant may write.
const (
	MostFrameworks   = 50
	MostRequirements = 500
	MostChecks       = 200 // of a requirement
	MostWatched      = 200
)

// Prefix begins the ids of custom frameworks, so that no import of a catalogue ever brings one of that id.
const Prefix = compliance.OwnPrefix

// Requirement is one demand of a framework and the checks that serve it; without checks it is met by hand.
type Requirement struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Checks      []string `json:"checks"`
}

// Content is what a framework says.
type Content struct {
	Framework, Name, Version, Description string
	Requirements                          []Requirement
}

// Service changes frameworks.
type Service struct {
	tenants *tenant.Executor
	jobs    *jobs.Client
}

// New returns a Service. Register must have been called with the client's registry before jobs are worked.
func New(tenants *tenant.Executor, client *jobs.Client) *Service {
	return &Service{tenants: tenants, jobs: client}
}

// Taken is the refusal of an id that another framework of the tenant has.
func Taken() jsonapi.Error {
	return jsonapi.Field("compliance_id", "unique", "A framework with this id already exists.")
}

// UnknownChecks returns those of the checks that the catalogue does not have for a provider type, sorted.
func UnknownChecks(ctx context.Context, db tenant.DB, provider string, checks []string) ([]string, error) {
	known, err := tenantdb.New(db).KnownChecks(ctx, tenantdb.KnownChecksParams{Provider: provider, CheckIds: checks})
	if err != nil {
		return nil, fmt.Errorf("look checks up: %w", err)
	}
	unknown := slices.DeleteFunc(slices.Clone(checks), func(check string) bool { return slices.Contains(known, check) })
	slices.Sort(unknown)
	return slices.Compact(unknown), nil
}

// Create makes a framework and has the newest scans held against it.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, complianceID, provider string, content Content) (uuid.UUID, error) {
	id := uuid.New()
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := queries.LockComplianceFrameworks(ctx, scope.Tenant()); err != nil {
			return fmt.Errorf("wait for other changes: %w", err)
		}
		count, err := tenantdb.New(tx.Shaped(map[string]filter.Fragment{"where": {}})).CountComplianceFrameworks(ctx)
		if err != nil {
			return fmt.Errorf("count frameworks: %w", err)
		}
		if count >= MostFrameworks {
			return jsonapi.Conflict("/data", fmt.Sprintf("There are %d frameworks already, which is the most.", MostFrameworks))
		}
		taken, err := queries.ComplianceIDTaken(ctx, complianceID)
		if err != nil || taken {
			return errors.Join(err, takenIf(taken))
		}
		revision := uuid.New()
		err = queries.CreateComplianceFramework(ctx, tenantdb.CreateComplianceFrameworkParams{TenantID: scope.Tenant(), ID: id,
			ComplianceID: complianceID, Provider: provider, Description: content.Description, RevisionID: revision})
		if err != nil {
			return fmt.Errorf("create framework: %w", err)
		}
		if err := addRevision(ctx, tx, id, revision, content); err != nil {
			return err
		}
		_, err = s.jobs.Enqueue(ctx, tx, Hold{FrameworkID: id, ComplianceID: complianceID})
		return err
	})
	return id, err
}

func takenIf(taken bool) error {
	if taken {
		return Taken()
	}
	return nil
}

// Get returns a framework as it is now. The error is a 404 when there is none.
func Get(ctx context.Context, db tenant.DB, id uuid.UUID) (tenantdb.GetComplianceFrameworkRow, error) {
	row, err := tenantdb.New(db).GetComplianceFramework(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, jsonapi.NotFound("ComplianceFramework")
	}
	if err != nil {
		return row, fmt.Errorf("get framework: %w", err)
	}
	return row, nil
}

// Update gives a framework another content. Scans keep what they said of the earlier one, but for the newest ones.
func (s *Service) Update(ctx context.Context, scope tenant.Scope, id uuid.UUID, change func(*Content)) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if err := tenantdb.New(tx).LockComplianceFrameworks(ctx, scope.Tenant()); err != nil {
			return fmt.Errorf("wait for other changes: %w", err)
		}
		row, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		content := Content{Framework: row.Framework, Name: row.Name, Version: row.Version, Description: row.Description}
		if err := json.Unmarshal(row.Requirements, &content.Requirements); err != nil {
			return fmt.Errorf("read framework: %w", err)
		}
		change(&content)
		revision := uuid.New()
		if err := addRevision(ctx, tx, id, revision, content); err != nil {
			return err
		}
		if _, err := tenantdb.New(tx).UpdateComplianceFramework(ctx, tenantdb.UpdateComplianceFrameworkParams{ID: id, Description: content.Description, RevisionID: revision}); err != nil {
			return fmt.Errorf("update framework: %w", err)
		}
		_, err = s.jobs.Enqueue(ctx, tx, Hold{FrameworkID: id, ComplianceID: row.ComplianceID})
		return err
	})
}

func addRevision(ctx context.Context, tx *tenant.Tx, id, revision uuid.UUID, content Content) error {
	requirements, err := json.Marshal(content.Requirements)
	if err != nil {
		return fmt.Errorf("encode framework: %w", err)
	}
	err = tenantdb.New(tx).AddComplianceRevision(ctx, tenantdb.AddComplianceRevisionParams{TenantID: tx.Scope().Tenant(), ID: revision,
		FrameworkID: id, Framework: content.Framework, Name: content.Name, Version: content.Version, Requirements: requirements})
	if err != nil {
		return fmt.Errorf("store framework: %w", err)
	}
	return nil
}

// Delete removes a framework. What scans say about it is in no answer from then on, and removed by a job.
func (s *Service) Delete(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if err := tenantdb.New(tx).LockComplianceFrameworks(ctx, scope.Tenant()); err != nil {
			return fmt.Errorf("wait for other changes: %w", err)
		}
		complianceID, err := tenantdb.New(tx).DeleteComplianceFramework(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return jsonapi.NotFound("ComplianceFramework")
		}
		if err != nil {
			return fmt.Errorf("delete framework: %w", err)
		}
		_, err = s.jobs.Enqueue(ctx, tx, Hold{FrameworkID: id, ComplianceID: complianceID})
		return err
	})
}

// Watched are the ids of the frameworks that the tenant watches; none: all.
func Watched(ctx context.Context, db tenant.DB) ([]string, error) {
	ids, err := tenantdb.New(db).ListWatchedFrameworks(ctx)
	if err != nil {
		return nil, fmt.Errorf("list watched frameworks: %w", err)
	}
	return ids, nil
}

// Unknown returns those of some ids that no framework has.
func Unknown(ctx context.Context, db tenant.DB, ids []string) ([]string, error) {
	unknown, err := tenantdb.New(db).ListUnknownFrameworks(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look frameworks up: %w", err)
	}
	return unknown, nil
}

// Watch replaces the frameworks that the tenant watches.
func (s *Service) Watch(ctx context.Context, scope tenant.Scope, ids []string) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := queries.LockComplianceFrameworks(ctx, scope.Tenant()); err != nil {
			return fmt.Errorf("wait for other changes: %w", err)
		}
		if err := queries.ClearWatchlist(ctx); err != nil {
			return fmt.Errorf("clear watchlist: %w", err)
		}
		if err := queries.FillWatchlist(ctx, tenantdb.FillWatchlistParams{TenantID: scope.Tenant(), ComplianceIds: ids}); err != nil {
			return fmt.Errorf("fill watchlist: %w", err)
		}
		return nil
	})
}
