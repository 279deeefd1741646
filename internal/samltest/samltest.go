// Package samltest is an identity provider for tests: one that people log in to over HTTP, and the means to say anything in a
// response, also what an honest provider never would. Tests only.
package samltest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlidp"
	dsig "github.com/russellhaering/goxmldsig"
)

// Key is what a provider signs with.
type Key struct {
	private     *rsa.PrivateKey
	Certificate *x509.Certificate
}

// NewKey makes a key whose certificate is valid today.
func NewKey(t testing.TB) Key {
	t.Helper()
	return NewKeyUntil(t, time.Now().Add(24*time.Hour))
}

// NewKeyUntil makes a key whose certificate ends at a moment.
func NewKeyUntil(t testing.TB, end time.Time) Key {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "identity provider of a test"},
		NotBefore: end.Add(-48 * time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return Key{private: private, Certificate: certificate}
}

// Metadata is the metadata of a provider with these signing keys.
func Metadata(entityID, signOn string, keys ...Key) string {
	var descriptors bytes.Buffer
	for _, key := range keys {
		fmt.Fprintf(&descriptors, `<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
			base64.StdEncoding.EncodeToString(key.Certificate.Raw))
	}
	return fmt.Sprintf(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID=%q>`+
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">%s`+
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location=%q/></md:IDPSSODescriptor></md:EntityDescriptor>`,
		entityID, descriptors.String(), signOn)
}

// Provider is an identity provider that runs over HTTP until the test ends.
type Provider struct {
	Key      Key
	EntityID string
	Metadata string

	url    string
	mutex  sync.Mutex
	people map[string]map[string]string // attributes, by address
}

// Start runs a provider.
func Start(t testing.TB) *Provider {
	t.Helper()
	provider := &Provider{Key: NewKey(t), people: make(map[string]map[string]string)}
	listener := httptest.NewUnstartedServer(nil)
	provider.url = "http://" + listener.Listener.Addr().String()
	base, err := url.Parse(provider.url)
	if err != nil {
		t.Fatal(err)
	}
	server, err := samlidp.New(samlidp.Options{URL: *base, Key: provider.Key.private, Certificate: provider.Key.Certificate,
		Logger: log.New(io.Discard, "", 0), Store: &samlidp.MemoryStore{}})
	if err != nil {
		t.Fatal(err)
	}
	server.IDP.SignatureMethod = dsig.RSASHA256SignatureMethod
	server.IDP.LoginURL = server.IDP.SSOURL // the log-in form goes on with the request that it interrupted
	server.IDP.AssertionMaker = provider
	listener.Config.Handler = server
	listener.Start()
	t.Cleanup(listener.Close)
	metadata, err := xml.Marshal(server.IDP.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	provider.EntityID, provider.Metadata = server.IDP.MetadataURL.String(), string(metadata)
	return provider
}

// Password is that of everybody at the provider.
const Password = "at-the-provider"

// Person makes somebody who can log in by their address, or changes what the provider says about them.
func (p *Provider) Person(t testing.TB, address string, attributes map[string]string) {
	t.Helper()
	p.mutex.Lock()
	p.people[address] = attributes
	p.mutex.Unlock()
	p.put(t, "/users/"+address, map[string]string{"email": address, "password": Password})
}

// Trust makes the provider answer the service of a metadata document.
func (p *Provider) Trust(t testing.TB, metadata []byte) {
	t.Helper()
	p.send(t, "/services/service", metadata)
}

func (p *Provider) put(t testing.TB, path string, value any) {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	p.send(t, path, encoded)
}

func (p *Provider) send(t testing.TB, path string, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("the identity provider answers %s to PUT %s", answer.Status, path)
	}
}

// MakeAssertion says who has logged in, with the attributes that this provider knows.
func (p *Provider) MakeAssertion(request *saml.IdpAuthnRequest, session *saml.Session) error {
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(request, session); err != nil {
		return err
	}
	request.Assertion.Subject.NameID.Format = string(saml.EmailAddressNameIDFormat)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var statement saml.AttributeStatement
	for name, value := range p.people[session.UserEmail] {
		statement.Attributes = append(statement.Attributes, saml.Attribute{Name: name,
			NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", Values: []saml.AttributeValue{{Type: "xs:string", Value: value}}})
	}
	if len(statement.Attributes) > 0 {
		request.Assertion.AttributeStatements = append(request.Assertion.AttributeStatements, statement)
	}
	return nil
}

// Statement is what a response says. New makes an honest one.
type Statement struct {
	Issuer, NameID, Format            string
	Audience, Recipient, Destination  string
	InResponseTo, ConfirmInResponseTo string
	AssertionID                       string
	IssueInstant, NotBefore, Until    time.Time
	ConfirmUntil                      time.Time
	Status                            string
	Attributes                        map[string]string
	SignResponse, SignAssertion       bool
	SignatureMethod                   string
	Digest                            string                        // digest algorithm to claim after signing; empty: the honest one
	Before                            func(response *etree.Element) // changes the document before it is signed
	After                             func(response *etree.Element) // changes the document after it is signed
}

// New is an honest statement about a person, for the service acs with that entity id, in answer to a request, at a moment.
func New(issuer, address, audience, acs, request string, now time.Time) Statement {
	return Statement{Issuer: issuer, NameID: address, Format: string(saml.EmailAddressNameIDFormat), Audience: audience, Recipient: acs, Destination: acs,
		InResponseTo: request, ConfirmInResponseTo: request, AssertionID: "a-" + fmt.Sprint(now.UnixNano()), IssueInstant: now,
		NotBefore: now.Add(-10 * time.Second), Until: now.Add(5 * time.Minute), ConfirmUntil: now.Add(5 * time.Minute), Status: saml.StatusSuccess,
		SignAssertion: true, SignatureMethod: dsig.RSASHA256SignatureMethod}
}

// Encode is the response as a browser posts it.
func (s Statement) Encode(t testing.TB, key Key) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString(s.Document(t, key))
}

// Document is the response as XML.
func (s Statement) Document(t testing.TB, key Key) []byte {
	t.Helper()
	response := s.response()
	if s.Before != nil {
		s.Before(response)
	}
	if s.SignAssertion {
		for _, assertion := range response.SelectElements("saml:Assertion") {
			s.sign(t, assertion, key)
		}
	}
	if s.SignResponse {
		s.sign(t, response, key)
	}
	if s.After != nil {
		s.After(response)
	}
	document := etree.NewDocument()
	document.SetRoot(response)
	encoded, err := document.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

const moment = "2006-01-02T15:04:05.000Z"

func (s Statement) response() *etree.Element {
	response := etree.NewElement("samlp:Response")
	for name, value := range map[string]string{"xmlns:samlp": "urn:oasis:names:tc:SAML:2.0:protocol", "xmlns:saml": "urn:oasis:names:tc:SAML:2.0:assertion",
		"ID": "r-" + s.AssertionID, "Version": "2.0", "IssueInstant": s.IssueInstant.UTC().Format(moment), "Destination": s.Destination, "InResponseTo": s.InResponseTo} {
		if value != "" {
			response.CreateAttr(name, value)
		}
	}
	response.CreateElement("saml:Issuer").SetText(s.Issuer)
	response.CreateElement("samlp:Status").CreateElement("samlp:StatusCode").CreateAttr("Value", s.Status)
	response.AddChild(s.assertion())
	return response
}

func (s Statement) assertion() *etree.Element {
	assertion := etree.NewElement("saml:Assertion")
	assertion.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	assertion.CreateAttr("ID", s.AssertionID)
	assertion.CreateAttr("Version", "2.0")
	assertion.CreateAttr("IssueInstant", s.IssueInstant.UTC().Format(moment))
	assertion.CreateElement("saml:Issuer").SetText(s.Issuer)
	subject := assertion.CreateElement("saml:Subject")
	id := subject.CreateElement("saml:NameID")
	id.CreateAttr("Format", s.Format)
	id.SetText(s.NameID)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	confirmation.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	data := confirmation.CreateElement("saml:SubjectConfirmationData")
	data.CreateAttr("Recipient", s.Recipient)
	if s.ConfirmInResponseTo != "" {
		data.CreateAttr("InResponseTo", s.ConfirmInResponseTo)
	}
	if !s.ConfirmUntil.IsZero() {
		data.CreateAttr("NotOnOrAfter", s.ConfirmUntil.UTC().Format(moment))
	}
	conditions := assertion.CreateElement("saml:Conditions")
	conditions.CreateAttr("NotBefore", s.NotBefore.UTC().Format(moment))
	conditions.CreateAttr("NotOnOrAfter", s.Until.UTC().Format(moment))
	if s.Audience != "" {
		conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(s.Audience)
	}
	statement := assertion.CreateElement("saml:AuthnStatement")
	statement.CreateAttr("AuthnInstant", s.IssueInstant.UTC().Format(moment))
	if len(s.Attributes) > 0 {
		attributes := assertion.CreateElement("saml:AttributeStatement")
		for name, value := range s.Attributes {
			one := attributes.CreateElement("saml:Attribute")
			one.CreateAttr("Name", name)
			one.CreateElement("saml:AttributeValue").SetText(value)
		}
	}
	return assertion
}

// sign puts a signature behind the issuer.
func (s Statement) sign(t testing.TB, element *etree.Element, key Key) {
	t.Helper()
	signer := dsig.NewDefaultSigningContext(dsig.TLSCertKeyStore(tls.Certificate{Certificate: [][]byte{key.Certificate.Raw}, PrivateKey: key.private, Leaf: key.Certificate}))
	signer.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := signer.SetSignatureMethod(s.SignatureMethod); err != nil {
		t.Fatal(err)
	}
	signature, err := signer.ConstructSignature(element, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.Digest != "" {
		signature.FindElement("./SignedInfo/Reference/DigestMethod").CreateAttr("Algorithm", s.Digest)
	}
	issuer := slices.IndexFunc(element.Child, func(one etree.Token) bool { child, ok := one.(*etree.Element); return ok && child.Tag == "Issuer" })
	element.InsertChildAt(issuer+1, signature)
}
