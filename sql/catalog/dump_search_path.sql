-- Purpose: make the catalogue's own functions print names of schema public without the schema, whatever the session's
-- path was.
select set_config('search_path', 'public', true)
