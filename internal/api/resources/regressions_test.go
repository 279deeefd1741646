package resources_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

// TestAFilterThatMatchesNothing is answered with an empty page, not with a refusal.
func TestAFilterThatMatchesNothing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := ada.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	for _, pairs := range [][2]string{{"provider_id", uuid.NewString()}, {"provider_uid", "0"}, {"provider_alias__icontains", "%"}, {"provider_type", "okta"},
		{"provider_groups", uuid.NewString()}, {"uid", "none"}, {"name__icontains", "%"}, {"region", "moon"}, {"service__in", "a,b"}, {"type", "None"},
		{"tag_key", "none"}, {"tag_value", "%"}, {"tag", "none"}, {"groups", "none"}, {"search", "zzz"}} {
		for _, path := range []string{"/resources/latest", "/resources"} {
			query := query(path, "filter["+pairs[0]+"]", pairs[1], "include", "provider,findings")
			if path == "/resources" {
				query += "&filter[scan]=" + scan
			}
			if answer := ada.Get(t, query); count(t, answer) != 0 || answer.Len("/data") != 0 || answer.At("/included") != nil && answer.Len("/included") != 0 {
				t.Errorf("%s: %s", query, answer.Raw)
			}
		}
	}
}

// TestSparseFieldsOfOneTypeLeaveTheOthers: those of resources decide what is included, those of included types only their own.
func TestSparseFieldsOfOneTypeLeaveTheOthers(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 5})
	for fields, want := range map[string]int{"": 6, "fields[resources]=name": 0, "fields[resources]=name,provider": 1, "fields[resources]=findings": 5,
		"fields[findings]=uid": 6, "fields[findings]=": 6, "fields[providers]=alias": 6, "fields[scans]=name": 6} {
		answer := ada.Get(t, "/resources/latest?include=provider,findings&"+fields).Want(t, 200)
		if got := max(answer.Len("/included"), 0); got != want || answer.Len("/data") != 1 {
			t.Errorf("%q: %d included, want %d: %s", fields, got, want, answer.Raw)
		}
	}
}

// TestATenantWithoutResources: every list answers, also next to a tenant that has some, and with a provider that was never scanned.
func TestATenantWithoutResources(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	bob, ada := server.SignUp(t, "Bob"), server.SignUp(t, "Ada")
	bob.Connect(t, account, "Theirs")
	theirs := bob.Ingest(t, ocsftest.File{Account: account, Findings: 10})
	for _, name := range []string{"", "Mine"} {
		if name != "" {
			ada.Connect(t, account, name)
		}
		for _, path := range []string{"/resources/latest", "/resources?filter[updated_at]=" + today(), "/resources?filter[scan]=" + theirs,
			"/resources/latest?include=provider,findings&sort=name"} {
			answer := ada.Get(t, path)
			if count(t, answer) != 0 || answer.Len("/data") != 0 {
				t.Errorf("%s: %s", path, answer.Raw)
			}
		}
		for _, path := range []string{"/resources/metadata/latest", "/resources/metadata?filter[updated_at]=" + today()} {
			if answer := ada.Get(t, path).Want(t, 200); answer.Len("/data/attributes/services") != 0 {
				t.Errorf("%s: %s", path, answer.Raw)
			}
		}
	}
}

// TestALargeProviderBesideASmallOne: lists find the few resources of one provider among the many of another.
func TestALargeProviderBesideASmallOne(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Large")
	small := ada.Connect(t, other, "Small")
	ada.Ingest(t, ocsftest.File{Account: account, Findings: 5000})
	ada.Ingest(t, ocsftest.File{Account: other, Findings: 3})
	for query, want := range map[string]int{"": 1001, "filter[provider_id]=" + small: 1, "filter[provider_alias]=Small": 1, "filter[provider_uid__icontains]=2222": 1,
		"filter[provider_alias]=Large": 1000} {
		if got := count(t, ada.Get(t, "/resources/latest?"+query)); got != want {
			t.Errorf("%q: %d resources, want %d", query, got, want)
		}
	}
}
