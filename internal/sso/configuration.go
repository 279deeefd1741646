package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/saml"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Change is what a request says about a configuration; nil leaves a member as it is.
type Change struct {
	EmailDomain *string
	Metadata    *string // of the identity provider, XML
}

// The refusals of what is somebody's already. They do not say whose.
var (
	errSecond      = jsonapi.Field("tenant", "invalid", "A SAML configuration already exists for this tenant.")
	errDomainTaken = jsonapi.Field("tenant", "invalid", "There is a problem with your email domain.")
	errEntityTaken = jsonapi.Field("metadata_xml", "invalid", "There is a problem with your metadata.")
)

// Create makes the tenant's configuration. Refusals: a second one, a domain or an identity provider of another tenant, texts
// that are neither.
func (s *Service) Create(ctx context.Context, scope tenant.Scope, change Change) (uuid.UUID, error) {
	id := uuid.New()
	err := s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		row, err := change.apply(tenantdb.LockSAMLConfigurationRow{})
		if err != nil {
			return err
		}
		return explain(queries.CreateSAMLConfiguration(ctx, tenantdb.CreateSAMLConfigurationParams{TenantID: scope.Tenant(), ID: id,
			EmailDomain: row.EmailDomain, EntityID: row.EntityID, MetadataXml: row.MetadataXml}), "create SAML configuration")
	})
	return id, err
}

// Update changes a configuration. Sign-ons that were begun with the old one, and one-time tokens that came of it, end.
func (s *Service) Update(ctx context.Context, scope tenant.Scope, id uuid.UUID, change Change) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		row, err := queries.LockSAMLConfiguration(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return jsonapi.NotFound("SAMLConfiguration")
		}
		if err != nil {
			return fmt.Errorf("lock SAML configuration: %w", err)
		}
		if row, err = change.apply(row); err != nil {
			return err
		}
		if err := drop(ctx, queries, id); err != nil {
			return err
		}
		return explain(queries.UpdateSAMLConfiguration(ctx, tenantdb.UpdateSAMLConfigurationParams{ID: id, EmailDomain: row.EmailDomain,
			EntityID: row.EntityID, MetadataXml: row.MetadataXml}), "update SAML configuration")
	})
}

// drop ends what was begun with a configuration. It comes before the change of the configuration itself: a sign-on that is
// just ending has its own row and needs the configuration's, so that the other order could make the two wait for each other.
func drop(ctx context.Context, queries *tenantdb.Queries, id uuid.UUID) error {
	if err := queries.DropSignOnRequests(ctx, id); err != nil {
		return fmt.Errorf("drop sign-ons: %w", err)
	}
	if err := queries.DropSignOnTokens(ctx, id); err != nil {
		return fmt.Errorf("drop one-time tokens: %w", err)
	}
	return nil
}

// Delete removes a configuration and everything that was begun with it. People who came through it stay members.
func (s *Service) Delete(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	return s.tenants.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if err := drop(ctx, queries, id); err != nil {
			return err
		}
		deleted, err := queries.DeleteSAMLConfiguration(ctx, id)
		if err != nil {
			return fmt.Errorf("delete SAML configuration: %w", err)
		}
		if deleted == 0 {
			return jsonapi.NotFound("SAMLConfiguration")
		}
		return nil
	})
}

// apply checks a change and returns the row as it will be.
func (c Change) apply(row tenantdb.LockSAMLConfigurationRow) (tenantdb.LockSAMLConfigurationRow, error) {
	if c.EmailDomain != nil {
		domain := strings.ToLower(*c.EmailDomain)
		if strings.Contains(domain, "@") {
			return row, jsonapi.Field("email_domain", "invalid", "Domain must not contain @")
		}
		if !saml.IsDomain(domain) {
			return row, jsonapi.Field("email_domain", "invalid", "Enter a domain name. Letters outside of ASCII are written as punycode (xn--).")
		}
		row.EmailDomain = domain
	}
	if c.Metadata != nil {
		metadata, err := saml.ParseMetadata(*c.Metadata)
		if err != nil {
			return row, jsonapi.Field("metadata_xml", "invalid", err.Error())
		}
		row.EntityID, row.MetadataXml = metadata.EntityID, *c.Metadata
	}
	return row, nil
}

// explain turns a row that the database refuses into the refusal of the wire.
func explain(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case tenant.Violates(err, "saml_configurations_tenant_id_key"):
		return errSecond
	case tenant.Violates(err, "saml_configurations_email_domain_key"):
		return errDomainTaken
	case tenant.Violates(err, "saml_configurations_entity_id_key"):
		return errEntityTaken
	}
	return fmt.Errorf("%s: %w", what, err)
}
