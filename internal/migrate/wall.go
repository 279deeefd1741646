package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// exceptions are the faults that are meant, with their reasons. Whoever adds one explains it here.
var exceptions = map[string]string{
	"users: has no tenant_id":                           "a person may belong to several tenants; the app role sees the members of its own",
	"tenants: has no tenant_id":                         "it is the tenant; the app role sees its own row",
	"spent_refresh_tokens: has no tenant_id":            "a log-in comes before the tenant; no grant to the app role",
	"social_accounts: has no tenant_id":                 "a person's accounts at Google and GitHub, looked up before the tenant is known; no grant to the app role",
	"catalogue_checks: has no tenant_id":                "reference data of all tenants, written in one system scope",
	"catalogue_frameworks: has no tenant_id":            "reference data of all tenants, written in one system scope",
	"catalogue_framework_revisions: has no tenant_id":   "reference data of all tenants, written in one system scope",
	"threatscore_frameworks: has no tenant_id":          "reference data of all tenants, written in one system scope",
	"worker_leases: has no tenant_id":                   "processes, not tenants' data; no grant to the app role",
	bookkeeping + ": has no tenant_id":                  "the migrations' own notes; no grant to any runtime role",
	bookkeeping + ": row level security is not enabled": "the migrations' own notes; no grant to any runtime role",
	bookkeeping + ": row level security is not forced":  "the migrations' own notes; no grant to any runtime role",

	"ensure_partitions(date,integer): runs as its owner and may be called by palisade_system":  "makes empty monthly partitions, of two tables, within bounds",
	"drop_finding_month(date,integer): runs as its owner and may be called by palisade_system": "drops months of which it finds itself that no scan that stays needs them",

	"memberships: index memberships_user does not begin with tenant_id":                     "log-in looks for a person's tenants, as palisade_system",
	"schedules: index schedules_due does not begin with tenant_id":                          "the sweep looks for what is due in all tenants, as palisade_system",
	"invitations: index invitations_inviter does not begin with tenant_id":                  "deleting a person looks for what they sent in all tenants, as palisade_system",
	"invitations: key invitations_token_key does not begin with tenant_id":                  "an invitation is found by its token before the tenant is known, and tokens are unique everywhere",
	"api_keys: key api_keys_prefix_key does not begin with tenant_id":                       "a key is found by its prefix before the tenant is known, and prefixes are unique everywhere",
	"memberships: foreign key memberships_user_id_fkey does not lead to the same tenant":    "users have no tenant",
	"invitations: foreign key invitations_inviter_id_fkey does not lead to the same tenant": "users have no tenant",

	"saml_configurations: key saml_configurations_email_domain_key does not begin with tenant_id": "a sign-on is found by its domain before the tenant is known, and a domain is one tenant's",
	"saml_configurations: key saml_configurations_entity_id_key does not begin with tenant_id":    "an identity provider speaks for one tenant",
	"saml_tokens: key saml_tokens_digest_key does not begin with tenant_id":                       "a one-time token is found by itself before the tenant is known",
}

// WallFaults returns in what the database differs from what the wall promises, as "object: fault" lines; none when all is
// well. It looks at the catalogue of the database as it is, whoever changed it: row level security on every table with its
// policies, keys that begin with the tenant, and roles, grants, views and functions that could go round it. url may be any
// role's.
func WallFaults(ctx context.Context, url string) ([]string, error) {
	lines, err := allFaults(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("inspect the wall: %w", err)
	}
	return slices.DeleteFunc(lines, func(line string) bool { _, meant := exceptions[line]; return meant }), nil
}

func allFaults(ctx context.Context, url string) ([]string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return column(ctx, conn, "wall_faults")
}
