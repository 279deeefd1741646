package provider

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// summary writes errors as "path code" joined with commas.
func summary(err error) string {
	refused, _ := jsonapi.AsErrors(err)
	var parts []string
	for _, one := range refused {
		parts = append(parts, strings.TrimPrefix(one.Pointer, "/data/attributes/")+" "+one.Code)
	}
	return strings.Join(parts, ", ")
}

const roleARN = `"role_arn":"arn:aws:iam::123456789012:role/x","external_id":"e"`

func TestCheckSecretAccepts(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		kind          Type
		secretType    string
		given, stored string // stored "": as given
	}{
		{AWS, Static, `{"aws_access_key_id":"a","aws_secret_access_key":"b"}`, ""},
		{AWS, Static, `{"aws_access_key_id":"a","aws_secret_access_key":"b","aws_session_token":"c"}`, ""},
		{AWS, Static, `{"aws_access_key_id":1,"aws_secret_access_key":2.50}`, `{"aws_access_key_id":"1","aws_secret_access_key":"2.50"}`},
		{AWS, Static, `{"aws_access_key_id":"a","aws_secret_access_key":" <b>& ","profile":"root","extra":{"any":["thing"]}}`,
			`{"aws_access_key_id":"a","aws_secret_access_key":" <b>& "}`},
		{Azure, Static, `{"client_id":"c","client_secret":"s","tenant_id":"t"}`, ""},
		{GCP, Static, `{"client_id":"c","client_secret":"s","refresh_token":"r"}`, ""},
		{M365, Static, `{"client_id":"c","client_secret":"s","tenant_id":"t"}`, ""},
		{M365, Static, `{"certificate_content":"aGVsbG8=","client_id":"c","tenant_id":"t"}`, ""},
		{M365, Static, `{"client_id":"c","client_secret":"s","password":"p","tenant_id":"t","user":"admin@acme.example"}`, ""},
		{GitHub, Static, `{}`, ""},
		{GitHub, Static, `{"personal_access_token":"ghp_x"}`, ""},
		{GitHub, Static, `{"github_app_id":12345,"github_app_key_content":"PEM"}`, ""},
		{GitHub, Static, `{"github_app_id":" 12345 "}`, `{"github_app_id":12345}`},
		{GitHub, Static, `{"github_app_id":12345.00}`, `{"github_app_id":12345}`},
		{GitHub, Static, `{"github_app_id":9e2}`, `{"github_app_id":900}`},
		{GitHub, Static, `{"github_app_id":123456789012345678901234567890}`, ""},
		{MongoDBAtlas, Static, `{"atlas_private_key":"q","atlas_public_key":"p"}`, ""},
		{IaC, Static, `{"repository_url":"https://github.com/acme/infra"}`, ""},
		{IaC, Static, `{"access_token":"t","repository_url":"anything"}`, ""},
		{OracleCloud, Static, `{"fingerprint":"f","key_content":"k","tenancy":"t","user":"u"}`, ""},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t","key_file":"/k","pass_phrase":"p","region":"eu-frankfurt-1"}`,
			`{"fingerprint":"f","pass_phrase":"p","tenancy":"t","user":"u"}`},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t","key_content":"k","region":null}`,
			`{"fingerprint":"f","key_content":"k","tenancy":"t","user":"u"}`},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t","key_content":"k","region":{"any":1}}`,
			`{"fingerprint":"f","key_content":"k","tenancy":"t","user":"u"}`},
		{AlibabaCloud, Static, `{"access_key_id":"a","access_key_secret":"b","security_token":"c"}`, ""},
		{Cloudflare, Static, `{"api_token":"t"}`, ""},
		{Cloudflare, Static, `{"api_email":"ops@example.com","api_key":"k"}`, ""},
		{Cloudflare, Static, `{"api_token":"t","api_key":"k"}`, `{"api_token":"t"}`},
		{OpenStack, Static, `{"clouds_yaml_cloud":"main","clouds_yaml_content":"clouds: {}"}`,
			`{"clouds_yaml_cloud":"main","clouds_yaml_content":"{\"clouds\":{}}"}`},
		{OpenStack, Static, `{"clouds_yaml_cloud":"main","clouds_yaml_content":"not: [yaml"}`,
			`{"clouds_yaml_cloud":"main","clouds_yaml_content":"\"not: [yaml\""}`},
		{Image, Static, `{}`, ""},
		{Image, Static, `{"registry_token":"t"}`, ""},
		{Image, Static, `{"registry_password":"p","registry_username":"u"}`, ""},
		{Image, Static, `{"registry_token":"t","registry_username":"u"}`, ""},
		{GoogleWorkspace, Static, `{"credentials_content":"{}","delegated_user":"admin@example.com"}`, ""},
		{GoogleWorkspace, Static, `{"credentials_content":"not json","delegated_user":"admin@example.com"}`, ""},
		{Vercel, Static, `{"api_token":"t"}`, ""},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k"}`, ""},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":["okta.users.read"]}`, ""},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":[]}`, ""},
		{AWS, Role, `{"external_id":"ext-1","role_arn":"not an arn"}`, ""},
		{AWS, Role, `{"external_id":"e","role_arn":"r","session_duration":900}`, ""},
		{AWS, Role, `{"external_id":"e","role_arn":"r","role_session_name":"with spaces/and*signs","session_duration":"43200"}`,
			`{"external_id":"e","role_arn":"r","role_session_name":"with spaces/and*signs","session_duration":43200}`},
		{AWS, Role, `{"aws_access_key_id":"only the id","external_id":"e","role_arn":"r"}`, ""},
		{AlibabaCloud, Role, `{"access_key_id":"a","access_key_secret":"b","role_arn":"r","role_session_name":"s"}`, ""},
		{GCP, ServiceAccount, `{"service_account_key":{"project_id":"acme-project-1","type":"service_account"}}`, ""},
		{GCP, ServiceAccount, `{"service_account_key":"anything"}`, ""},
		{GCP, ServiceAccount, `{"service_account_key":{"n":1.50}}`, ""},
		{Azure, ServiceAccount, `{"service_account_key":{}}`, ""},
		{GCP, ServiceAccount, `{"service_account_key":{"token_uri":"https://oauth2.googleapis.com/token","type":"service_account"}}`, ""},
		{GCP, ServiceAccount, `{"service_account_key":[1,null,"{"]}`, ""},
		{GoogleWorkspace, Static, `{"credentials_content":" {\"b\":1.50,\"a\":1,\"a\":2}","delegated_user":"a@example.com"}`,
			`{"credentials_content":"{\"a\":2,\"b\":1.50}","delegated_user":"a@example.com"}`},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"-----BEGIN PRIVATE KEY-----\na/b\n-----END PRIVATE KEY-----"}`, ""},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":" {\"n\":\"a/b\"}"}`, ""},
		{M365, Static, `{"client_id":"c","client_secret":"it's~$(x)\"é","tenant_id":"t"}`, ""},
	} {
		for _, patch := range []bool{false, true} {
			stored, err := CheckSecret(one.kind, one.secretType, decode(t, one.given), patch)
			if err != nil {
				t.Errorf("%s %s %s: %s", one.kind, one.secretType, one.given, summary(err))
				continue
			}
			want := one.stored
			if want == "" {
				want = one.given
			}
			if got := string(stored[:]); got != want {
				t.Errorf("%s %s %s is stored as %s, want %s", one.kind, one.secretType, one.given, got, want)
			}
		}
	}
}

func TestCheckSecretRefuses(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		kind        Type
		secretType  string
		given, want string
	}{
		{AWS, Static, `{}`, "secret/aws_access_key_id required, secret/aws_secret_access_key required"},
		{AWS, Static, `{"aws_access_key_id":"a"}`, "secret/aws_secret_access_key required"},
		{AWS, Static, `{"aws_access_key_id":"","aws_secret_access_key":" \t\n"}`, "secret/aws_access_key_id blank, secret/aws_secret_access_key blank"},
		{AWS, Static, `{"aws_access_key_id":null,"aws_secret_access_key":"b"}`, "secret/aws_access_key_id null"},
		{AWS, Static, `{"aws_access_key_id":["a"],"aws_secret_access_key":true}`, "secret/aws_access_key_id invalid, secret/aws_secret_access_key invalid"},
		{AWS, Static, `{"aws_access_key_id":"a","aws_secret_access_key":"b","aws_session_token":null}`, "secret/aws_session_token null"},
		{AWS, Static, `{"aws_access_key_id":"a\u0000","aws_secret_access_key":"b"}`, "secret/aws_access_key_id null_characters_not_allowed"},
		{AWS, Static, `{` + roleARN + `}`, "secret/aws_access_key_id required, secret/aws_secret_access_key required"},
		{AWS, Static, `{"AWS_ACCESS_KEY_ID":"a","aws_secret_access_key":"b"}`, "secret/aws_access_key_id required"},
		{Azure, Static, `{"client_id":"c","client_secret":"s"}`, "secret/tenant_id required"},
		{GCP, Static, `{"service_account_key":{}}`, "secret/client_id required, secret/client_secret required, secret/refresh_token required"},
		{Kubernetes, Static, `{}`, "secret/kubeconfig_content required"},
		{Kubernetes, Static, `{"kubeconfig_content":""}`, "secret/kubeconfig_content blank"},
		{Kubernetes, Static, `{"kubeconfig_content":{"users":[]}}`, "secret/kubeconfig_content invalid"},
		{Kubernetes, Static, `{"kubeconfig_content":"users: {}"}`, "secret/kubeconfig_content invalid"},
		{M365, Static, `{}`, "secret/client_id required, secret/tenant_id required"},
		{M365, Static, `{"client_id":"c","tenant_id":"t"}`, "secret/non_field_errors invalid"},
		{M365, Static, `{"client_id":"c","tenant_id":"t","client_secret":"s","certificate_content":"aGVsbG8="}`, "secret/non_field_errors invalid"},
		{M365, Static, `{"client_id":"c","tenant_id":"t","client_secret":"s","user":"admin","password":"p"}`, "secret/user invalid"},
		{M365, Static, `{"client_id":"c","tenant_id":"t","certificate_content":"***"}`, "secret/certificate_content/certificate_content m365-certificate-content"},
		{M365, Static, `{"client_id":"c","certificate_content":"aGVsbG8"}`, "secret/tenant_id required, secret/certificate_content/certificate_content m365-certificate-content"},
		{GitHub, Static, `{"personal_access_token":""}`, "secret/personal_access_token blank"},
		{GitHub, Static, `{"github_app_id":"abc"}`, "secret/github_app_id invalid"},
		{GitHub, Static, `{"github_app_id":""}`, "secret/github_app_id invalid"},
		{GitHub, Static, `{"github_app_id":true}`, "secret/github_app_id invalid"},
		{GitHub, Static, `{"github_app_id":[1]}`, "secret/github_app_id invalid"},
		{GitHub, Static, `{"github_app_id":1e400}`, "secret/github_app_id invalid"},
		{GitHub, Static, `{"github_app_id":"1_000"}`, "secret/github_app_id invalid"},
		{GitHub, Static, `{"github_app_id":"` + strings.Repeat("1", 1001) + `"}`, "secret/github_app_id max_string_length"},
		{GitHub, Static, `{"github_app_id":null}`, "secret/github_app_id null"},
		{GitHub, Static, `{"oauth_app_token":[]}`, "secret/oauth_app_token invalid"},
		{MongoDBAtlas, Static, `{"atlas_public_key":"p"}`, "secret/atlas_private_key required"},
		{IaC, Static, `{"access_token":"t"}`, "secret/repository_url required"},
		{IaC, Static, `{"repository_url":"x","access_token":""}`, "secret/access_token blank"},
		{OracleCloud, Static, `{}`, "secret/user required, secret/fingerprint required, secret/tenancy required"},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t"}`, "secret/key_file invalid"},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","key_content":"k"}`, "secret/tenancy required"},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t","key_content":""}`, "secret/key_content blank"},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t","key_file":""}`, "secret/key_file blank"},
		{AlibabaCloud, Static, `{"access_key_id":"a"}`, "secret/access_key_secret required"},
		{Cloudflare, Static, `{}`, "secret invalid"},
		{Cloudflare, Static, `{"api_key":"k"}`, "secret invalid"},
		{Cloudflare, Static, `{"api_email":"ops@example.com"}`, "secret invalid"},
		{Cloudflare, Static, `"api_token"`, "secret invalid"},
		{Cloudflare, Static, `["api_token"]`, "secret invalid"},
		{Cloudflare, Static, `5`, "secret invalid"},
		{Cloudflare, Static, `true`, "secret invalid"},
		{Cloudflare, Static, `{"api_key":"k","api_email":"ops"}`, "secret/api_email invalid"},
		{Cloudflare, Static, `{"api_token":"","api_key":"k","api_email":"ops@example.com"}`, "secret/api_token blank"},
		{OpenStack, Static, `{"clouds_yaml_content":"clouds: {}"}`, "secret/clouds_yaml_cloud required"},
		{Image, Static, `{"registry_username":"u"}`, "secret/non_field_errors invalid"},
		{Image, Static, `{"registry_password":"p"}`, "secret/non_field_errors invalid"},
		{Image, Static, `{"registry_token":""}`, "secret/registry_token blank"},
		{GoogleWorkspace, Static, `{"credentials_content":"{}","delegated_user":"admin"}`, "secret/delegated_user invalid"},
		{GoogleWorkspace, Static, `{"credentials_content":{"a":1},"delegated_user":"admin@example.com"}`, "secret/credentials_content invalid"},
		{GoogleWorkspace, Static, `{"credentials_content":"{\"credential_source\":{}}","delegated_user":"admin@example.com"}`, "secret/credentials_content invalid"},
		{Vercel, Static, `{"api_token":null}`, "secret/api_token null"},
		{Okta, Static, `{"okta_client_id":"c"}`, "secret/okta_private_key required"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":"okta.users.read"}`, "secret/okta_scopes not_a_list"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":null}`, "secret/okta_scopes null"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":["a",{"b":1},"",null]}`,
			"secret/okta_scopes/1 invalid, secret/okta_scopes/2 blank, secret/okta_scopes/3 null"},
		{AWS, Role, `{}`, "secret/role_arn required, secret/external_id required"},
		{AWS, Role, `{` + roleARN + `,"session_duration":899}`, "secret/session_duration min_value"},
		{AWS, Role, `{` + roleARN + `,"session_duration":-1e3}`, "secret/session_duration min_value"},
		{AWS, Role, `{` + roleARN + `,"session_duration":43201}`, "secret/session_duration max_value"},
		{AWS, Role, `{` + roleARN + `,"session_duration":99999999999999999999}`, "secret/session_duration max_value"},
		{AWS, Role, `{` + roleARN + `,"session_duration":"long"}`, "secret/session_duration invalid"},
		{AWS, Role, `{` + roleARN + `,"session_duration":900.5}`, "secret/session_duration invalid"},
		{AWS, Role, `{` + roleARN + `,"session_duration":null}`, "secret/session_duration null"},
		{AWS, Role, `{` + roleARN + `,"role_session_name":""}`, "secret/role_session_name blank"},
		{AWS, Role, `"role"`, "secret/non_field_errors invalid"},
		{AWS, Role, `[]`, "secret/non_field_errors invalid"},
		{AWS, Role, `5`, "secret/non_field_errors invalid"},
		{AlibabaCloud, Role, `{}`, "secret/role_arn required, secret/access_key_id required, secret/access_key_secret required"},
		{Azure, Role, `{` + roleARN + `}`, "secret_type invalid"},
		{Cloudflare, Role, `{"api_token":"t"}`, "secret_type invalid"},
		{GCP, ServiceAccount, `{}`, "secret/service_account_key required"},
		{GCP, ServiceAccount, `{"service_account_key":null}`, "secret/service_account_key null"},
		{GCP, ServiceAccount, `{"service_account_key":{"type":"external_account","credential_source":{"file":"/etc/passwd"}}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"source_credentials":[{"Credential_Source":{"executable":{"command":"id"}}}]}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":" {\"credential_source\":null}"}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"type":"external_account"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"type":"impersonated_service_account"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"type":"gdch_service_account","ca_cert_path":"/etc/passwd"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"x":[{"Executable":{"command":"id"}}]}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"\u0063redential_source":1}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"token_uri":"http://169.254.169.254/"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"token_uri":"https://oauth2.googleapis.com.evil.example/"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"token_uri":"https://evil.example#.googleapis.com"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"token_uri":"https://a@oauth2.googleapis.com/"}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":{"token_uri":["https://oauth2.googleapis.com/token"]}}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "secret/service_account_key invalid"},
		{GCP, ServiceAccount, `{"service_account_key":"` + strings.Repeat("x", maxSecret) + `"}`, "secret/non_field_errors invalid"},
		// A parser that takes NaN, or the last of two, would see what ours does not.
		{GoogleWorkspace, Static, `{"credentials_content":"{\"a\":NaN,\"credential_source\":{}}","delegated_user":"a@example.com"}`, "secret/credentials_content invalid"},
		{GoogleWorkspace, Static, `{"credentials_content":"{\"a\":1}{\"credential_source\":{}}","delegated_user":"a@example.com"}`, "secret/credentials_content invalid"},
		{GoogleWorkspace, Static, `{"credentials_content":"{\"type\":\"service_account\",\"type\":\"external_account\"}","delegated_user":"a@example.com"}`, "secret/credentials_content invalid"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"/etc/ssl/private/key.pem"}`, "secret/okta_private_key invalid"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":" ../key.pem"}`, "secret/okta_private_key invalid"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"\u001c/etc/key"}`, "secret/okta_private_key invalid"},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"-----BEGINNING/../../key"}`, "secret/okta_private_key invalid"},
		{M365, Static, `{"client_id":"c","client_secret":"\u2019; whoami; \u2018","tenant_id":"t"}`, "secret/client_secret invalid"},
		{M365, Static, `{"client_id":"c","client_secret":"x\u201a","tenant_id":"t"}`, "secret/client_secret invalid"},
		{M365, Static, `{"client_id":"c","client_secret":"x\u201b","tenant_id":"t"}`, "secret/client_secret invalid"},
		{M365, Static, `{"client_id":"c","client_secret":"x\nwhoami","tenant_id":"t"}`, "secret/client_secret invalid"},
		{M365, Static, `{"client_id":"c","client_secret":"x\u0085","tenant_id":"t"}`, "secret/client_secret invalid"},
		{M365, Static, `{"client_id":"c","client_secret":"s","tenant_id":"t","user":"a@example.com","password":"\u2019"}`, "secret/password invalid"},
		{OpenStack, Static, `{"clouds_yaml_cloud":"main","clouds_yaml_content":"clouds: {main: {cacert: /etc/passwd}}"}`, "secret/clouds_yaml_content invalid"},
		{OpenStack, Static, `{"clouds_yaml_cloud":"main","clouds_yaml_content":"a: b\n---\nc: d"}`, "secret/clouds_yaml_content invalid"},
		{Vercel, Static, `{"api_token":"` + strings.Repeat("é", maxText+1) + `"}`, "secret/api_token max_length"},
		{AWS, "kerberos", `{}`, "secret_type invalid_choice"},
		{AWS, "", `{}`, "secret_type invalid_choice"},
		{"nope", Static, `{}`, "provider invalid_choice"},
	} {
		for _, patch := range []bool{false, true} {
			stored, err := CheckSecret(one.kind, one.secretType, decode(t, one.given), patch)
			if got := summary(err); got != one.want || stored != nil {
				t.Errorf("%s %s %s:\n got %s\nwant %s", one.kind, one.secretType, one.given, got, one.want)
			}
		}
	}
}

func TestCheckSecretTexts(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		kind              Type
		secretType, given string
		patch             bool
		want              string
	}{
		{AWS, Static, `null`, false, "/data/attributes/secret null This field may not be null."},
		{AWS, Static, `null`, true, "/data/attributes/secret/non_field_errors null No data provided"},
		{AWS, Static, `"x"`, false, "/data/attributes/secret/non_field_errors invalid Invalid data. Expected a dictionary, but got str."},
		{AWS, Static, `[1]`, false, "/data/attributes/secret/non_field_errors invalid Invalid data. Expected a dictionary, but got list."},
		{AWS, Static, `5`, false, "/data/attributes/secret/non_field_errors invalid Invalid data. Expected a dictionary, but got int."},
		{AWS, Static, `5.0`, false, "/data/attributes/secret/non_field_errors invalid Invalid data. Expected a dictionary, but got float."},
		{AWS, Static, `true`, false, "/data/attributes/secret/non_field_errors invalid Invalid data. Expected a dictionary, but got bool."},
		{Vercel, Static, `{}`, false, "/data/attributes/secret/api_token required This field is required."},
		{Vercel, Static, `{"api_token":null}`, false, "/data/attributes/secret/api_token null This field may not be null."},
		{Vercel, Static, `{"api_token":""}`, false, "/data/attributes/secret/api_token blank This field may not be blank."},
		{Vercel, Static, `{"api_token":{}}`, false, "/data/attributes/secret/api_token invalid Not a valid string."},
		{Vercel, Static, `{"api_token":"\u0000x"}`, false, "/data/attributes/secret/api_token null_characters_not_allowed Null characters are not allowed."},
		{GitHub, Static, `{"github_app_id":"x"}`, false, "/data/attributes/secret/github_app_id invalid A valid integer is required."},
		{AWS, Role, `{` + roleARN + `,"session_duration":1}`, false, "/data/attributes/secret/session_duration min_value Ensure this value is greater than or equal to 900."},
		{AWS, Role, `{` + roleARN + `,"session_duration":99999}`, false, "/data/attributes/secret/session_duration max_value Ensure this value is less than or equal to 43200."},
		{Okta, Static, `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":"x"}`, false,
			`/data/attributes/secret/okta_scopes not_a_list Expected a list of items but got type "str".`},
		{GoogleWorkspace, Static, `{"credentials_content":"{}","delegated_user":"a"}`, false, "/data/attributes/secret/delegated_user invalid Enter a valid email address."},
		{Cloudflare, Static, `{}`, true,
			"/data/attributes/secret invalid Cloudflare credentials must include either 'api_token' or both 'api_key' and 'api_email'."},
		{M365, Static, `{"client_id":"c","tenant_id":"t"}`, false,
			"/data/attributes/secret/non_field_errors invalid You must provide either client_secret or certificate_content."},
		{M365, Static, `{"client_id":"c","tenant_id":"t","client_secret":"s","certificate_content":"YQ=="}`, false,
			"/data/attributes/secret/non_field_errors invalid You cannot provide both client_secret and certificate_content."},
		{M365, Static, `{"client_id":"c","tenant_id":"t","certificate_content":"***"}`, false,
			"/data/attributes/secret/certificate_content/certificate_content m365-certificate-content The provided certificate content is not valid base64 encoded data: Only base64 data is allowed"},
		{M365, Static, `{"client_id":"c","tenant_id":"t","certificate_content":"aGVs\nbG8="}`, false,
			"/data/attributes/secret/certificate_content/certificate_content m365-certificate-content The provided certificate content is not valid base64 encoded data: Only base64 data is allowed"},
		{M365, Static, `{"client_id":"c","tenant_id":"t","certificate_content":"aGVsbG8"}`, false,
			"/data/attributes/secret/certificate_content/certificate_content m365-certificate-content The provided certificate content is not valid base64 encoded data: Incorrect padding"},
		{OracleCloud, Static, `{"user":"u","fingerprint":"f","tenancy":"t"}`, false,
			"/data/attributes/secret/key_file invalid Either key_file or key_content must be provided."},
		{Image, Static, `{"registry_username":"u"}`, false,
			"/data/attributes/secret/non_field_errors invalid registry_password is required when registry_username is provided."},
		{Image, Static, `{"registry_password":"p"}`, false,
			"/data/attributes/secret/non_field_errors invalid registry_username is required when registry_password is provided."},
		{Okta, Role, `{}`, false, "/data/attributes/secret_type invalid Role assumption not supported for provider type: okta"},
		{AWS, "kerberos", `{}`, false, `/data/attributes/secret_type invalid_choice "kerberos" is not a valid choice.`},
	} {
		_, err := CheckSecret(one.kind, one.secretType, decode(t, one.given), one.patch)
		refused, _ := jsonapi.AsErrors(err)
		if len(refused) != 1 {
			t.Errorf("%s %s: %d errors", one.kind, one.given, len(refused))
			continue
		}
		if got := fmt.Sprintf("%s %s %s", refused[0].Pointer, refused[0].Code, refused[0].Detail); got != one.want || refused[0].Status != 400 {
			t.Errorf("%s %s:\n got %d %s\nwant 400 %s", one.kind, one.given, refused[0].Status, got, one.want)
		}
	}
}

func TestEverySchemaIsThere(t *testing.T) {
	t.Parallel()
	for _, kind := range Types() {
		if _, ok := staticSchemas[kind]; !ok && kind != Cloudflare {
			t.Errorf("%s has no static schema", kind)
		}
	}
	for _, schemas := range []map[Type]schema{staticSchemas, roleSchemas} {
		for kind, one := range schemas {
			names := map[string]bool{}
			for _, field := range one.fields {
				if field.name == "" || field.read == nil || names[field.name] {
					t.Errorf("%s: field %q is empty or there twice", kind, field.name)
				}
				names[field.name] = true
			}
		}
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]bool{
		"ops@example.com":                      true,
		" ops@example.com ":                    true,
		"first.last+tag@sub.example.co":        true,
		"o'neil_{x}@example.org":               true,
		"ops@münchen.example":                  true,
		"ops@xn--mnchen-3ya.example":           true,
		"ops":                                  false,
		"ops@":                                 false,
		"@example.com":                         false,
		"ops@localhost-":                       false,
		"ops@example":                          false,
		"ops@-example.com":                     false,
		"ops@example..com":                     false,
		"o ps@example.com":                     false,
		".ops@example.com":                     false,
		"ops.@example.com":                     false,
		"a@b@example.com":                      false,
		"ops@example.com\nx":                   false,
		"ops@example.c":                        false,
		strings.Repeat("a", 320) + "@a.co":     false,
		"x@" + strings.Repeat("a", 64) + ".co": false,
	} {
		if _, refused := email("secret/x", given); (refused == nil) != want {
			t.Errorf("email(%.60q): %v", given, refused)
		}
	}
}

func FuzzCheckSecret(f *testing.F) {
	f.Add("aws", "static", `{"aws_access_key_id":1e5,"aws_secret_access_key":[]}`, false)
	f.Add("cloudflare", "static", `{"api_token":""}`, true)
	f.Add("gcp", "service_account", `{"service_account_key":"{\"credential_source\":1}"}`, false)
	f.Add("okta", "static", `{"okta_client_id":"c","okta_private_key":"k","okta_scopes":[null]}`, false)
	f.Add("openstack", "static", `{"clouds_yaml_content":"clouds: {main: {auth: &a {key: x}, profile: '//x'}}","clouds_yaml_cloud":"main"}`, false)
	f.Add("openstack", "static", `{"clouds_yaml_content":"not: [yaml","clouds_yaml_cloud":"main"}`, false)
	f.Add("googleworkspace", "static", `{"credentials_content":"{\"type\":1}","delegated_user":"a@example.com"}`, false)
	f.Add("m365", "static", `{"client_id":"c","client_secret":"\u2019","tenant_id":"t"}`, false)
	f.Add("kubernetes", "static", `{"kubeconfig_content":"users: [{user: {token: x}}]"}`, false)
	f.Fuzz(func(t *testing.T, kind, secretType, text string, patch bool) {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var given any
		if decoder.Decode(&given) != nil {
			return
		}
		stored, err := CheckSecret(Type(kind), secretType, given, patch)
		if err != nil {
			if refused, ok := jsonapi.AsErrors(err); !ok || len(refused) == 0 || refused.Status() != 400 {
				t.Errorf("error %v is no refusal", err)
			}
			return
		}
		var object map[string]any
		if err := json.Unmarshal(stored, &object); err != nil {
			t.Fatalf("stored %s: %v", string(stored[:]), err)
		}
		// What is stored passes the check again, unchanged: it is canonical. key_file alone is dropped.
		if Type(kind) == OracleCloud && object["key_content"] == nil {
			return
		}
		again, err := CheckSecret(Type(kind), secretType, decode(t, string(stored[:])), patch)
		if err != nil || string(again[:]) != string(stored[:]) {
			t.Errorf("stored %s, then %s, %v", string(stored[:]), string(again[:]), err)
		}
	})
}
