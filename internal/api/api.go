// Package api puts the operations of all resources together. Each resource has a package of its own below this one; nothing
// outside cmd and internal/app imports any of them.
package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/palisade-sec/palisade/internal/api/apikeys"
	"github.com/palisade-sec/palisade/internal/api/auditevents"
	"github.com/palisade-sec/palisade/internal/api/compliance"
	"github.com/palisade-sec/palisade/internal/api/complianceframeworks"
	"github.com/palisade-sec/palisade/internal/api/engines"
	"github.com/palisade-sec/palisade/internal/api/findinggroups"
	"github.com/palisade-sec/palisade/internal/api/findings"
	"github.com/palisade-sec/palisade/internal/api/ingestions"
	"github.com/palisade-sec/palisade/internal/api/invitations"
	"github.com/palisade-sec/palisade/internal/api/memberships"
	"github.com/palisade-sec/palisade/internal/api/muterules"
	"github.com/palisade-sec/palisade/internal/api/overviews"
	"github.com/palisade-sec/palisade/internal/api/processors"
	"github.com/palisade-sec/palisade/internal/api/providergroups"
	"github.com/palisade-sec/palisade/internal/api/providers"
	"github.com/palisade-sec/palisade/internal/api/resources"
	"github.com/palisade-sec/palisade/internal/api/roles"
	"github.com/palisade-sec/palisade/internal/api/scans"
	"github.com/palisade-sec/palisade/internal/api/schedules"
	"github.com/palisade-sec/palisade/internal/api/secrets"
	"github.com/palisade-sec/palisade/internal/api/signon"
	"github.com/palisade-sec/palisade/internal/api/tasks"
	"github.com/palisade-sec/palisade/internal/api/tenants"
	"github.com/palisade-sec/palisade/internal/api/tokens"
	"github.com/palisade-sec/palisade/internal/api/users"
	"github.com/palisade-sec/palisade/internal/apikey"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/customframework"
	"github.com/palisade-sec/palisade/internal/deletion"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/invitation"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/mutelist"
	"github.com/palisade-sec/palisade/internal/muterule"
	"github.com/palisade-sec/palisade/internal/providergroup"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/role"
	"github.com/palisade-sec/palisade/internal/scan"
	"github.com/palisade-sec/palisade/internal/scanscope"
	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/social"
	"github.com/palisade-sec/palisade/internal/sso"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
	"github.com/palisade-sec/palisade/internal/timeline"
)

// Parts are what the operations are made of.
type Parts struct {
	Tenants    *tenant.Executor
	System     *system.Executor
	Identity   *identity.Service
	Social     *social.Providers
	Secrets    *secret.Keyring
	Ingestions *ingestion.Service
	Jobs       *jobs.Client
	Scans      *scan.Service
	SignOn     *sso.Service
	Catalogue  scanscope.Catalogue // what scopes of scans may name
	Timeline   *timeline.Service
	Logger     *slog.Logger
	// ExternalURL is where browsers reach the API: scheme and host; may be empty.
	ExternalURL string
	Engines     *engine.Survey                  // of the engine of this machine
	TokenLimit  func(rest.Handler) rest.Handler // bounds how often credentials may be tried
	Guesses     *rest.Guesses                   // bounds how often the password of one account may be guessed
}

// Operations are all operations of the API, those that are not built yet last: they answer 501. known is the policy's list
// of operations; an operation that the policy does not know is an error.
func Operations(parts Parts, known map[authz.Operation]authz.OperationInfo) ([]rest.Operation, error) {
	roleService := role.New(parts.Tenants)
	built := slices.Concat(
		tokens.Operations(parts.Identity, parts.TokenLimit, parts.Guesses),
		tokens.SocialOperations(parts.Identity, parts.Social, parts.TokenLimit),
		users.Operations(parts.Identity, roleService, parts.Tenants, parts.System),
		tenants.Operations(parts.Identity, parts.System, parts.Tenants),
		memberships.Operations(parts.Identity, parts.Tenants, parts.System),
		roles.Operations(roleService, parts.Tenants),
		providergroups.Operations(providergroup.New(parts.Tenants), parts.Tenants),
		invitations.Operations(invitation.New(parts.Tenants), parts.Identity, parts.Tenants),
		apikeys.Operations(apikey.New(parts.Tenants), parts.Tenants),
		providers.Operations(parts.Tenants, parts.Catalogue),
		secrets.Operations(parts.Tenants, parts.Secrets),
		[]rest.Operation{providers.ConnectionOperation(parts.Tenants, parts.Scans), providers.DeletionOperation(parts.Tenants, deletion.NewProviders(parts.Jobs))},
		scans.Operations(parts.Tenants, parts.Scans, parts.Catalogue),
		engines.Operations(parts.Engines),
		schedules.Operations(parts.Tenants, parts.Scans),
		tasks.Operations(parts.Tenants, parts.Jobs),
		findings.Operations(parts.Tenants),
		findinggroups.Operations(parts.Tenants),
		resources.Operations(parts.Tenants),
		[]rest.Operation{resources.EventsOperation(parts.Timeline, parts.Logger)},
		overviews.Operations(parts.Tenants),
		compliance.Operations(parts.Tenants),
		complianceframeworks.Operations(customframework.New(parts.Tenants, parts.Jobs), parts.Tenants),
		ingestions.Operations(parts.Tenants, parts.Ingestions, parts.Jobs),
		processors.Operations(mutelist.New(parts.Tenants), parts.Tenants),
		muterules.Operations(muterule.New(parts.Tenants, parts.Jobs), parts.Tenants),
		auditevents.Operations(parts.Tenants),
		signon.Operations(parts.SignOn, parts.Tenants, parts.ExternalURL),
	)
	routes := make(map[[2]string]bool)
	for i, operation := range built {
		if Pending(&built[i]) {
			built[i].Tag = PendingTag // some refuse what they can before they answer 501
		}
		info, ok := known[operation.ID]
		if !ok || info.Method != operation.Method || info.Path != operation.Path {
			return nil, fmt.Errorf("the policy does not know operation %s (%s %s)", operation.ID, operation.Method, operation.Path)
		}
		routes[[2]string{operation.Method, operation.Path}] = true
	}
	return append(built, pending(known, routes)...), nil
}

// pending declares the operations that the policy knows and no package has built.
func pending(known map[authz.Operation]authz.OperationInfo, routes map[[2]string]bool) []rest.Operation {
	var operations []rest.Operation
	for id, info := range known {
		if routes[[2]string{info.Method, info.Path}] {
			continue
		}
		routes[[2]string{info.Method, info.Path}] = true
		operations = append(operations, rest.Operation{ID: id, Method: info.Method, Path: info.Path, Tag: PendingTag,
			Summary: "Not implemented", Status: http.StatusNotImplemented, TextIDs: true, Anonymous: info.Permission == "anonymous", Handle: notImplemented})
	}
	slices.SortFunc(operations, func(a, b rest.Operation) int {
		return slices.Compare([]string{a.Path, a.Method}, []string{b.Path, b.Method})
	})
	return operations
}

// PendingTag is the tag, in the OpenAPI document, of operations that answer 501.
const PendingTag = "Not implemented"

// Pending reports whether an operation answers 501.
func Pending(operation *rest.Operation) bool { return operation.Status == http.StatusNotImplemented }

func notImplemented(context.Context, *rest.Request) (*rest.Answer, error) {
	return nil, jsonapi.NotImplemented()
}
