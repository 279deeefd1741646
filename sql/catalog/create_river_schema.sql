-- Purpose: the schema of the job queue's own tables. Its owner is the migrations' role.
create schema if not exists river
