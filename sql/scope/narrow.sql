-- Purpose: replace the visible set by the providers that the policy's condition selects, before any other statement of the
-- transaction runs. Runs with the tenant set and all providers visible.
-- Index: providers_pkey.
select set_config('app.visible_providers', coalesce((
    select array_agg(p.id)::text from providers p where /* TEMPLATE_BEGIN: visible */ false /* TEMPLATE_END */
), '{}'), true)
