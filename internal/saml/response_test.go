package saml_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/palisade-sec/palisade/internal/saml"
	"github.com/palisade-sec/palisade/internal/samltest"
)

const (
	idp     = "https://idp.example.com/metadata"
	us      = "urn:prowler.com:sp"
	acs     = "https://api.example.com/api/v1/accounts/saml/example.com/acs/"
	request = "id-0123456789"
	ada     = "ada@example.com"
)

// now is the moment of every test here.
var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// key signs for the identity provider; mallory is somebody else's.
var (
	key     = func(t testing.TB) samltest.Key { return samltest.NewKeyUntil(t, now.Add(time.Hour)) }
	mallory = key
)

func honest() samltest.Statement { return samltest.New(idp, ada, us, acs, request, now) }

func expect(t testing.TB, keys ...samltest.Key) saml.Expectation {
	t.Helper()
	from, err := saml.ParseMetadata(samltest.Metadata(idp, "https://idp.example.com/sso", keys...))
	if err != nil {
		t.Fatal(err)
	}
	return saml.Expectation{From: from, To: saml.Provider{EntityID: us, ACS: acs}, RequestID: request, Now: now}
}

func judge(encoded string, want saml.Expectation) (saml.Assertion, error) {
	response, err := saml.ReadResponse(encoded)
	if err != nil {
		return saml.Assertion{}, err
	}
	return response.Verify(want)
}

func TestAGoodResponse(t *testing.T) {
	t.Parallel()
	signer, old := key(t), key(t)
	for name, change := range map[string]func(*samltest.Statement){
		"signed assertion":   func(*samltest.Statement) {},
		"signed response":    func(s *samltest.Statement) { s.SignAssertion, s.SignResponse = false, true },
		"both signed":        func(s *samltest.Statement) { s.SignResponse = true },
		"SHA-512":            func(s *samltest.Statement) { s.SignatureMethod = dsig.RSASHA512SignatureMethod },
		"unspecified format": func(s *samltest.Statement) { s.Format = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" },
		"a clock that is fast": func(s *samltest.Statement) {
			s.IssueInstant, s.NotBefore = now.Add(50*time.Second), now.Add(50*time.Second)
		},
		"a clock that is slow": func(s *samltest.Statement) {
			s.Until, s.ConfirmUntil = now.Add(-50*time.Second), now.Add(-50*time.Second)
		},
		"unsigned, no destination": func(s *samltest.Statement) { s.Destination = "" },
	} {
		statement := honest()
		statement.Attributes = map[string]string{"firstName": "Ada", "userType": "auditor & more"}
		change(&statement)
		for _, keys := range [][]samltest.Key{{signer}, {old, signer}, {signer, old}} {
			read, err := judge(statement.Encode(t, signer), expect(t, keys...))
			if err != nil || read.NameID != ada || read.ID != statement.AssertionID || read.Attributes["firstName"] != "Ada" || read.Attributes["userType"] != "auditor & more" {
				t.Errorf("%s: %+v, %v", name, read, err)
			}
		}
	}
}

// TestResponsesThatProveNothing holds one reason of each kind why somebody must not be let in.
func TestResponsesThatProveNothing(t *testing.T) {
	t.Parallel()
	signer := key(t)
	for name, one := range map[string]struct {
		change func(*samltest.Statement)
		reason string
	}{
		"unsigned":             {func(s *samltest.Statement) { s.SignAssertion = false }, "neither the response nor the assertion is signed"},
		"expired":              {func(s *samltest.Statement) { s.Until = now.Add(-2 * time.Minute) }, "has expired"},
		"not yet valid":        {func(s *samltest.Statement) { s.NotBefore = now.Add(2 * time.Minute) }, "not valid yet"},
		"presented too late":   {func(s *samltest.Statement) { s.ConfirmUntil = now.Add(-2 * time.Minute) }, "not to be presented any more"},
		"presented whenever":   {func(s *samltest.Statement) { s.ConfirmUntil = time.Time{} }, "not to be presented any more"},
		"issued in the future": {func(s *samltest.Statement) { s.IssueInstant = now.Add(2 * time.Minute) }, "in the future"},
		"another audience":     {func(s *samltest.Statement) { s.Audience = "urn:other:sp" }, "another audience"},
		"no audience":          {func(s *samltest.Statement) { s.Audience = "" }, "names no audience"},
		"another recipient": {func(s *samltest.Statement) {
			s.Recipient = strings.Replace(acs, "example.com/acs", "example.org/acs", 1)
		}, "another recipient"},
		"another destination":             {func(s *samltest.Statement) { s.Destination = "https://elsewhere.example.com/acs/" }, "another address"},
		"signed without a destination":    {func(s *samltest.Statement) { s.Destination, s.SignResponse = "", true }, "another address"},
		"another issuer":                  {func(s *samltest.Statement) { s.Issuer = "https://evil.example.com" }, "another identity provider"},
		"unsolicited":                     {func(s *samltest.Statement) { s.InResponseTo, s.ConfirmInResponseTo = "", "" }, "another request"},
		"to another request":              {func(s *samltest.Statement) { s.InResponseTo, s.ConfirmInResponseTo = "id-1", "id-1" }, "another request"},
		"a statement for another request": {func(s *samltest.Statement) { s.ConfirmInResponseTo = "id-1" }, "another request"},
		"an unsolicited statement":        {func(s *samltest.Statement) { s.ConfirmInResponseTo = "" }, "another request"},
		"failed":                          {func(s *samltest.Statement) { s.Status = "urn:oasis:names:tc:SAML:2.0:status:Responder" }, "reports a failure"},
		"a transient name":                {func(s *samltest.Statement) { s.Format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" }, "no e-mail address"},
		"SHA-1":                           {func(s *samltest.Statement) { s.SignatureMethod = dsig.RSASHA1SignatureMethod }, "algorithm that is not accepted"},
		"a digest by SHA-1":               {func(s *samltest.Statement) { s.Digest = "http://www.w3.org/2000/09/xmldsig#sha1" }, "algorithm that is not accepted"},
		"a digest by MD5":                 {func(s *samltest.Statement) { s.Digest = "http://www.w3.org/2001/04/xmldsig-more#md5" }, "algorithm that is not accepted"},
		"tampered with": {func(s *samltest.Statement) {
			s.After = func(r *etree.Element) { r.FindElement("./Assertion/Subject/NameID").SetText("root@example.com") }
		}, "could not be verified"},
		"an attribute added": {func(s *samltest.Statement) {
			s.SignAssertion, s.SignResponse = false, true
			s.After = func(r *etree.Element) { r.FindElement("./Assertion").CreateElement("saml:AttributeStatement") }
		}, "could not be verified"},
		"a comment in the name": {func(s *samltest.Statement) {
			s.NameID = ada + ".evil.example"
			s.After = func(r *etree.Element) {
				name := r.FindElement("./Assertion/Subject/NameID")
				name.SetText(ada)
				name.CreateComment("")
				name.CreateText(".evil.example")
			}
		}, "a comment"},
		"a processing instruction in the name": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) { r.FindElement("./Assertion/Subject/NameID").CreateProcInst("x", "y") }
		}, "a processing instruction"},
		"two names": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) {
				r.FindElement("./Assertion/Subject").CreateElement("saml:NameID").SetText("root@example.com")
			}
		}, "2 NameID elements"},
		"an encrypted assertion": {func(s *samltest.Statement) {
			s.After = func(r *etree.Element) {
				r.RemoveChild(r.FindElement("./Assertion"))
				r.CreateElement("saml:EncryptedAssertion")
			}
		}, "encrypted"},
		"an unknown condition": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) {
				r.FindElement("./Assertion/Conditions").CreateElement("saml:OnlyOnSundays")
			}
		}, "condition that is not known"},
		"a holder of a key": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) {
				r.FindElement("./Assertion/Subject/SubjectConfirmation").CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
			}
		}, "nobody is said to be the subject"},
		"nobody logged in": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) {
				r.FindElement("./Assertion").RemoveChild(r.FindElement("./Assertion/AuthnStatement"))
			}
		}, "nobody has logged in"},
		"a session that ended": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) {
				r.FindElement("./Assertion/AuthnStatement").CreateAttr("SessionNotOnOrAfter", "2026-05-04T11:00:00Z")
			}
		}, "has ended"},
		"SAML 1.1": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) { r.FindElement("./Assertion").CreateAttr("Version", "1.1") }
		}, "another version"},
		"two assertions": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) {
				second := r.FindElement("./Assertion").Copy()
				second.CreateAttr("ID", "second")
				r.AddChild(second)
			}
		}, "an assertion where none belongs"},
		"the same id twice": {func(s *samltest.Statement) {
			s.Before = func(r *etree.Element) { r.CreateAttr("ID", r.FindElement("./Assertion").SelectAttrValue("ID", "")) }
		}, "an id stands twice"},
		"a reference to nothing in particular": {func(s *samltest.Statement) {
			s.After = func(r *etree.Element) {
				r.FindElement("./Assertion/Signature/SignedInfo/Reference").CreateAttr("URI", "")
			}
		}, "refers to another element"},
		"no transforms": {func(s *samltest.Statement) {
			s.After = func(r *etree.Element) {
				reference := r.FindElement("./Assertion/Signature/SignedInfo/Reference")
				reference.RemoveChild(reference.FindElement("./Transforms"))
			}
		}, "Transforms"},
		"an object in the signature": {func(s *samltest.Statement) {
			s.After = func(r *etree.Element) { r.FindElement("./Assertion/Signature").CreateElement("ds:Object") }
		}, "holds what does not belong there"},
	} {
		statement := honest()
		one.change(&statement)
		read, err := judge(statement.Encode(t, signer), expect(t, signer))
		if err == nil || !strings.Contains(err.Error(), one.reason) || read.NameID != "" {
			t.Errorf("%s: %+v, %v; want %q", name, read, err, one.reason)
		}
	}
}

// TestOnlyTheConfiguredKeyCounts: the certificate that a response brings along is of no account, good as its signature may be.
func TestOnlyTheConfiguredKeyCounts(t *testing.T) {
	t.Parallel()
	signer, other := key(t), mallory(t)
	if _, err := judge(honest().Encode(t, other), expect(t, signer)); err == nil {
		t.Error("a stranger's signature is accepted")
	}
	// The stranger's signature beside the certificate of the provider.
	forged := honest()
	forged.After = func(r *etree.Element) {
		r.FindElement("./Assertion/Signature/KeyInfo/X509Data/X509Certificate").SetText(base64.StdEncoding.EncodeToString(signer.Certificate.Raw))
	}
	if _, err := judge(forged.Encode(t, other), expect(t, signer)); err == nil {
		t.Error("a stranger's signature is accepted with a borrowed certificate")
	}
	// What is said about the key is not looked at.
	honestly := honest()
	honestly.After = func(r *etree.Element) {
		r.FindElement("./Assertion/Signature/KeyInfo/X509Data/X509Certificate").SetText(base64.StdEncoding.EncodeToString(other.Certificate.Raw))
	}
	if _, err := judge(honestly.Encode(t, signer), expect(t, signer)); err != nil {
		t.Errorf("the configured key is not enough: %v", err)
	}
	expired := samltest.NewKeyUntil(t, now.Add(-time.Hour))
	if _, err := judge(honest().Encode(t, expired), expect(t, expired)); err == nil {
		t.Error("a certificate that has ended is accepted")
	}
	both := honest()
	both.After = func(r *etree.Element) { // the outer signature is a stranger's
		outer := etree.NewDocument()
		other := honest()
		other.SignAssertion, other.SignResponse = false, true
		if err := outer.ReadFromBytes(other.Document(t, mallory(t))); err != nil {
			t.Fatal(err)
		}
		r.InsertChildAt(1, outer.Root().FindElement("./Signature"))
	}
	if _, err := judge(both.Encode(t, signer), expect(t, signer)); err == nil {
		t.Error("a bad signature is accepted beside a good one")
	}
	none := expect(t, signer)
	none.From.Certificates = nil
	if _, err := judge(honest().Encode(t, signer), none); err == nil {
		t.Error("a response is accepted without a key")
	}
}

// TestWrappedSignaturesProveNothing moves the signed element out of the way of a forged one, in the eight ways of Somorovsky
// et al., "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012), as testers number them, and in some more.
func TestWrappedSignaturesProveNothing(t *testing.T) {
	t.Parallel()
	signer := key(t)
	// forge makes a copy of an element about somebody else.
	forge := func(element *etree.Element, id string) *etree.Element {
		evil := element.Copy()
		evil.CreateAttr("ID", id)
		evil.FindElement(".//NameID").SetText("root@example.com")
		return evil
	}
	without := func(element *etree.Element) *etree.Element {
		if signature := element.FindElement("./Signature"); signature != nil {
			element.RemoveChild(signature)
		}
		return element
	}
	replace := func(root, with *etree.Element) {
		root.Child, root.Attr = nil, append([]etree.Attr(nil), with.Attr...)
		for len(with.Child) > 0 {
			root.AddChild(with.Child[0])
		}
	}
	response := func(wrap func(root *etree.Element)) samltest.Statement {
		statement := honest()
		statement.SignAssertion, statement.SignResponse, statement.After = false, true, wrap
		return statement
	}
	assertion := func(wrap func(root *etree.Element)) samltest.Statement {
		statement := honest()
		statement.After = wrap
		return statement
	}
	for name, statement := range map[string]samltest.Statement{
		"XSW1": response(func(r *etree.Element) { // the signed response inside the forged one's signature
			evil, original := forge(r, "evil"), without(r.Copy())
			evil.FindElement("./Signature").AddChild(original)
			replace(r, evil)
		}),
		"XSW2": response(func(r *etree.Element) { // the signed response before the signature
			evil, original := forge(r, "evil"), without(r.Copy())
			evil.InsertChildAt(1, original)
			replace(r, evil)
		}),
		"XSW3": assertion(func(r *etree.Element) { // a forged assertion before the signed one
			r.InsertChildAt(r.FindElement("./Assertion").Index(), without(forge(r.FindElement("./Assertion"), "evil")))
		}),
		"XSW4": assertion(func(r *etree.Element) { // the signed assertion inside a forged one
			original := r.FindElement("./Assertion")
			evil := without(forge(original, "evil"))
			r.RemoveChild(original)
			evil.AddChild(original)
			r.AddChild(evil)
		}),
		"XSW5": assertion(func(r *etree.Element) { // the signature in a forged assertion, what it signs behind
			original := r.FindElement("./Assertion")
			evil := forge(original, "evil")
			r.RemoveChild(original)
			r.AddChild(evil)
			r.AddChild(without(original))
		}),
		"XSW6": assertion(func(r *etree.Element) { // the signed assertion inside the signature in a forged one
			original := r.FindElement("./Assertion")
			evil := forge(original, "evil")
			r.RemoveChild(original)
			evil.FindElement("./Signature").AddChild(without(original))
			r.AddChild(evil)
		}),
		"XSW7": assertion(func(r *etree.Element) { // a forged assertion in an extension
			extensions := etree.NewElement("samlp:Extensions")
			extensions.AddChild(without(forge(r.FindElement("./Assertion"), "evil")))
			r.InsertChildAt(r.FindElement("./Assertion").Index(), extensions)
		}),
		"XSW8": assertion(func(r *etree.Element) { // the signed assertion in an object of the signature
			original := r.FindElement("./Assertion")
			evil := forge(original, "evil")
			r.RemoveChild(original)
			object := evil.FindElement("./Signature").CreateElement("ds:Object")
			object.AddChild(without(original))
			r.AddChild(evil)
		}),
		"the same id": assertion(func(r *etree.Element) {
			original := r.FindElement("./Assertion")
			r.InsertChildAt(original.Index(), without(forge(original, original.SelectAttrValue("ID", ""))))
		}),
		"the same id, inside": assertion(func(r *etree.Element) {
			original := r.FindElement("./Assertion")
			evil := forge(original, original.SelectAttrValue("ID", ""))
			r.RemoveChild(original)
			evil.FindElement("./Subject").AddChild(original)
			r.AddChild(evil)
		}),
		"a forged assertion in a signed response": assertion(func(r *etree.Element) {
			original := r.FindElement("./Assertion")
			r.RemoveChild(original)
			r.AddChild(without(forge(original, "evil")))
			r.InsertChildAt(1, original.FindElement("./Signature"))
		}),
		"an assertion of another namespace": assertion(func(r *etree.Element) {
			evil := without(forge(r.FindElement("./Assertion"), "evil"))
			evil.CreateAttr("xmlns:saml", "urn:evil")
			r.InsertChildAt(r.FindElement("./Assertion").Index(), evil)
		}),
		"a signature at the end": assertion(func(r *etree.Element) {
			original := r.FindElement("./Assertion")
			original.AddChild(original.FindElement("./Signature"))
		}),
		"a second reference": assertion(func(r *etree.Element) {
			info := r.FindElement("./Assertion/Signature/SignedInfo")
			info.AddChild(info.FindElement("./Reference").Copy())
		}),
		"a second signed info": assertion(func(r *etree.Element) {
			signature := r.FindElement("./Assertion/Signature")
			signature.InsertChildAt(0, signature.FindElement("./SignedInfo").Copy())
		}),
		"a second signature": assertion(func(r *etree.Element) {
			assertion := r.FindElement("./Assertion")
			assertion.InsertChildAt(1, assertion.FindElement("./Signature").Copy())
		}),
	} {
		read, err := judge(statement.Encode(t, signer), expect(t, signer))
		if err == nil {
			t.Errorf("%s: is believed to be %s", name, read.NameID)
			continue
		}
		t.Logf("%s: %v", name, err)
	}
}

// TestDocumentsThatAreNotRead: bombs, foreign files, oddities that two readers could take for different things.
func TestDocumentsThatAreNotRead(t *testing.T) {
	t.Parallel()
	signer := key(t)
	good := string(honest().Document(t, signer))
	for name, text := range map[string]string{
		"nothing":             "",
		"no XML":              "just text",
		"another document":    `<a xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>`,
		"an entity":           `<!DOCTYPE r [<!ENTITY x "ada">]>` + good,
		"a bomb":              `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>` + strings.Replace(good, ada, "&c;", 1),
		"a foreign file":      `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(good, ada, "&x;", 1),
		"a foreign type":      `<!DOCTYPE r SYSTEM "http://evil.example.com/r.dtd">` + good,
		"an unknown entity":   strings.Replace(good, ada, "&ada;", 1),
		"two roots":           good + good,
		"text behind":         good + "x",
		"cut off":             good[:len(good)-20],
		"a doubled attribute": strings.Replace(good, `Version="2.0"`, `Version="2.0" Version="2.0"`, 1),
		"another encoding":    `<?xml version="1.0" encoding="UTF-7"?>` + good,
		"an odd namespace":    strings.Replace(good, "<samlp:Response ", `<samlp:Response xmlns:x:y="urn:x" `, 1),
		"an odd name":         strings.Replace(good, "<samlp:Status>", "<samlp:Status:x>", 1),
		"deep":                strings.Replace(good, "<samlp:Status>", strings.Repeat("<x>", 50)+strings.Repeat("</x>", 50)+"<samlp:Status>", 1),
		"wide":                strings.Replace(good, "<samlp:Status>", strings.Repeat("<x/>", 5000)+"<samlp:Status>", 1),
		"a NUL":               strings.Replace(good, ada, "ada\x00@example.com", 1),
		"no UTF-8":            strings.Replace(good, ada, "\xff\xfe", 1),
	} {
		if _, err := judge(base64.StdEncoding.EncodeToString([]byte(text)), expect(t, signer)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := saml.ReadResponse("!"); err == nil {
		t.Error("what is not base64 is read")
	}
	if _, err := saml.ReadResponse(strings.Repeat("A", saml.MaxResponse+4)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a large response: %v", err)
	}
	// Line breaks, as in mail, are no fault.
	encoded := honest().Encode(t, signer)
	if _, err := judge(encoded[:76]+"\r\n"+encoded[76:], expect(t, signer)); err != nil {
		t.Errorf("base64 in lines: %v", err)
	}
}

// FuzzReadResponse: whatever is sent, reading it ends, and nothing is believed that the key has not signed.
func FuzzReadResponse(f *testing.F) {
	signer, other := key(f), mallory(f)
	want := expect(f, signer)
	f.Add(honest().Document(f, other))
	both := honest()
	both.SignResponse = true
	f.Add(both.Document(f, other))
	f.Add([]byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		if read, err := judge(base64.StdEncoding.EncodeToString(document), want); err == nil {
			t.Errorf("believed to be %q without a signature", read.NameID)
		}
	})
}
