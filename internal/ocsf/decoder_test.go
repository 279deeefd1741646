package ocsf_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/ocsf"
)

func heapBytes() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

func TestDecodeReadsWhatIsStored(t *testing.T) {
	t.Parallel()
	o := house(t)
	decoder := ocsf.NewDecoder(ocsf.Limits{}, nil)
	lamp, err := decoder.Decode([]byte(o[0]))
	if err != nil {
		t.Fatal(err)
	}
	check := lamp.Check
	lamp.Check = nil
	metadata := string(lamp.Resource.Metadata)
	lamp.Resource.Metadata = nil
	want := ocsf.Finding{
		UID: "prowler-aws-lamp_is_off-111122223333-eu-west-1-lamp-0", CheckID: "lamp_is_off", Status: "FAIL", StatusDetail: "Lamp 0 burns at night.",
		Severity: "medium", Provider: "aws", AccountUID: "111122223333", AccountName: "House", OrganizationUID: "o-1",
		Resource: ocsf.Resource{
			UID: "arn:aws:lamp:eu-west-1:111122223333:lamp/0", Name: "lamp-0", Region: "eu-west-1", Service: "lamp", Type: "Lamp", Partition: "aws",
			Tags: []ocsf.Tag{{"env", "prod"}, {"aws:house:room", "hall"}, {"note", "a:b"}},
		},
	}
	if !reflect.DeepEqual(lamp, want) {
		t.Errorf("got  %+v\nwant %+v", lamp, want)
	}
	if got := ocsf.MetadataText([]byte(metadata)); got != `{"name": "lamp-0", "bulbs": [1, 2], "place": "Flur \u00e0 gauche", "on": true}` {
		t.Errorf("metadata %s", got)
	}
	if check.Title != "The lamp is off at night" || check.Service != "lamp" || check.Categories[0] != "light" || check.Compliance["House-1.0"][0] != "1" || check.ResourceGroup != "" {
		t.Errorf("check %+v", check)
	}
}

func TestDecodeKeepsNothingOfTheFindingBefore(t *testing.T) {
	t.Parallel()
	o := house(t)
	decoder := ocsf.NewDecoder(ocsf.Limits{}, nil)
	if _, err := decoder.Decode([]byte(o[1])); err != nil {
		t.Fatal(err)
	}
	const bare = `{"severity_id": 1, "status_code": "PASS", "message": "m", "metadata": {"event_code": "c"}, "finding_info": {"uid": "u"}, "resources": [{}], "cloud": {"account": {"uid": "a"}}}`
	got, err := decoder.Decode([]byte(bare))
	if err != nil {
		t.Fatal(err)
	}
	const wantCheck = `{"additionalurls":[],"categories":[],"checkaliases":[],"checkid":"c","checktitle":"","checktype":[],"compliance":{},"dependson":[],` +
		`"description":"","notes":"","provider":"","relatedto":[],"relatedurl":"","remediation":{"code":{"cli":"","nativeiac":"","other":"","terraform":""},` +
		`"recommendation":{"text":"","url":""}},"resourcegroup":"","resourceidtemplate":"","resourcetype":"","risk":"","servicename":"","severity":"informational","subservicename":""}`
	if string(got.Check.JSON) != wantCheck {
		t.Errorf("check %s", got.Check.JSON)
	}
	got.Check = nil
	if want := (ocsf.Finding{UID: "u", CheckID: "c", Status: "PASS", StatusDetail: "m", Severity: "informational", AccountUID: "a"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeKubernetesAndMuted(t *testing.T) {
	t.Parallel()
	o := house(t)
	decoder := ocsf.NewDecoder(ocsf.Limits{}, nil)
	muted, err := decoder.Decode([]byte(o[1]))
	if err != nil || !muted.Muted || muted.Status != "PASS" {
		t.Errorf("muted: %+v, %v", muted, err)
	}
	pod, err := decoder.Decode([]byte(o[3]))
	if err != nil || pod.Resource.Region != "" || pod.Resource.Namespace != "hall" || pod.AccountUID != "house-cluster" || pod.Provider != "kubernetes" || pod.Resource.Tags != nil {
		t.Errorf("kubernetes: %+v, %v", pod, err)
	}
}

func TestDecodeRefusals(t *testing.T) {
	t.Parallel()
	base := house(t)[0]
	uid := "prowler-aws-lamp_is_off-111122223333-eu-west-1-lamp-0"
	change := func(old, new string) string {
		t.Helper()
		if !strings.Contains(base, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.ReplaceAll(base, old, new)
	}
	accounts := strings.NewReplacer(`"provider_uid":"111122223333",`, "", `"uid":"111122223333",`, "")
	for _, test := range []struct{ name, object, code, uid string }{
		{"no uid", change(uid, ""), ocsf.CodeMissingUID, ""},
		{"uid of 300 characters", change(uid, strings.Repeat("é", 300)), "", ""},
		{"uid of 301 characters", change(uid, strings.Repeat("é", 301)), ocsf.CodeUIDTooLong, ""},
		{"no check", change(`"event_code":"lamp_is_off"`, `"event_code":null`), ocsf.CodeMissingCheck, uid},
		{"long check", change(`"event_code":"lamp_is_off"`, `"event_code":"`+strings.Repeat("c", 101)+`"`), ocsf.CodeTextTooLong, uid},
		{"no status", change(`"status_code":"FAIL",`, ""), ocsf.CodeMissingStatus, uid},
		{"other status", change(`"status_code":"FAIL"`, `"status_code":"fail"`), ocsf.CodeInvalidStatus, uid},
		{"no severity", change(`"severity_id":3,"severity":"Medium",`, ""), ocsf.CodeMissingSeverity, uid},
		{"severity by number", change(`"severity":"Medium",`, ""), "", ""},
		{"other severity", change(`"severity":"Medium"`, `"severity":"Fatal"`), ocsf.CodeInvalidSeverity, uid},
		{"other severity number", change(`"severity_id":3,"severity":"Medium"`, `"severity_id":99`), ocsf.CodeInvalidSeverity, uid},
		{"no account", accounts.Replace(base), ocsf.CodeMissingAccount, uid},
		{"status text of 100 KB", change("Lamp 0 burns at night.", strings.Repeat("x", 100<<10)), ocsf.CodeStatusTextTooLong, uid},
		{"no resource", base[:strings.Index(base, `"resources":`)] + `"resources":[]}`, ocsf.CodeMissingResource, uid},
		{"two resources", change(`"resources":[{`, `"resources":[{},{`), ocsf.CodeManyResources, uid},
		{"long resource uid", change("arn:aws:lamp", strings.Repeat("a", 3000)), ocsf.CodeTextTooLong, uid},
		{"long label", change("env:prod", "env:"+strings.Repeat("a", 3000)), ocsf.CodeTextTooLong, uid},
		{"long category", change(`"categories":["light"]`, `"categories":["`+strings.Repeat("a", 101)+`"]`), ocsf.CodeTextTooLong, uid},
		{"NUL in a text", change("Flur", `\u0000Flur`), ocsf.CodeNULByte, uid},
		{"NUL in the uid", change(uid, uid+`\u0000`), ocsf.CodeNULByte, ""},
		{"escaped backslash before u0000", change("Flur", `\\u0000Flur`), "", ""},
		{"three backslashes before u0000", change("Flur", `\\\u0000Flur`), ocsf.CodeNULByte, uid},
		{"status is a number", change(`"status_code":"FAIL"`, `"status_code":7`), ocsf.CodeWrongType, ""},
		{"resources is an object", change(`"resources":[{`, `"resources":{"a":[{`) + "}", ocsf.CodeWrongType, ""},
		{"labels is a text", change(`"labels":["env:prod","aws:house:room:hall","note:a:b"]`, `"labels":"env:prod"`), ocsf.CodeWrongType, ""},
		{"title is a list", change(`"title":"The lamp is off at night"`, `"title":["x"]`), ocsf.CodeWrongType, uid},
		{"compliance is a list", change(`"compliance":{"House-1.0":["1"]}`, `"compliance":["1"]`), ocsf.CodeWrongType, uid},
		{"reference is a number", change(`"references":["https://example.org/lamp"]`, `"references":[1]`), ocsf.CodeWrongType, uid},
		{"category is null", change(`"categories":["light"]`, `"categories":null`), "", ""},
		{"more behind the object", base + "x", ocsf.CodeMalformed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ocsf.NewDecoder(ocsf.Limits{}, nil).Decode([]byte(test.object))
			if test.code == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			item, ok := errors.AsType[*ocsf.ItemError](err)
			if !ok || item.Code != test.code {
				t.Fatalf("got %v, want %s", err, test.code)
			}
			if test.uid != "" && item.UID != test.uid {
				t.Errorf("uid %q", item.UID)
			}
			if strings.ContainsRune(item.UID, 0) || len(item.UID) > 600 || len(item.Detail) > 300 {
				t.Errorf("error holds too much: %+v", item)
			}
		})
	}
}

func TestBelongsTo(t *testing.T) {
	t.Parallel()
	for i, test := range []struct {
		finding ocsf.Finding
		uid     string
		want    bool
	}{
		{ocsf.Finding{Provider: "aws", AccountUID: "1"}, "1", true},
		{ocsf.Finding{Provider: "aws", AccountUID: "1"}, "2", false},
		{ocsf.Finding{Provider: "aws", AccountUID: "o", OrganizationUID: "o"}, "2", false},
		{ocsf.Finding{Provider: "github", AccountUID: "Acme"}, "acme", true},
		{ocsf.Finding{Provider: "gcp", AccountUID: "Acme"}, "acme", false},
		{ocsf.Finding{Provider: "azure", AccountUID: "directory", OrganizationUID: "directory"}, "subscription", true},
		{ocsf.Finding{Provider: "azure", AccountUID: "other", OrganizationUID: "directory"}, "subscription", false},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if got := test.finding.BelongsTo(test.uid); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
