package provider

import "github.com/palisade-sec/palisade/internal/jsonapi"

// The credentials of each provider type, as data: which fields, of what kind, which of them must be there.

var staticSchemas = map[Type]schema{
	AWS: {fields: []field{
		required("aws_access_key_id", text), required("aws_secret_access_key", text), optional("aws_session_token", text),
	}},
	Azure: {fields: []field{
		required("client_id", text), required("client_secret", text), required("tenant_id", text),
	}},
	GCP: {fields: []field{
		required("client_id", text), required("client_secret", text), required("refresh_token", text),
	}},
	Kubernetes: {fields: []field{
		required("kubeconfig_content", kubeconfig),
	}},
	M365: {fields: []field{
		required("client_id", text), required("tenant_id", text), optional("client_secret", shellText),
		optional("certificate_content", certificate), optional("user", email), optional("password", shellText),
	}, rule: m365Rule},
	GitHub: {fields: []field{
		optional("personal_access_token", text), optional("oauth_app_token", text),
		optional("github_app_id", integer), optional("github_app_key_content", text),
	}},
	MongoDBAtlas: {fields: []field{
		required("atlas_public_key", text), required("atlas_private_key", text),
	}},
	IaC: {fields: []field{
		required("repository_url", text), optional("access_token", text),
	}},
	// key_file is a path on the machine of the engine, which belongs to the operator, not to the tenant.
	OracleCloud: {fields: []field{
		required("user", text), required("fingerprint", text), required("tenancy", text), dropped("key_file", text),
		optional("key_content", text), optional("pass_phrase", text), dropped("region", anything),
	}, rule: oracleCloudRule},
	AlibabaCloud: {fields: []field{
		required("access_key_id", text), required("access_key_secret", text), optional("security_token", text),
	}},
	OpenStack: {fields: []field{
		required("clouds_yaml_content", cloudsYAML), required("clouds_yaml_cloud", text),
	}},
	Image: {fields: []field{
		optional("registry_username", text), optional("registry_password", text), optional("registry_token", text),
	}, rule: imageRule},
	GoogleWorkspace: {fields: []field{
		required("credentials_content", serviceAccountText), required("delegated_user", email),
	}},
	Vercel: {fields: []field{
		required("api_token", text),
	}},
	Okta: {fields: []field{
		required("okta_client_id", text), required("okta_private_key", pemOrJWK), optional("okta_scopes", listOfText),
	}},
}

// Cloudflare takes one of two.
var (
	cloudflareToken = schema{fields: []field{required("api_token", text)}}
	cloudflareKey   = schema{fields: []field{required("api_key", text), required("api_email", email)}}
)

var roleSchemas = map[Type]schema{
	AWS: {fields: []field{
		required("role_arn", text), required("external_id", text), optional("role_session_name", text),
		optional("session_duration", integerBetween(900, 43200)), optional("aws_access_key_id", text),
		optional("aws_secret_access_key", text), optional("aws_session_token", text),
	}},
	AlibabaCloud: {fields: []field{
		required("role_arn", text), required("access_key_id", text), required("access_key_secret", text),
		optional("role_session_name", text),
	}},
}

// serviceAccount is taken by every provider type; only gcp has a use for it.
var serviceAccount = schema{fields: []field{required("service_account_key", serviceAccountKey)}}

type reader = func(path string, value any) (any, jsonapi.Errors)

func required(name string, read reader) field { return field{name: name, required: true, read: read} }
func optional(name string, read reader) field { return field{name: name, read: read} }
func dropped(name string, read reader) field  { return field{name: name, read: read, dropped: true} }

func m365Rule(fields map[string]any) *jsonapi.Error {
	switch secret, certificate := has(fields, "client_secret"), has(fields, "certificate_content"); {
	case secret && certificate:
		return whole("You cannot provide both client_secret and certificate_content.")
	case !secret && !certificate:
		return whole("You must provide either client_secret or certificate_content.")
	}
	return nil
}

func oracleCloudRule(fields map[string]any) *jsonapi.Error {
	if has(fields, "key_file") || has(fields, "key_content") {
		return nil
	}
	refusal := jsonapi.Field("secret/key_file", "invalid", "Either key_file or key_content must be provided.")
	return &refusal
}

func imageRule(fields map[string]any) *jsonapi.Error {
	switch user, password := has(fields, "registry_username"), has(fields, "registry_password"); {
	case has(fields, "registry_token"):
	case user && !password:
		return whole("registry_password is required when registry_username is provided.")
	case password && !user:
		return whole("registry_username is required when registry_password is provided.")
	}
	return nil
}

// has reports whether the field is there; by then it is not blank either.
func has(fields map[string]any, name string) bool {
	_, present := fields[name]
	return present
}

func whole(detail string) *jsonapi.Error {
	refusal := jsonapi.Field(wholeSecret, "invalid", detail)
	return &refusal
}
