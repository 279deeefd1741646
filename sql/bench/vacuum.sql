-- Purpose: what autovacuum does within minutes of a scan, so that no figure depends on whether it has.
vacuum (analyze)
