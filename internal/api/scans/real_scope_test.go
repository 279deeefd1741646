package scans_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
)

// TestRealScansLookAtTheirScope has the SDK scan parts of an emulated account, within the services that the installation looks at.
func TestRealScansLookAtTheirScope(t *testing.T) {
	server := apitest.StartWith(t, apitest.Setup{Settings: realEngine(t)})
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	provider := connectReal(t, ada, enginetest.EmulatedAccount)
	ada.Patch(t, "/providers/"+provider, "providers", provider, map[string]any{"scan_scope": map[string]any{
		"regions": names("us-east-1"), "services": names("s3", "ec2"), "severities": names("high", "medium"), "excluded_checks": names("s3_bucket_no_mfa_delete"),
	}}, nil).Want(t, 200)
	for name, c := range map[string]struct {
		attributes map[string]any
		fits       func(check, severity string) bool
	}{
		"the provider's": {map[string]any{}, func(check, severity string) bool {
			return strings.HasPrefix(check, "s3_") && (severity == "high" || severity == "medium") && check != "s3_bucket_no_mfa_delete"
		}},
		"its own": {map[string]any{"scope": map[string]any{"checks": names("iam_password_policy_lowercase", "s3_bucket_object_versioning"), "excluded_services": names("s3")}},
			func(check, _ string) bool {
				return check == "iam_password_policy_lowercase"
			}},
		"a framework's": {map[string]any{"scope": map[string]any{"compliance": names("cis_1.5_aws"), "services": names("iam")}},
			func(check, _ string) bool { return strings.HasPrefix(check, "iam_") }},
	} {
		started := ada.Post(t, "/scans", "scans", c.attributes, map[string]any{"provider": apitest.One("providers", provider)}).Want(t, 202)
		if task := ended(t, ada, started.String("/data/id")); task.String("/data/attributes/state") != "completed" {
			t.Fatalf("%s: %s", name, task.Raw)
		}
		found := ada.Get(t, "/findings?page[size]=1000&filter[scan]="+started.String("/data/attributes/task_args/scan_id")).Want(t, 200)
		if found.Len("/data") == 0 {
			t.Errorf("%s: nothing was found", name)
		}
		for i := range found.Len("/data") {
			at := fmt.Sprintf("/data/%d/attributes/", i)
			if check, severity := found.String(at+"check_id"), found.String(at+"severity"); !c.fits(check, severity) {
				t.Errorf("%s: %s, %s", name, check, severity)
			}
		}
	}
	for scope, c := range map[*map[string]any]string{
		{"regions": names("us-east-1", "mars-north-1")}:                                "no region mars-north-1 of aws",
		{"checks": names("no_such_check")}:                                             "no check no_such_check of aws",
		{"excluded_services": names("no_such_service")}:                                "no service no_such_service of aws",
		{"compliance": names("nothing_1.0_aws")}:                                       "no compliance framework nothing_1.0_aws of aws",
		{"services": names("ec2")}:                                                     "do not look at the services",
		{"checks": names("s3_bucket_kms_encryption"), "severities": names("critical")}: "The scope selects no check.",
	} {
		task := ended(t, ada, scanWith(t, ada, provider, *scope).Want(t, 202).String("/data/id"))
		if task.String("/data/attributes/result/exc_type") != "EngineRefusedError" || !strings.Contains(task.String("/data/attributes/result/exc_message/0"), c) {
			t.Errorf("%v: %s", *scope, task.Raw)
		}
	}
}
