package accounting

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/session"
)

// BenchmarkPolicyShare asks for lists over HTTP, and for the decision and the visibility that each request takes, in turn:
// list-us and policy-us are medians in microseconds, policy-% is what part of the request policy takes.
func BenchmarkPolicyShare(b *testing.B) {
	server := apitest.Start(b)
	ada := server.SignUp(b, "Ada")
	provider := ada.Connect(b, openAccount, "open")
	ada.Connect(b, hiddenAccount, "hidden")
	ada.Ingest(b, ocsftest.File{Account: openAccount, Findings: 2000})
	group := ada.Post(b, "/provider-groups", "provider-groups", map[string]any{"name": "Seen"},
		map[string]any{"providers": apitest.Many("providers", provider)}).Want(b, 201).String("/data/id")
	dan := ada.Member(b, "Dan", ada.Role(b, "limited", nil, group), ada.Role(b, "scans", map[string]any{"manage_scans": true}))
	subject, err := session.SubjectOf(b.Context(), server.App.System, dan.Email, uuid.MustParse(dan.Tenant))
	if err != nil {
		b.Fatal(err)
	}
	for _, one := range []struct {
		path      string
		operation authz.Operation
	}{{"/providers", "providers.list"}, {"/findings/latest?page[size]=10", "findings.latest"}} {
		b.Run(string(one.operation), func(b *testing.B) {
			var lists, policies []time.Duration
			for b.Loop() {
				start := time.Now()
				dan.Get(b, one.path).Want(b, 200)
				lists = append(lists, time.Since(start))
				start = time.Now()
				snapshot := server.App.Policy.Snapshot()
				decision, err := snapshot.Decide(b.Context(), subject, one.operation)
				if err != nil || !decision.Allowed {
					b.Fatal(decision, err)
				}
				if _, err := snapshot.Visible(b.Context(), subject); err != nil {
					b.Fatal(err)
				}
				policies = append(policies, time.Since(start))
			}
			list, policy := median(lists), median(policies)
			b.ReportMetric(float64(list.Nanoseconds())/1e3, "list-us")
			b.ReportMetric(float64(policy.Nanoseconds())/1e3, "policy-us")
			b.ReportMetric(100*float64(policy)/float64(list), "policy-%")
		})
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}
