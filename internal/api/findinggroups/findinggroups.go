// Package findinggroups declares the operations on groups of findings. Which groups there are and what is in them is
// internal/findinggroup's; here are the documents.
package findinggroups

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/findinggroup"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Type is the resource type of a group, and of a resource in it.
const Type = "finding-groups"

// Attributes are the attributes of a group: what has no muted in its name counts findings that are not muted.
type Attributes struct {
	CheckID           string   `json:"check_id"`
	CheckTitle        *string  `json:"check_title"`
	CheckDescription  *string  `json:"check_description"`
	Severity          string   `json:"severity" enum:"critical,high,medium,low,informational"`
	Status            string   `json:"status" enum:"FAIL,PASS,MANUAL"`
	Muted             bool     `json:"muted"`
	ImpactedProviders []string `json:"impacted_providers"`

	ResourcesFail  int64 `json:"resources_fail"`
	ResourcesTotal int64 `json:"resources_total"`

	PassCount               int64 `json:"pass_count"`
	FailCount               int64 `json:"fail_count"`
	ManualCount             int64 `json:"manual_count"`
	PassMutedCount          int64 `json:"pass_muted_count"`
	FailMutedCount          int64 `json:"fail_muted_count"`
	ManualMutedCount        int64 `json:"manual_muted_count"`
	MutedCount              int64 `json:"muted_count"`
	NewCount                int64 `json:"new_count"`
	ChangedCount            int64 `json:"changed_count"`
	NewFailCount            int64 `json:"new_fail_count"`
	NewFailMutedCount       int64 `json:"new_fail_muted_count"`
	NewPassCount            int64 `json:"new_pass_count"`
	NewPassMutedCount       int64 `json:"new_pass_muted_count"`
	NewManualCount          int64 `json:"new_manual_count"`
	NewManualMutedCount     int64 `json:"new_manual_muted_count"`
	ChangedFailCount        int64 `json:"changed_fail_count"`
	ChangedFailMutedCount   int64 `json:"changed_fail_muted_count"`
	ChangedPassCount        int64 `json:"changed_pass_count"`
	ChangedPassMutedCount   int64 `json:"changed_pass_muted_count"`
	ChangedManualCount      int64 `json:"changed_manual_count"`
	ChangedManualMutedCount int64 `json:"changed_manual_muted_count"`

	FirstSeenAt  *time.Time `json:"first_seen_at"`
	LastSeenAt   *time.Time `json:"last_seen_at"`
	FailingSince *time.Time `json:"failing_since"`
}

// ResourceAttributes are the attributes of a resource in a group.
type ResourceAttributes struct {
	Resource    Resource  `json:"resource"`
	Provider    Provider  `json:"provider"`
	FindingID   string    `json:"finding_id" format:"uuid"`
	Status      string    `json:"status" enum:"FAIL,PASS,MANUAL"`
	Severity    string    `json:"severity" enum:"critical,high,medium,low,informational"`
	Muted       bool      `json:"muted"`
	Delta       *string   `json:"delta" enum:"new,changed"`
	FirstSeenAt time.Time `json:"first_seen_at"`
	LastSeenAt  time.Time `json:"last_seen_at"`
	MutedReason *string   `json:"muted_reason"`
}

// Resource is a resource as it is now, but for its group, which is what the finding says.
type Resource struct {
	UID           string `json:"uid"`
	Name          string `json:"name"`
	Service       string `json:"service"`
	Region        string `json:"region"`
	Type          string `json:"type"`
	ResourceGroup string `json:"resource_group"`
}

// Provider is the provider of a resource.
type Provider struct {
	Type  string  `json:"type"`
	UID   string  `json:"uid"`
	Alias *string `json:"alias"`
}

type handlers struct{ tenants *tenant.Executor }

// Operations declares the operations.
func Operations(executor *tenant.Executor) []rest.Operation {
	h := handlers{tenants: executor}
	groups := rest.Schema{Type: Type, Attributes: Attributes{}, List: true}
	resources := rest.Schema{Type: Type, Attributes: ResourceAttributes{}, List: true}
	const tag = "Finding groups"
	return []rest.Operation{
		{ID: "finding_groups.list", Method: http.MethodGet, Path: "/finding-groups", Tag: tag, Summary: "List what checks found in some days",
			Query: findinggroup.Query, Response: groups, Handle: h.groups(findinggroup.All)},
		{ID: "finding_groups.latest", Method: http.MethodGet, Path: "/finding-groups/latest", Tag: tag, Summary: "List what checks found in the newest scans",
			Query: findinggroup.LatestQuery, Response: groups, Handle: h.groups(findinggroup.Newest)},
		{ID: "finding_groups.resources", Method: http.MethodGet, Path: "/finding-groups/{id}/resources", Tag: tag, TextIDs: true, Bare: "/finding-groups/{id}",
			Summary: "List the resources that a check found something about in some days",
			Query:   findinggroup.ResourcesQuery, Response: resources, Handle: h.resources("id", findinggroup.All)},
		{ID: "finding_groups.latest.resources", Method: http.MethodGet, Path: "/finding-groups/latest/{check_id}/resources", Tag: tag, TextIDs: true,
			HTMLIDs: true, Summary: "List the resources that a check found something about in the newest scans",
			Query: findinggroup.LatestResourcesQuery, Response: resources, Handle: h.resources("check_id", findinggroup.Newest)},
	}
}

func (h handlers) groups(scans findinggroup.Scans) rest.Handler {
	return func(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
		db, err := r.DB(ctx, h.tenants)
		if err != nil {
			return nil, err
		}
		rows, window, err := findinggroup.Page(ctx, db, r.Query, scans)
		if err != nil {
			return nil, err
		}
		return rest.ListOf(r, rows, window, group), nil
	}
}

func (h handlers) resources(param string, scans findinggroup.Scans) rest.Handler {
	return func(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
		db, err := r.DB(ctx, h.tenants)
		if err != nil {
			return nil, err
		}
		if err := checkReferences(ctx, db, r.Query.References); err != nil {
			return nil, err
		}
		rows, window, err := findinggroup.Resources(ctx, db, r.Param(param), r.Query, scans)
		if errors.Is(err, findinggroup.ErrNoGroup) {
			return nil, jsonapi.Error{Status: http.StatusNotFound, Code: "not_found", Pointer: "/data",
				Detail: "Finding group '" + r.Param(param) + "' not found."}
		}
		if err != nil {
			return nil, err
		}
		r.Query.Fields = nil // the wire shows all attributes whatever was asked for
		return rest.ListOf(r, rows, window, resource), nil
	}
}

// checkReferences refuses filters by providers that the subject does not see: whether they exist is not for the subject to know.
func checkReferences(ctx context.Context, db tenant.DB, references []filter.Referred) error {
	for _, reference := range references {
		known, err := tenantdb.New(db).KnownProviders(ctx, reference.IDs)
		if err != nil {
			return fmt.Errorf("check referenced providers: %w", err)
		}
		seen := make(map[string]bool)
		for _, id := range known {
			seen[id.String()] = true
		}
		for _, id := range reference.IDs {
			if !seen[id.String()] {
				return reference.Refusal
			}
		}
	}
	return nil
}

func group(_ *rest.Request, g findinggroup.Group) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: g.CheckID, Attributes: jsonapi.Attributes(Attributes{
		CheckID: g.CheckID, CheckTitle: unlessEmpty(g.Title), CheckDescription: unlessEmpty(g.Description), Severity: g.Severity(),
		Status: g.Status(), Muted: g.Muted, ImpactedProviders: g.Providers, ResourcesFail: g.ResourcesFail, ResourcesTotal: g.ResourcesTotal,
		PassCount: g.Pass, FailCount: g.Fail, ManualCount: g.Manual, PassMutedCount: g.PassMuted, FailMutedCount: g.FailMuted,
		ManualMutedCount: g.ManualMuted, MutedCount: g.MutedCount, NewCount: g.NewCount, ChangedCount: g.ChangedCount,
		NewFailCount: g.NewFail, NewFailMutedCount: g.NewFailMuted, NewPassCount: g.NewPass, NewPassMutedCount: g.NewPassMuted,
		NewManualCount: g.NewManual, NewManualMutedCount: g.NewManualMuted, ChangedFailCount: g.ChangedFail,
		ChangedFailMutedCount: g.ChangedFailMuted, ChangedPassCount: g.ChangedPass, ChangedPassMutedCount: g.ChangedPassMuted,
		ChangedManualCount: g.ChangedManual, ChangedManualMutedCount: g.ChangedManualMuted,
		FirstSeenAt: first(g.FirstSeenAt), LastSeenAt: &g.LastSeenAt, FailingSince: first(g.FailingSince)})}
}

func resource(_ *rest.Request, one findinggroup.Resource) jsonapi.Resource {
	group := ""
	if one.ResourceGroup != nil {
		group = *one.ResourceGroup
	}
	return jsonapi.Resource{Type: Type, ID: one.ResourceID.String(), Attributes: jsonapi.Attributes(ResourceAttributes{
		Resource: Resource{UID: one.Uid, Name: one.Name, Service: one.Service, Region: one.Region, Type: one.Type, ResourceGroup: group},
		Provider: Provider{Type: one.Provider, UID: one.ProviderUid, Alias: one.ProviderAlias}, FindingID: one.FindingID.String(),
		Status: one.Status(), Severity: one.Severity(), Muted: one.Muted, Delta: one.Delta(), FirstSeenAt: one.FirstSeenAt,
		LastSeenAt: one.LastSeenAt, MutedReason: one.MutedReason})}
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// first is the one moment that there is; nil for none.
func first(moments []time.Time) *time.Time {
	if len(moments) == 0 {
		return nil
	}
	return &moments[0]
}
