-- Purpose: bytes on disk, indexes and TOAST included: of findings, of resources, of everything else that
-- ingestion writes and keeps.
select
    (select coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) from pg_inherits i
        where i.inhparent = 'findings'::regclass)::bigint,
    pg_total_relation_size('resources') + pg_total_relation_size('resource_tags') + pg_total_relation_size('resource_groups'),
    pg_total_relation_size('check_metadata') + pg_total_relation_size('check_metadata_categories')
        + pg_total_relation_size('scan_summaries') + pg_total_relation_size('scan_resource_summaries')
        + pg_total_relation_size('scan_places') + pg_total_relation_size('scan_category_summaries')
        + pg_total_relation_size('scan_resource_group_summaries') + pg_total_relation_size('scan_words') + pg_total_relation_size('scan_check_summaries')
        + pg_total_relation_size('scan_check_places')
