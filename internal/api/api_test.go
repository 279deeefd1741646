package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/policy"
)

func known(t *testing.T) map[authz.Operation]authz.OperationInfo {
	t.Helper()
	snapshot, err := authz.Load(context.Background(), authz.Folders{Base: policy.FS})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Operations()
}

// Every operation that the policy knows is declared once, built or pending, and none that it does not know.
func TestOperationsAreThoseOfThePolicy(t *testing.T) {
	t.Parallel()
	infos := known(t)
	operations, err := api.Operations(api.Parts{TokenLimit: rest.Unlimited}, infos)
	if err != nil {
		t.Fatal(err)
	}
	routes := make(map[string]bool)
	ids := make(map[authz.Operation]bool)
	for _, one := range operations {
		route := one.Method + " " + one.Path
		if routes[route] || ids[one.ID] {
			t.Errorf("%s (%s) is declared twice", one.ID, route)
		}
		routes[route], ids[one.ID] = true, true
		info := infos[one.ID]
		if info.Method != one.Method || info.Path != one.Path {
			t.Errorf("%s is %s, the policy knows %s %s", one.ID, route, info.Method, info.Path)
		}
		if open := info.Permission == "anonymous"; open != one.Anonymous {
			t.Errorf("%s: anonymous %v, the policy says %q", one.ID, one.Anonymous, info.Permission)
		}
		if one.Summary == "" || one.Tag == "" || one.Handle == nil {
			t.Errorf("%s is not described", one.ID)
		}
		if strings.Contains(one.Path, "{") && one.TenantID != "" && !strings.Contains(one.Path, "{"+one.TenantID+"}") {
			t.Errorf("%s takes its tenant from a parameter that its path does not have", one.ID)
		}
	}
	for id, info := range infos {
		if !routes[info.Method+" "+info.Path] {
			t.Errorf("%s is missing", id)
		}
	}
}

// What policy does not know cannot be served.
func TestAnOperationWithoutARuleIsAnError(t *testing.T) {
	t.Parallel()
	infos := known(t)
	delete(infos, "providers.list")
	if _, err := api.Operations(api.Parts{TokenLimit: rest.Unlimited}, infos); err == nil {
		t.Error("an operation that the policy does not know was declared")
	}
	infos = known(t)
	moved := infos["providers.list"]
	moved.Path, moved.Method = "/elsewhere", http.MethodPut
	infos["providers.list"] = moved
	if _, err := api.Operations(api.Parts{TokenLimit: rest.Unlimited}, infos); err == nil {
		t.Error("an operation was declared at a place that the policy does not know")
	}
}
