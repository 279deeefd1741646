package compliancefile

import (
	"encoding/json"
	"regexp"
	"strings"
)

// layout is the columns of a file. Frameworks with attributes of their own have columns for these; providers call accounts and
// regions what they call them.
type layout struct {
	account    []string // names of the account's columns
	region     string   // name of the region's column; empty: none
	attributes []string // names of attributes, as the catalogue has them, in front of the finding
	last       []string // those behind everything else
	checkFirst bool     // CHECKID and MUTED stand before RESOURCENAME
}

var (
	generic = layout{account: []string{"ACCOUNTID"}, region: "REGION", attributes: []string{"Section", "SubSection", "SubGroup", "Service", "Type"},
		last: []string{"Comment"}, checkFirst: true}
	cis = layout{attributes: []string{"Section", "SubSection", "Profile", "AssessmentStatus", "Description", "RationaleStatement", "ImpactStatement",
		"RemediationProcedure", "AuditProcedure", "AdditionalInformation", "DefaultValue", "References"}}
	threatScore = layout{attributes: []string{"Title", "Section", "SubSection", "AttributeDescription", "AdditionalInformation", "LevelOfRisk", "Weight"}}
)

// benchmark matches the ids of CIS benchmarks. CIS Controls, which is no benchmark, has attributes of its own.
var benchmark = regexp.MustCompile(`^cis_[0-9]`)

// layoutOf is the layout of a framework's file. The generic one calls an account an account, whatever the provider.
func layoutOf(provider, framework string) layout {
	var chosen layout
	switch {
	case benchmark.MatchString(framework):
		chosen = cis
	case strings.HasPrefix(framework, "prowler_threatscore_"):
		chosen = threatScore
	default:
		return generic
	}
	chosen.account, chosen.region = placeOf(provider)
	return chosen
}

// placeOf is what the columns of accounts and regions are called.
func placeOf(provider string) (account []string, region string) {
	switch provider {
	case "azure":
		return []string{"SUBSCRIPTIONID"}, "LOCATION"
	case "gcp":
		return []string{"PROJECTID"}, "LOCATION"
	case "m365":
		return []string{"TENANTID"}, "LOCATION"
	case "kubernetes":
		return []string{"CONTEXT"}, "NAMESPACE"
	case "oraclecloud":
		return []string{"TENANCYID"}, "REGION"
	case "github":
		return []string{"ACCOUNT_NAME", "ACCOUNT_ID"}, ""
	case "googleworkspace":
		return []string{"DOMAIN"}, ""
	}
	return []string{"ACCOUNTID"}, "REGION"
}

const attributePrefix = "REQUIREMENTS_ATTRIBUTES_"

// header is the first line.
func (l layout) header() []string {
	names := append([]string{"PROVIDER", "DESCRIPTION"}, l.account...)
	if l.region != "" {
		names = append(names, l.region)
	}
	names = append(names, "ASSESSMENTDATE", "REQUIREMENTS_ID", "REQUIREMENTS_DESCRIPTION")
	for _, name := range l.attributes {
		names = append(names, attributePrefix+strings.ToUpper(name))
	}
	names = append(names, "STATUS", "STATUSEXTENDED", "RESOURCEID")
	names = append(names, l.inOrder("RESOURCENAME", "CHECKID", "MUTED")...)
	names = append(names, "FRAMEWORK", "NAME")
	for _, name := range l.last {
		names = append(names, attributePrefix+strings.ToUpper(name))
	}
	return names
}

func (l layout) inOrder(resource, check, muted string) []string {
	if l.checkFirst {
		return []string{check, muted, resource}
	}
	return []string{resource, check, muted}
}

// details are the cells of a set of attributes: in front of the finding, and behind everything else.
type details struct{ front, last []string }

// detailsOf are those of each set that a requirement has: a line is written for each. One without attributes has an empty set.
func (l layout) detailsOf(list json.RawMessage) []details {
	var sets []map[string]json.RawMessage
	if err := json.Unmarshal(list, &sets); err != nil || len(sets) == 0 {
		sets = []map[string]json.RawMessage{nil}
	}
	made := make([]details, len(sets))
	for i, set := range sets {
		made[i] = details{front: texts(l.attributes, set), last: texts(l.last, set)}
	}
	return made
}

func texts(names []string, attributes map[string]json.RawMessage) []string {
	made := make([]string, len(names))
	for i, name := range names {
		made[i] = text(attributes[name])
	}
	return made
}

// text is a JSON string's text; null is nothing, and anything else is its JSON.
func text(value json.RawMessage) string {
	var plain *string
	if len(value) == 0 {
		return ""
	}
	if err := json.Unmarshal(value, &plain); err != nil {
		return string(value)
	}
	if plain == nil {
		return ""
	}
	return *plain
}
