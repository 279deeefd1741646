package demo_test

import (
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/demo"
)

// TestFillTwice fills a server, fills it again, and looks at what its people see.
func TestFillTwice(t *testing.T) {
	t.Parallel()
	server := apitest.StartWorking(t)
	for range 2 {
		if err := demo.Fill(t.Context(), server.URL, apitest.Password); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		email            string
		providers, total float64
	}{
		{"ana@harbour.example", 3, 39}, {"otto@harbour.example", 2, 18}, {"oda@harbour.example", 1, 21}, {"mia@mill.example", 1, 6},
	} {
		client := server.LogIn(t, row.email, "")
		if got := client.Get(t, "/providers").Want(t, 200).At("/meta/pagination/count"); got != row.providers {
			t.Errorf("%s sees %v providers, want %v", row.email, got, row.providers)
		}
		if got := client.Get(t, "/overviews/findings").Want(t, 200).At("/data/attributes/total"); got != row.total {
			t.Errorf("%s sees %v findings, want %v", row.email, got, row.total)
		}
	}
	ana := server.LogIn(t, "ana@harbour.example", "")
	if got := ana.Get(t, "/ingestions").Want(t, 200).At("/meta/pagination/count"); got != 4.0 {
		t.Errorf("%v files were handed in, want 4", got)
	}
	if got := ana.Get(t, "/tenants").String("/data/0/attributes/name"); !strings.Contains(got, "sample") {
		t.Errorf("the organisation %q is not marked as a sample", got)
	}
}

func TestGuideNamesEverybody(t *testing.T) {
	t.Parallel()
	guide := demo.Guide("http://here/api/v1", "the-password")
	for _, want := range []string{"API=http://here/api/v1", `"password":"the-password"`, "ana@", "otto@", "oda@", "mia@", "http://here/api/v1/docs"} {
		if !strings.Contains(guide, want) {
			t.Errorf("the guide does not say %q", want)
		}
	}
	if strings.Contains(guide, "%!") {
		t.Error("the guide is badly formatted")
	}
}
