package saml

import (
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// MaxResponse bounds a response as it is sent, in bytes of base64.
const MaxResponse = 256 << 10

// Skew is how far the clock of an identity provider may be off.
const Skew = time.Minute

// Response is a response as a browser brought it. Nothing of it is to be believed before Verify.
type Response struct {
	root      *etree.Element
	assertion *etree.Element // as it was sent
	signed    []*etree.Element
}

// Expectation is what a response has to fit.
type Expectation struct {
	From      Metadata // the identity provider
	To        Provider // us
	RequestID string   // of the request that it has to answer
	Now       time.Time
}

// Assertion is what an identity provider says about somebody, once it is verified.
type Assertion struct {
	ID           string
	NotOnOrAfter time.Time // from then on it would not be accepted, the clocks' difference included
	NameID       string
	Attributes   map[string]string // first value of each, by name
}

// ReadResponse reads a response and checks its form: one response with one assertion in plain text, whose signatures stand
// where they belong and cover what they stand in. The errors are for the log: they hold nothing of the response's values.
func ReadResponse(encoded string) (*Response, error) {
	if len(encoded) > MaxResponse {
		return nil, errors.New("the response is too large")
	}
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil, errors.New("the response is not base64")
	}
	root, err := readDocument(text, responseForm)
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	if !is(root, protocolSpace, "Response") {
		return nil, errors.New("the document is no response")
	}
	response := &Response{root: root}
	if err := response.takeStock(); err != nil {
		return nil, err
	}
	return response, nil
}

// InResponseTo is the id of the request that the response says it answers: where to look for the request, and no more.
func (r *Response) InResponseTo() string { return attribute(r.root, "InResponseTo") }

// takeStock finds the assertion and the signatures, and refuses whatever could stand in for them: a second assertion or
// response anywhere, a signature anywhere else, an id that two elements have.
func (r *Response) takeStock() error {
	ids := make(map[string]bool)
	err := walk(r.root, func(element *etree.Element) error {
		for _, one := range element.Attr {
			if !strings.EqualFold(one.Key, "id") {
				continue
			}
			if one.Space != "" || one.Key != "ID" && one.Key != "Id" || one.Value == "" || ids[one.Value] {
				return errors.New("an id stands twice or in an unusual place")
			}
			ids[one.Value] = true
		}
		switch element.Tag {
		case "Assertion":
			if element.NamespaceURI() != assertionSpace || element.Parent() != r.root || r.assertion != nil {
				return errors.New("there is an assertion where none belongs")
			}
			r.assertion = element
		case "Response":
			if element != r.root {
				return errors.New("there is a response inside the response")
			}
		case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute", "NewEncryptedID", "EncryptedData":
			return errors.New("parts of the response are encrypted, which is not supported")
		case "Signature":
			parent := element.Parent()
			if parent != r.root && parent != r.assertion || !is(element, signatureSpace, "Signature") {
				return errors.New("there is a signature where none belongs")
			}
			r.signed = append(r.signed, parent)
			return checkSignature(element)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case r.assertion == nil:
		return cmp.Or(checkStatus(r.root), errors.New("there is no assertion"))
	case len(r.signed) == 0:
		return errors.New("neither the response nor the assertion is signed")
	case len(r.signed) == 2 && r.signed[0] == r.signed[1]:
		return errors.New("an element is signed twice")
	case len(r.signed) > 2:
		return errors.New("there are too many signatures")
	}
	return nil
}

// The algorithms that a signature may be made with. SHA-1 is none of them.
var (
	signatureMethods = map[string]bool{
		dsig.RSASHA256SignatureMethod: true, dsig.RSASHA384SignatureMethod: true, dsig.RSASHA512SignatureMethod: true,
		dsig.ECDSASHA256SignatureMethod: true, dsig.ECDSASHA384SignatureMethod: true, dsig.ECDSASHA512SignatureMethod: true,
	}
	digestMethods = map[string]bool{
		"http://www.w3.org/2001/04/xmlenc#sha256": true, "http://www.w3.org/2001/04/xmldsig-more#sha384": true,
		"http://www.w3.org/2001/04/xmlenc#sha512": true,
	}
	exclusive = string(dsig.CanonicalXML10ExclusiveAlgorithmId)
	enveloped = string(dsig.EnvelopedSignatureAltorithmId)
)

// checkSignature refuses signatures of any other form than the one that saml-core 5.4 describes: enveloped, right after the
// issuer, with one reference, to the element that it stands in.
func checkSignature(signature *etree.Element) error {
	parent := signature.Parent()
	position, elements := -1, parent.ChildElements()
	for i, one := range elements {
		if one == signature {
			position = i
		}
	}
	if position > 1 || position == 1 && !is(elements[0], assertionSpace, "Issuer") {
		return errors.New("a signature stands behind what it signs")
	}
	for _, child := range signature.ChildElements() {
		if child.NamespaceURI() != signatureSpace || child.Tag != "SignedInfo" && child.Tag != "SignatureValue" && child.Tag != "KeyInfo" {
			return errors.New("a signature holds what does not belong there")
		}
	}
	if _, err := sole(signature, signatureSpace, "SignatureValue"); err != nil {
		return err
	}
	info, err := sole(signature, signatureSpace, "SignedInfo")
	if err != nil {
		return err
	}
	if len(info.ChildElements()) != 3 {
		return errors.New("a signature refers to more than one element")
	}
	canonical, err := sole(info, signatureSpace, "CanonicalizationMethod")
	if err != nil {
		return err
	}
	method, err := sole(info, signatureSpace, "SignatureMethod")
	if err != nil {
		return err
	}
	reference, err := sole(info, signatureSpace, "Reference")
	if err != nil {
		return err
	}
	switch {
	case attribute(canonical, "Algorithm") != exclusive:
		return errors.New("a signature is not over exclusive canonical XML")
	case !signatureMethods[attribute(method, "Algorithm")]:
		return errors.New("a signature is made with an algorithm that is not accepted (RSA or ECDSA with SHA-256 or better are)")
	case attribute(parent, "ID") == "" || attribute(reference, "URI") != "#"+attribute(parent, "ID"):
		return errors.New("a signature refers to another element than the one that it stands in")
	}
	return checkReference(reference)
}

func checkReference(reference *etree.Element) error {
	digest, err := sole(reference, signatureSpace, "DigestMethod")
	if err != nil {
		return err
	}
	if !digestMethods[attribute(digest, "Algorithm")] {
		return errors.New("a digest is made with an algorithm that is not accepted (SHA-256 or better is)")
	}
	transforms, err := sole(reference, signatureSpace, "Transforms")
	if err != nil {
		return err
	}
	list := transforms.ChildElements()
	if len(list) != 2 || attribute(list[0], "Algorithm") != enveloped || attribute(list[1], "Algorithm") != exclusive {
		return errors.New("a signature transforms what it signs in an unusual way")
	}
	return nil
}

// Verify proves the response and returns what it says. Every signature that is there has to be good, by a key of the identity
// provider's metadata, never by one that the response brings along; the assertion is read from the bytes that the signature
// covers. The errors are for the log: they hold nothing of the response's values.
func (r *Response) Verify(want Expectation) (Assertion, error) {
	if len(want.From.Certificates) == 0 {
		return Assertion{}, errors.New("the identity provider's metadata has no certificate that can be read")
	}
	response, assertion := r.root, (*etree.Element)(nil)
	for _, element := range r.signed {
		covered, err := verifySignature(element, want.From.Certificates, want.Now)
		if err != nil {
			return Assertion{}, err
		}
		if !is(covered, element.NamespaceURI(), element.Tag) || attribute(covered, "ID") != attribute(element, "ID") {
			return Assertion{}, errors.New("the signature covers another element")
		}
		if element == r.root {
			response = covered
		} else {
			assertion = covered
		}
	}
	if assertion == nil { // the response's signature covers it
		var err error
		if assertion, err = sole(response, assertionSpace, "Assertion"); err != nil {
			return Assertion{}, err
		}
	}
	if err := checkResponse(response, response != r.root, want); err != nil {
		return Assertion{}, err
	}
	return readAssertion(assertion, want)
}

// verifySignature returns the element as the signature in it covers it, read again from the bytes that were digested.
func verifySignature(element *etree.Element, trusted []*x509.Certificate, now time.Time) (*etree.Element, error) {
	around, err := etreeutils.NSBuildParentContext(element)
	if err != nil {
		return nil, fmt.Errorf("read namespaces: %w", err)
	}
	if around, err = around.SubContext(element); err != nil {
		return nil, fmt.Errorf("read namespaces: %w", err)
	}
	var failure error
	for _, certificate := range trusted {
		alone, err := etreeutils.NSDetatch(around, element)
		if err != nil {
			return nil, fmt.Errorf("detach signed element: %w", err)
		}
		// The key is the metadata's. What the response says about keys is covered by nothing.
		signature, err := sole(alone, signatureSpace, "Signature")
		if err != nil {
			return nil, err
		}
		for _, info := range children(signature, signatureSpace, "KeyInfo") {
			signature.RemoveChild(info)
		}
		verifier := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
		verifier.Clock = dsig.NewFakeClockAt(now)
		covered, err := verifier.Validate(alone)
		if err == nil {
			return covered, nil
		}
		failure = err
	}
	return nil, fmt.Errorf("verify the signature of the %s: %w", strings.ToLower(element.Tag), failure)
}

// checkResponse looks at the response around the assertion. Where it is signed it has to say for which address it is.
func checkResponse(response *etree.Element, signed bool, want Expectation) error {
	if attribute(response, "Version") != "2.0" {
		return errors.New("the response is of another version")
	}
	if destination := attribute(response, "Destination"); destination != want.To.ACS && (destination != "" || signed) {
		return errors.New("the response is for another address")
	}
	if attribute(response, "InResponseTo") != want.RequestID || want.RequestID == "" {
		return errors.New("the response answers another request")
	}
	if len(children(response, assertionSpace, "Issuer")) > 0 {
		if err := checkIssuer(response, want.From); err != nil {
			return err
		}
	}
	if err := checkStatus(response); err != nil {
		return err
	}
	return checkInstant(response, want.Now)
}

func checkStatus(response *etree.Element) error {
	status, err := sole(response, protocolSpace, "Status")
	if err != nil {
		return err
	}
	code, err := sole(status, protocolSpace, "StatusCode")
	if err != nil {
		return err
	}
	if attribute(code, "Value") != saml.StatusSuccess {
		return errors.New("the identity provider reports a failure")
	}
	return nil
}

func checkIssuer(element *etree.Element, from Metadata) error {
	issuer, err := sole(element, assertionSpace, "Issuer")
	if err != nil {
		return err
	}
	if name, err := content(issuer); err != nil || name != from.EntityID {
		return errors.New("the issuer is another identity provider")
	}
	return nil
}

// checkInstant refuses what says that it was made later than now. How old it may be, the request and the conditions decide.
func checkInstant(element *etree.Element, now time.Time) error {
	issued, err := readTime(attribute(element, "IssueInstant"))
	if err != nil || issued.IsZero() {
		return errors.New("there is no time of issue")
	}
	if issued.After(now.Add(Skew)) {
		return errors.New("it was issued in the future")
	}
	return nil
}

// readAssertion reads a verified assertion.
func readAssertion(element *etree.Element, want Expectation) (Assertion, error) {
	read := Assertion{ID: attribute(element, "ID"), Attributes: make(map[string]string)}
	if attribute(element, "Version") != "2.0" || read.ID == "" {
		return Assertion{}, errors.New("the assertion is of another version")
	}
	if err := checkIssuer(element, want.From); err != nil {
		return Assertion{}, err
	}
	if err := checkInstant(element, want.Now); err != nil {
		return Assertion{}, err
	}
	var err error
	if read.NameID, read.NotOnOrAfter, err = readSubject(element, want); err != nil {
		return Assertion{}, err
	}
	if err := checkConditions(element, want); err != nil {
		return Assertion{}, err
	}
	statements := children(element, assertionSpace, "AuthnStatement")
	if len(statements) == 0 {
		return Assertion{}, errors.New("nobody has logged in for the assertion")
	}
	for _, statement := range statements {
		ends, err := readTime(attribute(statement, "SessionNotOnOrAfter"))
		if err != nil || !ends.IsZero() && !want.Now.Before(ends.Add(Skew)) {
			return Assertion{}, errors.New("the session at the identity provider has ended")
		}
	}
	return read, readAttributes(element, read.Attributes)
}

// readSubject finds who the assertion is about, and until when it may be presented by whoever bears it, here and in answer to
// the request.
func readSubject(assertion *etree.Element, want Expectation) (name string, until time.Time, err error) {
	subject, err := sole(assertion, assertionSpace, "Subject")
	if err != nil {
		return "", until, err
	}
	id, err := sole(subject, assertionSpace, "NameID")
	if err != nil {
		return "", until, err
	}
	switch saml.NameIDFormat(attribute(id, "Format")) {
	case saml.EmailAddressNameIDFormat, saml.UnspecifiedNameIDFormat, "":
	default:
		return "", until, errors.New("the name id is no e-mail address")
	}
	if name, err = content(id); err != nil {
		return "", until, err
	}
	failure := errors.New("nobody is said to be the subject")
	for _, confirmation := range children(subject, assertionSpace, "SubjectConfirmation") {
		if attribute(confirmation, "Method") != "urn:oasis:names:tc:SAML:2.0:cm:bearer" {
			continue
		}
		if until, failure = confirm(confirmation, want); failure == nil {
			return name, until, nil
		}
	}
	return "", until, failure
}

func confirm(confirmation *etree.Element, want Expectation) (until time.Time, err error) {
	data, err := sole(confirmation, assertionSpace, "SubjectConfirmationData")
	if err != nil {
		return until, err
	}
	from, err := readTime(attribute(data, "NotBefore"))
	if err != nil {
		return until, err
	}
	until, err = readTime(attribute(data, "NotOnOrAfter"))
	if err != nil {
		return until, err
	}
	until = until.Add(Skew)
	switch {
	case attribute(data, "Recipient") != want.To.ACS:
		return until, errors.New("the assertion is for another recipient")
	case attribute(data, "InResponseTo") != want.RequestID || want.RequestID == "":
		return until, errors.New("the assertion answers another request")
	case from.After(want.Now.Add(Skew)):
		return until, errors.New("the assertion is not to be presented yet")
	case !want.Now.Before(until): // a missing time is long past
		return until, errors.New("the assertion is not to be presented any more")
	}
	return until, nil
}

// checkConditions refuses assertions out of their time, for others than us, and under conditions that we do not know.
func checkConditions(assertion *etree.Element, want Expectation) error {
	conditions, err := sole(assertion, assertionSpace, "Conditions")
	if err != nil {
		return err
	}
	from, err := readTime(attribute(conditions, "NotBefore"))
	if err != nil {
		return err
	}
	until, err := readTime(attribute(conditions, "NotOnOrAfter"))
	if err != nil {
		return err
	}
	if from.After(want.Now.Add(Skew)) {
		return errors.New("the assertion is not valid yet")
	}
	if !until.IsZero() && !want.Now.Before(until.Add(Skew)) {
		return errors.New("the assertion has expired")
	}
	audiences := 0
	for _, condition := range conditions.ChildElements() {
		switch {
		case is(condition, assertionSpace, "AudienceRestriction"):
			audiences++
			if !names(condition, want.To.EntityID) {
				return errors.New("the assertion is for another audience")
			}
		case is(condition, assertionSpace, "OneTimeUse"), is(condition, assertionSpace, "ProxyRestriction"):
		default:
			return errors.New("the assertion has a condition that is not known")
		}
	}
	if audiences == 0 {
		return errors.New("the assertion names no audience")
	}
	return nil
}

func names(restriction *etree.Element, audience string) bool {
	for _, one := range children(restriction, assertionSpace, "Audience") {
		if name, err := content(one); err == nil && name == audience {
			return true
		}
	}
	return false
}

// readAttributes keeps the first value of each attribute; of two attributes with one name, the first.
func readAttributes(assertion *etree.Element, into map[string]string) error {
	for _, statement := range children(assertion, assertionSpace, "AttributeStatement") {
		for _, one := range children(statement, assertionSpace, "Attribute") {
			name := attribute(one, "Name")
			values := children(one, assertionSpace, "AttributeValue")
			if _, known := into[name]; known || len(values) == 0 || len(values[0].ChildElements()) > 0 {
				continue // values that are no text mean nothing to us
			}
			value, err := content(values[0])
			if err != nil {
				return err
			}
			into[name] = value
		}
	}
	return nil
}

// readTime reads a moment; no text is no moment.
func readTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	moment, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errors.New("a time is not in its form")
	}
	return moment, nil
}
