package scanscope

import (
	"context"
	"fmt"
	"slices"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/engine"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Catalogue returns the checks as they are known now; see catalogue.Store.
type Catalogue func(context.Context) (*catalogue.Checks, error)

// Judge knows what scopes may name. The zero value knows no check: it judges the form alone.
type Judge struct {
	checks *catalogue.Checks
}

// Judge returns one for a scope, with the catalogue as it is now. Get it before a transaction: it reads on another connection.
func (c Catalogue) Judge(ctx context.Context, given Given) (Judge, error) {
	if c == nil || given.Value.Whole() {
		return Judge{}, nil
	}
	checks, err := c(ctx)
	if err != nil {
		return Judge{}, fmt.Errorf("load the catalogue: %w", err)
	}
	return Judge{checks: checks}, nil
}

// Check judges a scope for a provider of a type: what it names has to be in the catalogue, and some check has to be left. Of a type
// that no catalogue knows, names are taken as they are; the engine refuses what it does not know. An error that is not of the
// database is jsonapi.Errors with pointers below the attribute.
func (j Judge) Check(ctx context.Context, db tenant.DB, kind string, scope engine.Scope, attribute string) error {
	switch {
	case scope.Whole():
		return nil
	case !engine.Narrows(kind):
		return jsonapi.Errors{jsonapi.Field(attribute, "invalid", fmt.Sprintf("Scans of the type %s always look at everything.", kind))}
	case len(scope.Regions) > 0 && !engine.TakesRegions(kind):
		return jsonapi.Errors{jsonapi.Field(attribute+"/regions", "invalid", fmt.Sprintf("Scans of the type %s cannot be narrowed to regions.", kind))}
	}
	known := j.of(kind)
	if len(known.services) == 0 {
		return nil
	}
	frameworks, err := known.frameworks(ctx, db, kind, scope.Compliance)
	if err != nil {
		return err
	}
	if refused := known.refuse(scope, frameworks, attribute); len(refused) > 0 {
		return refused
	}
	if !known.selects(scope, frameworks) {
		return jsonapi.Errors{jsonapi.Field(attribute, "invalid", "The scope selects no check.")}
	}
	return nil
}

// known is the catalogue of a provider type.
type known struct {
	checks   map[string]catalogue.Check
	services map[string]bool
}

func (j Judge) of(kind string) known {
	found := known{checks: make(map[string]catalogue.Check), services: make(map[string]bool)}
	j.checks.All(func(check catalogue.Check) {
		if check.Provider == kind {
			found.checks[check.ID] = check
			found.services[check.Service] = true
		}
	})
	return found
}

// frameworks are the checks of those frameworks that are known.
func (known) frameworks(ctx context.Context, db tenant.DB, kind string, ids []string) (map[string][]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := tenantdb.New(db).ListChecksOfFrameworks(ctx, tenantdb.ListChecksOfFrameworksParams{Provider: kind, Ids: ids})
	if err != nil {
		return nil, fmt.Errorf("look up frameworks: %w", err)
	}
	found := make(map[string][]string, len(rows))
	for _, row := range rows {
		found[row.FrameworkID] = row.Checks
	}
	return found, nil
}

// refuse names what the scope names and is not there.
func (k known) refuse(scope engine.Scope, frameworks map[string][]string, attribute string) (refused jsonapi.Errors) {
	isCheck := func(id string) bool { _, ok := k.checks[id]; return ok }
	isService := func(service string) bool { return k.services[service] }
	isFramework := func(id string) bool { _, ok := frameworks[id]; return ok }
	for _, one := range []struct {
		name  string
		given []string
		is    func(string) bool
	}{{"services", scope.Services, isService}, {"checks", scope.Checks, isCheck}, {"compliance", scope.Compliance, isFramework},
		{"excluded_checks", scope.ExcludedChecks, isCheck}, {"excluded_services", scope.ExcludedServices, isService}} {
		for i, text := range one.given {
			if !one.is(text) {
				refused = append(refused, notAChoice(fmt.Sprintf("%s/%s/%d", attribute, one.name, i), text))
			}
		}
	}
	return refused
}

// selects reports whether any check is left, by the rules of the engine: see engine.Scope.
func (k known) selects(scope engine.Scope, frameworks map[string][]string) bool {
	demanded := make(map[string]bool)
	for _, checks := range frameworks {
		for _, id := range checks {
			demanded[id] = true
		}
	}
	for id, check := range k.checks {
		if len(scope.Compliance) > 0 && !demanded[id] {
			continue
		}
		if scope.Selects(engine.CheckTraits{ID: id, Service: check.Service, Severity: check.Severity,
			Unasked: slices.Contains(check.Categories, engine.UnaskedCategory)}) {
			return true
		}
	}
	return false
}
