-- name: ListSAMLConfigurations :many
-- Purpose: a page of the tenant's SAML configurations, of which there is one at most.
-- Index: saml_configurations_pkey.
select s.id, s.email_domain, s.metadata_xml, s.created_at, s.updated_at,
    /* TEMPLATE_BEGIN: position */ ''::text /* TEMPLATE_END */ as position
from saml_configurations s
where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */
order by /* TEMPLATE_BEGIN: order */ s.id /* TEMPLATE_END */
limit @page_size offset @page_offset;

-- name: CountSAMLConfigurations :one
-- Purpose: how many configurations ListSAMLConfigurations pages over.
-- Index: saml_configurations_pkey.
select count(*) from saml_configurations s where /* TEMPLATE_BEGIN: where */ true /* TEMPLATE_END */;

-- name: CreateSAMLConfiguration :exec
-- Purpose: a new configuration. A second one, a domain or an entity that is taken violate the key of that column.
-- Index: saml_configurations_tenant_id_key, saml_configurations_email_domain_key, saml_configurations_entity_id_key.
insert into saml_configurations (tenant_id, id, email_domain, entity_id, metadata_xml)
values (@tenant_id, @id, @email_domain, @entity_id, @metadata_xml);

-- name: LockSAMLConfiguration :one
-- Purpose: one configuration for a change.
-- Index: saml_configurations_pkey.
select email_domain, entity_id, metadata_xml from saml_configurations where id = @id for no key update;

-- name: UpdateSAMLConfiguration :exec
-- Purpose: change a configuration; the violations are those of CreateSAMLConfiguration.
-- Index: saml_configurations_pkey.
update saml_configurations set email_domain = @email_domain, entity_id = @entity_id, metadata_xml = @metadata_xml, updated_at = now()
where id = @id;

-- name: DeleteSAMLConfiguration :execrows
-- Purpose: remove a configuration; what was begun with it goes too.
-- Index: saml_configurations_pkey.
delete from saml_configurations where id = @id;

-- name: DropSignOnRequests :exec
-- Purpose: end the sign-ons that were begun with a configuration.
-- Index: saml_requests_config.
delete from saml_requests where config_id = @config_id;

-- name: DropSignOnTokens :exec
-- Purpose: end the one-time tokens that came of a configuration.
-- Index: saml_tokens_config.
delete from saml_tokens where config_id = @config_id;
