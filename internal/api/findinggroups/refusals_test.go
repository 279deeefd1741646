package findinggroups_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 60})
	theirs := bob.Connect(t, account, "Theirs")
	bob.Ingest(t, ocsftest.File{Account: account, Findings: 1})
	day := "filter[inserted_at]=" + today()
	for path, want := range map[string]struct {
		status        int
		code, pointer string
	}{
		"/finding-groups": {400, "required", "/data/attributes/inserted_at"},
		"/finding-groups?filter[scan]=" + uuid.NewString():                                  {400, "required", "/data/attributes/inserted_at"},
		"/finding-groups?filter[inserted_at__gte]=2024-01-01":                               {400, "invalid", "/data/attributes/inserted_at"},
		"/finding-groups?filter[inserted_at.lte]=" + today() + "T00:00:00Z":                 {400, "invalid", "/data/attributes/inserted_at__lte"},
		"/finding-groups?filter[inserted_at]=soon&sort=colour":                              {400, "invalid", "/data/attributes/inserted_at"},
		"/finding-groups?" + day + "&filter[provider_type.in]=cobol":                        {400, "invalid", "/data/attributes/provider_type__in"},
		"/finding-groups?" + day + "&filter[provider_type]=cobol":                           {400, "invalid", "/data/attributes/provider_type"},
		"/finding-groups?" + day + "&filter[status__in]=FAIL,none":                          {400, "invalid", "/data"},
		"/finding-groups?" + day + "&filter[severity__in]=none":                             {400, "invalid", "/data"},
		"/finding-groups?" + day + "&filter[resources]=x":                                   {400, "invalid", "/data/attributes/resources"},
		"/finding-groups?" + day + "&include=resources":                                     {400, "parse_error", "/data"},
		"/finding-groups/latest?sort=resource.uid":                                          {400, "invalid", "/data"},
		"/finding-groups/latest?page[number]=99":                                            {404, "not_found", "/data"},
		"/finding-groups/latest?page[number]=2&filter[check_id]=nothing":                    {404, "not_found", "/data"},
		"/finding-groups/latest?filter[check_id]=%00":                                       {400, "null_characters_not_allowed", "/data/attributes/check_id"},
		"/finding-groups/s3_sample_check_1":                                                 {405, "method_not_allowed", "/data"},
		"/finding-groups/s3_sample_check_1/resources":                                       {400, "required", "/data/attributes/inserted_at"},
		"/finding-groups/nothing/resources?" + day:                                          {404, "not_found", "/data"},
		"/finding-groups/nothing/resources?" + day + "&sort=colour":                         {400, "invalid", "/data"},
		"/finding-groups/a.b/resources?" + day:                                              {404, "not_found", "/data"},
		"/finding-groups/latest/nothing/resources":                                          {404, "not_found", "/data"},
		"/finding-groups/latest/s3_sample_check_1/resources?page[number]=99":                {404, "not_found", "/data"},
		"/finding-groups/latest/s3_sample_check_1/resources?filter[resources]=x":            {400, "invalid", "/data/attributes/id__in"},
		"/finding-groups/latest/s3_sample_check_1/resources?filter[provider]=x":             {400, "invalid", "/data/attributes/provider"},
		"/finding-groups/latest/s3_sample_check_1/resources?filter[provider]=" + theirs:     {400, "invalid", "/data/attributes/provider"},
		"/finding-groups/latest/s3_sample_check_1/resources?filter[provider__in]=" + theirs: {400, "invalid", "/data/attributes/provider__in"},
		"/finding-groups/latest/s3_sample_check_1/resources?sort=check_id":                  {400, "invalid", "/data"},
		"/finding-groups/latest/s3_sample_check_1/resources?page[after]=nonsense":           {400, "invalid", "<nil>"},
		"/finding-groups/latest?page[after]=nonsense":                                       {400, "invalid", "<nil>"},
	} {
		answer := ada.Get(t, path)
		pointer, ok := answer.At("/errors/0/source/pointer").(string)
		if !ok {
			pointer = "<nil>"
		}
		if answer.Status != want.status || answer.String("/errors/0/code") != want.code || pointer != want.pointer {
			t.Errorf("%s: %d %s", path, answer.Status, answer.Raw)
		}
	}
	if answer := ada.Get(t, "/finding-groups/latest/a.b/resources"); answer.Status != 404 || !strings.Contains(answer.Header.Get("Content-Type"), "html") {
		t.Errorf("a check id with a dot: %d %s", answer.Status, answer.Raw)
	}
	if answer := server.Anonymous().Get(t, "/finding-groups/s3_sample_check_1"); answer.Status != 401 {
		t.Errorf("a path without operations, to nobody: %d", answer.Status)
	}
	// What Bob's tenant has is his alone: one finding of one check.
	if groups := bob.Get(t, "/finding-groups/latest").Want(t, 200); groups.Len("/data") != 1 {
		t.Errorf("Bob sees %s", groups.Raw)
	}
	bob.Get(t, "/finding-groups/latest/s3_sample_check_1/resources").Want(t, 404)
	eve := ada.Member(t, "Eve", ada.Role(t, "blind", nil))
	if groups := eve.Get(t, "/finding-groups/latest").Want(t, 200); groups.Len("/data") != 0 {
		t.Errorf("who sees no provider sees %s", groups.Raw)
	}
	eve.Get(t, "/finding-groups/latest/s3_sample_check_1/resources").Want(t, 404)
}

// TestAGroupThatNewerScansDoNotHave: it is there, and nothing is in it.
func TestAGroupThatNewerScansDoNotHave(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 60})
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 1})
	if groups := ada.Get(t, "/finding-groups/latest").Want(t, 200); groups.Len("/data") != 1 {
		t.Errorf("the newest scan has groups %s", groups.Raw)
	}
	gone := "kms_sample_check_3"
	if resources := ada.Get(t, "/finding-groups/latest/"+gone+"/resources").Want(t, 200); resources.Len("/data") != 0 {
		t.Errorf("resources %s", resources.Raw)
	}
	if resources := ada.Get(t, "/finding-groups/"+gone+"/resources?filter[inserted_at]="+today()).Want(t, 200); resources.Len("/data") == 0 {
		t.Error("the older scan's resources are not of its day")
	}
}

// FuzzQuery sends queries of any kind: whatever they say, the answer is no failure of the server.
func FuzzQuery(f *testing.F) {
	server := apitest.Start(f)
	ada := server.SignUp(f, "Ada")
	provider := ada.Connect(f, account, "Main")
	scan := ada.Ingest(f, ocsftest.File{Account: account, Findings: 30})
	paths := []string{"/finding-groups", "/finding-groups/latest", "/finding-groups/s3_sample_check_1/resources", "/finding-groups/latest/s3_sample_check_1/resources"}
	day := "filter[inserted_at]=" + today()
	for i := range paths {
		for _, seed := range []string{day, day + "&filter[scan]=" + scan + "&sort=-severity,check_id", day + "&filter[updated_at]=" + today() + "&filter[uid]=a'b",
			day + "&filter[provider__in]=" + provider + ",,&filter[status__in]=,", "page[number]=last&page[size]=-1&" + day, day + "&page[number]=9223372036854775807",
			"filter[inserted_at__gte]=0001-01-01&filter[inserted_at__lte]=9999-12-31", "filter[inserted_at]=9999-12-31", "filter[inserted_at]=0001-01-01&filter[region]=x",
			day + "&filter[id__in]=" + uuid.NewString(), day + "&filter[region__icontains]=%25_%00", day + "&filter[resources]=,&filter[resource_name__in]=,",
			day + "&filter[muted]=True&filter[category__in]=a,b&filter[include_muted]=0", day + "&filter[check_title__icontains]=%F0%9F%98%80",
			day + "&page[after]=&sort=-failing_since,first_seen_at", day + "&sort=resource.name,-provider.alias&page[after]=MgAA"} {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, path uint8, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		target := paths[int(path)%len(paths)] + "?" + values.Encode()
		if answer := ada.Get(t, target); answer.Status >= 500 {
			t.Errorf("%s: %d %s", target, answer.Status, answer.Raw)
		}
	})
}
