// Package provider holds the rules for cloud accounts and the like ("providers") that an organisation connects:
// their types, how each type writes its identifier, and which credentials each type takes.
//
// Rules only: no HTTP, no database. What is stored and who may see it is decided elsewhere.
package provider

import (
	"regexp"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Type is what kind of provider it is, in the word of the wire.
type Type string

// The provider types.
const (
	AWS             Type = "aws"
	Azure           Type = "azure"
	GCP             Type = "gcp"
	Kubernetes      Type = "kubernetes"
	M365            Type = "m365"
	GitHub          Type = "github"
	MongoDBAtlas    Type = "mongodbatlas"
	IaC             Type = "iac"
	OracleCloud     Type = "oraclecloud"
	AlibabaCloud    Type = "alibabacloud"
	Cloudflare      Type = "cloudflare"
	OpenStack       Type = "openstack"
	Image           Type = "image"
	GoogleWorkspace Type = "googleworkspace"
	Vercel          Type = "vercel"
	Okta            Type = "okta"
)

// identity says how a type writes its identifier.
type identity struct {
	of    Type
	uid   *regexp.Regexp
	error string
}

// identities has every type, in the order of the wire contract (which is also their sort order).
//
// Digits and letters are ASCII here: an account number in another script would name an account that does not exist.
var identities = []identity{
	{AWS, match(`[0-9]{12}`),
		"AWS provider ID must be exactly 12 digits."},
	{Azure, match(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`),
		"Azure provider ID must be a valid UUID."},
	{GCP, match(`([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{5,29}`),
		"GCP provider ID must be a valid project ID: 6 to 30 characters, start with a letter, and contain only lowercase letters, " +
			"numbers, and hyphens. Legacy App Engine project IDs with a domain prefix (e.g., example.com:my-project) are also accepted."},
	{Kubernetes, match(`[a-zA-Z0-9][a-zA-Z0-9._@:/-]{1,250}`),
		"The value must either be a valid Kubernetes UID (up to 63 characters, starting and ending with a lowercase letter or number, " +
			"containing only lowercase alphanumeric characters and hyphens) or a valid AWS EKS Cluster ARN, GCP GKE Context Name " +
			"or Azure AKS Cluster Name."},
	{M365, match(`([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,}`),
		"M365 domain ID must be a valid domain."},
	{GitHub, match(`[a-zA-Z0-9][a-zA-Z0-9-]{0,38}`),
		"GitHub provider ID must be a valid GitHub username or organization name (1-39 characters, starting with alphanumeric, " +
			"containing only alphanumeric characters and hyphens)."},
	{MongoDBAtlas, match(`[0-9a-fA-F]{24}`),
		"MongoDB Atlas organization ID must be a 24-character hexadecimal string."},
	{IaC, match(`(https?://|git@|ssh://)` + visibleButSlash + visible + `*\.git|https?://` + visibleButSlash + visible + `*`),
		"IaC provider ID must be a valid repository URL (e.g., https://github.com/user/repo or https://github.com/user/repo.git)."},
	{OracleCloud, match(`ocid1\.[a-z0-9_-]+\.[a-z0-9_-]+\.[a-z0-9_-]*\.[a-z0-9]+`),
		"Oracle Cloud Infrastructure provider ID must be a valid tenancy OCID in the format: " +
			"ocid1.<resource_type>.<realm>.<region>.<unique_id>"},
	{AlibabaCloud, match(`[0-9]{16}`),
		"Alibaba Cloud account ID must be exactly 16 digits."},
	{Cloudflare, match(`[a-f0-9]{32}`),
		"Cloudflare Account ID must be a 32-character hexadecimal string."},
	{OpenStack, match(`[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}`),
		"OpenStack provider ID must be a valid project ID (UUID or project name)."},
	{Image, match(`[a-zA-Z0-9][a-zA-Z0-9._/:@-]{2,249}`),
		"Image provider ID must be a valid container image reference."},
	{GoogleWorkspace, match(`C[0-9a-zA-Z]+`),
		"Google Workspace Customer ID must start with 'C' followed by one or more alphanumeric characters (e.g., C01234abc, C12345678)."},
	{Vercel, match(`team_[a-zA-Z0-9]{16,32}`),
		"Vercel provider ID must be a valid Vercel Team ID (e.g., team_xxxxxxxxxxxxxxxxxxxxxxxx)."},
	{Okta, match(`[a-z0-9][a-z0-9-]*\.(okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com|okta\.mil|okta-miltest\.com|trex-govcloud\.com)`),
		"Okta provider ID must be a valid Okta-managed org domain (e.g., acme.okta.com, also .oktapreview.com / .okta-emea.com / " +
			".okta-gov.com / .okta.mil / .okta-miltest.com / .trex-govcloud.com), without scheme or path."},
}

// Character classes of a repository URL: anything but space and invisible characters of any script.
const (
	visible         = `[^\s\p{Z}\p{C}]`
	visibleButSlash = `[^\s\p{Z}\p{C}/]`
)

// Types returns every type, in the order of the wire contract.
func Types() []Type {
	types := make([]Type, len(identities))
	for i := range identities {
		types[i] = identities[i].of
	}
	return types
}

// TypeNames are Types as texts, for filters and documents.
func TypeNames() []string {
	names := make([]string, len(identities))
	for i := range identities {
		names[i] = string(identities[i].of)
	}
	return names
}

// Valid reports whether t is one of Types.
func (t Type) Valid() bool { return t.identity() != nil }

// NormalizeUID returns raw in the form that is checked and stored: without surrounding white space and, where the
// identifier is a domain whose case does not count (okta), in lower case.
func NormalizeUID(t Type, raw string) string {
	uid := strings.TrimSpace(raw)
	if t == Okta {
		uid = strings.ToLower(uid)
	}
	return uid
}

// CheckUID returns nil when uid, as returned by NormalizeUID, is an identifier of type t, and else a jsonapi.Error
// with code "<type>-uid". The lengths that hold for every type are not looked at.
func CheckUID(t Type, uid string) error {
	rule := t.identity()
	if rule == nil {
		return jsonapi.Field("provider", "invalid_choice", `"`+string(t)+`" is not a valid choice.`)
	}
	if !rule.uid.MatchString(uid) {
		return jsonapi.Field("uid", string(t)+"-uid", rule.error)
	}
	return nil
}

func (t Type) identity() *identity {
	i := slices.IndexFunc(identities, func(one identity) bool { return one.of == t })
	if i < 0 {
		return nil
	}
	return &identities[i]
}

// match compiles a pattern that has to cover the whole text.
func match(pattern string) *regexp.Regexp { return regexp.MustCompile(`\A(?:` + pattern + `)\z`) }
