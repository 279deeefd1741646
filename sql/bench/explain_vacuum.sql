-- Purpose: what autovacuum does within minutes. Run by a superuser.
vacuum (analyze)
