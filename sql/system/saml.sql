-- Scope saml. Reason: a sign-on begins with a domain and ends with a one-time token; which tenant they belong to is what is
-- being looked up, and nobody is signed in meanwhile.

-- name: FindSignOnProvider :one
-- Purpose: whom to trust for the addresses of a domain, and the tenant that does.
-- Index: saml_configurations_email_domain_key, tenants_pkey.
select c.tenant_id, c.id, c.metadata_xml from saml_configurations c
where c.email_domain = @email_domain and exists (select from tenants t where t.id = c.tenant_id and t.deleted_at is null);

-- name: BeginSignOn :exec
-- Purpose: remember that a browser was sent to the identity provider.
-- Index: saml_requests_pkey.
insert into saml_requests (tenant_id, id, config_id, browser, callback, expires_at)
values (@tenant_id, @id, @config_id, @browser, @callback, @expires_at);

-- name: AwaitsAnswer :one
-- Purpose: whether a sign-on was begun with a configuration and has no good answer yet.
-- Index: saml_requests_pkey.
select exists (select from saml_requests
    where tenant_id = @tenant_id and id = @id and config_id = @config_id and answer is null and expires_at > now());

-- name: SpendAssertion :execrows
-- Purpose: use up an assertion; no row is affected when it was used before.
-- Index: saml_assertions_pkey.
insert into saml_assertions (tenant_id, id, expires_at) values (@tenant_id, @id, @expires_at) on conflict (tenant_id, id) do nothing;

-- name: AnswerSignOn :execrows
-- Purpose: note the good answer to a sign-on; no row is affected when there is one already, or when it is too late.
-- Index: saml_requests_pkey.
update saml_requests set answer = @answer, email = @email, name = @name, company_name = @company_name, user_type = @user_type
where tenant_id = @tenant_id and id = @id and config_id = @config_id and answer is null and expires_at > now();

-- name: FindSignOnToken :one
-- Purpose: until when a one-time token holds.
-- Index: saml_tokens_digest_key.
select expires_at from saml_tokens where digest = @digest;

-- name: SpendSignOnToken :one
-- Purpose: use up a one-time token; no row when it was used before or has expired.
-- Index: saml_tokens_digest_key.
delete from saml_tokens where digest = @digest and expires_at > now() returning tenant_id, user_id;

-- name: PurgeSignOns :exec
-- Purpose: forget a tenant's sign-ons that nobody finished in time.
-- Index: saml_requests_expiry.
delete from saml_requests where tenant_id = @tenant_id and expires_at < now();

-- name: PurgeAssertions :exec
-- Purpose: forget a tenant's assertions that have expired anyway.
-- Index: saml_assertions_expiry.
delete from saml_assertions where tenant_id = @tenant_id and expires_at < now();

-- name: PurgeSignOnTokens :exec
-- Purpose: forget a tenant's one-time tokens a day after they expired: until then the answer says that they did.
-- Index: saml_tokens_expiry.
delete from saml_tokens where tenant_id = @tenant_id and expires_at < now() - interval '1 day';
