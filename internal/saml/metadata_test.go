package saml_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	crewjam "github.com/crewjam/saml"

	"github.com/palisade-sec/palisade/internal/saml"
	"github.com/palisade-sec/palisade/internal/samltest"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	first, second := key(t), key(t)
	good := samltest.Metadata(idp, "https://idp.example.com/sso", first, second)
	read, err := saml.ParseMetadata(good)
	if err != nil || read.EntityID != idp || read.SignOnURL != "https://idp.example.com/sso" || len(read.Certificates) != 2 {
		t.Fatalf("%+v, %v", read, err)
	}
	commented := `<?xml version="1.0" encoding="UTF-8"?><!-- made by hand -->` + good
	if _, err := saml.ParseMetadata(commented); err != nil {
		t.Errorf("with a comment: %v", err)
	}
	certificate := base64.StdEncoding.EncodeToString(first.Certificate.Raw)
	unreadable, err := saml.ParseMetadata(strings.ReplaceAll(good, certificate, "MIICnone"))
	if err != nil || len(unreadable.Certificates) != 1 {
		t.Errorf("with a certificate that is none: %+v, %v", unreadable, err)
	}
	post := strings.Replace(good, "<md:SingleSignOnService", `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/post"/><md:SingleSignOnService`, 1)
	if read, err := saml.ParseMetadata(post); err != nil || read.SignOnURL != "https://idp.example.com/sso" {
		t.Errorf("of two bindings %q is taken, %v", read.SignOnURL, err)
	}
	for name, one := range map[string]struct {
		text string
		want saml.Refusal
	}{
		"text":                {"just text", saml.NotXML},
		"nothing":             {" ", saml.NotXML},
		"cut off":             {good[:len(good)-4], saml.NotXML},
		"a document type":     {`<!DOCTYPE a>` + good, saml.UnsafeXML},
		"entities":            {`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, saml.UnsafeXML},
		"another root":        {"<a/>", saml.NoEntityID},
		"no entity":           {strings.Replace(good, "entityID", "entity", 1), saml.NoEntityID},
		"a long entity":       {strings.Replace(good, idp, strings.Repeat("x", 1025), 1), saml.LongEntityID},
		"no sign-on":          {strings.Replace(good, "md:SingleSignOnService", "md:Other", 1), saml.NoSignOn},
		"a script":            {strings.Replace(good, "https://idp.example.com/sso", "javascript:alert(1)", 1), saml.NoSignOnURL},
		"a path":              {strings.Replace(good, "https://idp.example.com/sso", "/sso", 1), saml.NoSignOnURL},
		"no key":              {samltest.Metadata(idp, "https://idp.example.com/sso"), saml.NoCertificate},
		"a key to encrypt to": {strings.ReplaceAll(good, `use="signing"`, `use="encryption"`), saml.NoCertificate},
		"too large":           {good + strings.Repeat(" ", saml.MaxMetadata), saml.TooLarge},
	} {
		var refusal saml.Refusal
		if _, err := saml.ParseMetadata(one.text); !errors.As(err, &refusal) || refusal != one.want {
			t.Errorf("%s: %v, want %v", name, err, one.want)
		}
	}
}

func TestTheRequestAndOurMetadata(t *testing.T) {
	t.Parallel()
	provider, id := saml.Provider{EntityID: us, ACS: acs}, saml.NewRequestID()
	if id == saml.NewRequestID() || len(id) != 43 {
		t.Errorf("request id %q", id)
	}
	text, err := provider.RequestURL(saml.Metadata{EntityID: idp, SignOnURL: "https://idp.example.com/sso?tenant=1"}, id, now)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(text)
	if err != nil || address.Host != "idp.example.com" || address.Query().Get("tenant") != "1" {
		t.Fatalf("address %s, %v", text, err)
	}
	deflated, err := base64.StdEncoding.DecodeString(address.Query().Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	inflated, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		t.Fatal(err)
	}
	var request crewjam.AuthnRequest
	if err := xml.Unmarshal(inflated, &request); err != nil {
		t.Fatal(err)
	}
	if request.ID != id || request.Issuer.Value != us || request.AssertionConsumerServiceURL != acs || request.Destination != "https://idp.example.com/sso?tenant=1" ||
		request.NameIDPolicy == nil || *request.NameIDPolicy.Format != string(crewjam.EmailAddressNameIDFormat) {
		t.Errorf("request %s", inflated)
	}
	document, err := provider.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	var read crewjam.EntityDescriptor
	if err := xml.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	if !read.ValidUntil.IsZero() || strings.Contains(string(document), "validUntil") {
		t.Errorf("the metadata expires: %s", document)
	}
	if read.EntityID != us || read.SPSSODescriptors[0].AssertionConsumerServices[0].Location != acs || !*read.SPSSODescriptors[0].WantAssertionsSigned {
		t.Errorf("metadata %s", document)
	}
}

func TestDomains(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"example.com": true, "xn--bcher-kva.example": true, "a-b.example": true, "example": false, "": false, ".": false,
		"a..b": false, "-a.example": false, "a-.example": false, "Example.com": false, "bücher.example": false, "exаmple.com": false, "a b.example": false,
		"example.com.": false, "a@b.example": false, "a/b.example": false, strings.Repeat("a", 64) + ".example": false, strings.Repeat("a.", 127) + "example": false} {
		if saml.IsDomain(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
