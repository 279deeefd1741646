// Package scan runs scans of connected accounts: who may start when, the states of a scan, the engine that looks, what happens
// when it fails, schedules and their runs, and the check whether an account can be reached.
//
// At most one scan of a provider has its turn; the others wait in the order in which they were asked for. Who starts or ends a
// scan holds the provider's row, and the end of one scan starts the next in the same transaction.
//
// What does not belong here: how findings are stored (internal/ingest), engines (internal/engine), the wire (internal/api/scans).
package scan
