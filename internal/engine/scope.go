package engine

import "slices"

// Scope narrows a scan. Each list narrows what the others leave, and an empty list narrows nothing: a check is made when it is in
// every list of its kind that is not empty, and in none of those that exclude.
type Scope struct {
	Regions          []string `json:"regions,omitempty"`           // of the types that have them: see TakesRegions
	Services         []string `json:"services,omitempty"`          // services of the provider, e.g. "s3"
	Checks           []string `json:"checks,omitempty"`            // check ids
	Severities       []string `json:"severities,omitempty"`        // of the checks
	Compliance       []string `json:"compliance,omitempty"`        // frameworks whose requirements name the checks
	ExcludedChecks   []string `json:"excluded_checks,omitempty"`   // check ids
	ExcludedServices []string `json:"excluded_services,omitempty"` // services of the provider
}

// Whole reports whether the scope is everything.
func (s Scope) Whole() bool {
	return len(s.Regions)+len(s.Services)+len(s.Checks)+len(s.Severities)+len(s.Compliance)+len(s.ExcludedChecks)+len(s.ExcludedServices) == 0
}

// UnaskedCategory is the category of checks that are made only when a scope names them: they read months of logs.
const UnaskedCategory = "threat-detection"

// CheckTraits are what of a check a scope looks at, its frameworks apart.
type CheckTraits struct {
	ID, Service, Severity string
	Unasked               bool // is of UnaskedCategory
}

// Selects reports whether a check is made that is in the scope's frameworks, if it has any: the rules of the engine's own script.
func (s Scope) Selects(check CheckTraits) bool {
	allows := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return allows(s.Checks, check.ID) && allows(s.Services, check.Service) && allows(s.Severities, check.Severity) &&
		!slices.Contains(s.ExcludedChecks, check.ID) && !slices.Contains(s.ExcludedServices, check.Service) &&
		(!check.Unasked || len(s.Checks) > 0)
}

// TakesRegions reports whether scans of a provider type can be narrowed to regions.
func TakesRegions(kind string) bool {
	return kind == "aws" || kind == "alibabacloud" || kind == "oraclecloud"
}

// Narrows reports whether scans of a provider type can be narrowed: other scanners bring the checks of some along.
func Narrows(kind string) bool { return kind != "iac" && kind != "image" }

// within is the scope inside the services that an installation looks at; ok is false when nothing of it is.
func (s Scope) within(services []string) (narrowed Scope, ok bool) {
	if len(services) == 0 {
		return s, true
	}
	if len(s.Services) == 0 {
		s.Services = services
		return s, true
	}
	s.Services = slices.DeleteFunc(slices.Clone(s.Services), func(service string) bool { return !slices.Contains(services, service) })
	return s, len(s.Services) > 0
}
