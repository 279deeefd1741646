// Package saml speaks SAML 2.0 (saml-core, saml-bindings and saml-profiles, OASIS 2005) as a service provider does: it reads
// an identity provider's metadata, writes authentication requests and our own metadata, and decides whether a response
// proves who somebody is. It is strict: what the Web Browser SSO profile does not need is refused, and what is read of a
// response is read of the bytes that a signature covers.
//
// What does not belong here: tenants, people, storage and HTTP (internal/sso, internal/api/signon).
package saml

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/crewjam/saml"
)

// The namespaces of the elements that are read.
const (
	protocolSpace  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"
	metadataSpace  = "urn:oasis:names:tc:SAML:2.0:metadata"
	signatureSpace = "http://www.w3.org/2000/09/xmldsig#"
)

// Provider is what we are to an identity provider.
type Provider struct {
	EntityID string // our name
	ACS      string // address that takes responses
}

// NewRequestID makes the id of an authentication request: 160 random bits, in a form that XML takes for an id.
func NewRequestID() string {
	var random [20]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return "id-" + hex.EncodeToString(random[:])
}

// RequestURL is where a browser goes to be identified: the identity provider's address with an unsigned authentication
// request (HTTP redirect binding).
func (p Provider) RequestURL(provider Metadata, id string, now time.Time) (string, error) {
	format, create := string(saml.EmailAddressNameIDFormat), true
	request := saml.AuthnRequest{
		ID: id, Version: "2.0", IssueInstant: now.UTC(), Destination: provider.SignOnURL,
		Issuer:                      &saml.Issuer{Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:entity", Value: p.EntityID},
		NameIDPolicy:                &saml.NameIDPolicy{Format: &format, AllowCreate: &create},
		AssertionConsumerServiceURL: p.ACS, ProtocolBinding: saml.HTTPPostBinding,
	}
	address, err := request.Redirect("", &saml.ServiceProvider{})
	if err != nil {
		return "", fmt.Errorf("write authentication request: %w", err)
	}
	return address.String(), nil
}

// descriptor is a metadata document of a service provider. The library's own type says that the document has expired when
// nobody says until when it holds.
type descriptor struct {
	XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string   `xml:"entityID,attr"`
	Service  struct {
		Protocol string `xml:"protocolSupportEnumeration,attr"`
		Signs    bool   `xml:"AuthnRequestsSigned,attr"`
		Wants    bool   `xml:"WantAssertionsSigned,attr"`
		Format   string `xml:"NameIDFormat"`
		Consumer struct {
			Binding  string `xml:",attr"`
			Location string `xml:",attr"`
			Index    int    `xml:"index,attr"`
		} `xml:"AssertionConsumerService"`
	} `xml:"SPSSODescriptor"`
}

// Metadata is our own metadata document, for whoever sets up the identity provider.
func (p Provider) Metadata() ([]byte, error) {
	document := descriptor{EntityID: p.EntityID}
	document.Service.Protocol, document.Service.Wants, document.Service.Format = protocolSpace, true, string(saml.EmailAddressNameIDFormat)
	document.Service.Consumer.Binding, document.Service.Consumer.Location, document.Service.Consumer.Index = saml.HTTPPostBinding, p.ACS, 1
	encoded, err := xml.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write metadata: %w", err)
	}
	return append([]byte(xml.Header), append(encoded, '\n')...), nil
}

// IsDomain reports whether a text is the domain of e-mail addresses in the one form that we compare: ASCII, lower case,
// labels of letters, digits and hyphens. Other alphabets come as punycode, so that no letter looks like another.
func IsDomain(text string) bool {
	labels := strings.Split(text, ".")
	if len(text) > 254 || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') {
				return false
			}
		}
	}
	return true
}
