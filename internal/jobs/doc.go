// Package jobs runs work in the background, over River: kinds with typed arguments, queues by name, a task row for every job
// of a tenant, flows, periodic work, and what happens when a job fails, takes too long, panics, or dies with its process.
//
// A job is enqueued in the transaction that makes it true, and only there. Its arguments hold ids only. A worker sees no
// pool: it gets a Run, which is bound to the tenant of the job.
//
// Every job must be idempotent: a process may die at any moment, and the job then starts again.
//
// What does not belong here: what the jobs do. Each domain registers its own kinds.
package jobs
