package signon_test

import (
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/samltest"
)

// TestRealProvider signs on through an identity provider of other hands, whichever way it signs.
func TestRealProvider(t *testing.T) {
	for _, sign := range []string{"assertion", "response", "both"} {
		t.Run(sign, func(t *testing.T) {
			provider := samltest.StartReal(t, "eve@corp.example", map[string]string{"firstName": "Eve", "lastName": "Äxample & Co", "userType": "auditor"}, sign)
			server := start(t)
			ada := server.SignUp(t, "Ada")
			ada.Post(t, "/saml-config", "saml-configurations", map[string]any{"email_domain": "corp.example", "metadata_xml": provider.Metadata}, nil).Want(t, 201)
			person := newBrowser(t)
			provider.Trust(t, person.get(t, page(server, "corp.example", "metadata/")).want(t, 200).body)
			form := person.get(t, page(server, "corp.example", "login/")).want(t, 200)
			form.body = []byte(strings.ReplaceAll(string(form.body), "\n", "")) // base64 in lines, as the provider has it
			ended := person.submit(t, form, nil).want(t, 302).location
			if !strings.HasPrefix(ended.String(), callbackURL) {
				t.Fatalf("ended at %s", ended)
			}
			access := redeem(t, server, ended.Query().Get("id")).Want(t, 200).String("/data/access")
			me := as(t, server, access, "GET", "/users/me", nil).Want(t, 200)
			if me.String("/data/attributes/name") != "Eve Äxample & Co" || held(t, ada, me.String("/data/id")) != "auditor true false" {
				t.Errorf("eve is %s, holds %s", me.Raw, held(t, ada, me.String("/data/id")))
			}
		})
	}
}
