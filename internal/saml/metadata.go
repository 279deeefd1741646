package saml

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// MaxMetadata bounds a metadata document, in bytes.
const MaxMetadata = 256 << 10

// maxEntityID is the longest that an entity id may be (saml-metadata 2.3.2).
const maxEntityID = 1024

// Refusal says what is wrong with a metadata document, in the words of the wire.
type Refusal string

// The refusals of ParseMetadata.
const (
	NotXML        Refusal = "Invalid XML."
	UnsafeXML     Refusal = "Unsafe XML content rejected."
	TooLarge      Refusal = "Metadata is too large."
	NoEntityID    Refusal = "Missing entityID in metadata."
	LongEntityID  Refusal = "entityID in metadata is too long."
	NoSignOn      Refusal = "Missing SingleSignOnService in metadata."
	NoSignOnURL   Refusal = "SingleSignOnService in metadata must be an http or https address."
	NoCertificate Refusal = `Metadata must include a <ds:X509Certificate> under <KeyDescriptor use="signing">.`
)

// Error returns the words of the wire.
func (r Refusal) Error() string { return string(r) }

// Metadata is what we need to know about an identity provider.
type Metadata struct {
	EntityID  string
	SignOnURL string // where browsers go to be identified
	// Certificates hold the keys that it signs with. Texts that are no certificate are left out: with none of them left,
	// nobody can be identified, and the configuration says so when it is used.
	Certificates []*x509.Certificate
}

// ParseMetadata reads an identity provider's metadata. The error is a Refusal.
func ParseMetadata(text string) (Metadata, error) {
	if len(text) > MaxMetadata {
		return Metadata{}, TooLarge
	}
	root, err := readDocument([]byte(text), metadataForm)
	if errors.Is(err, errUnsafe) {
		return Metadata{}, UnsafeXML
	}
	if err != nil {
		return Metadata{}, NotXML
	}
	read := Metadata{EntityID: strings.TrimSpace(attribute(root, "entityID"))}
	switch {
	case read.EntityID == "":
		return Metadata{}, NoEntityID
	case len(read.EntityID) > maxEntityID:
		return Metadata{}, LongEntityID
	}
	keys := 0
	for _, descriptor := range children(root, metadataSpace, "IDPSSODescriptor") {
		for _, service := range children(descriptor, metadataSpace, "SingleSignOnService") {
			// We speak the redirect binding; a provider that names none is asked at its first address all the same.
			location := strings.TrimSpace(attribute(service, "Location"))
			if location != "" && (read.SignOnURL == "" || attribute(service, "Binding") == saml.HTTPRedirectBinding) {
				read.SignOnURL = location
			}
		}
		for _, encoded := range signingKeys(descriptor) {
			keys++
			if certificate := parseCertificate(encoded); certificate != nil {
				read.Certificates = append(read.Certificates, certificate)
			}
		}
	}
	switch {
	case read.SignOnURL == "":
		return Metadata{}, NoSignOn
	case !isWebAddress(read.SignOnURL):
		return Metadata{}, NoSignOnURL
	case keys == 0:
		return Metadata{}, NoCertificate
	}
	return read, nil
}

// signingKeys are the texts of the certificates that a descriptor names for signing.
func signingKeys(descriptor *etree.Element) []string {
	var texts []string
	for _, key := range children(descriptor, metadataSpace, "KeyDescriptor") {
		if attribute(key, "use") != "signing" {
			continue
		}
		for _, info := range children(key, signatureSpace, "KeyInfo") {
			for _, data := range children(info, signatureSpace, "X509Data") {
				for _, encoded := range children(data, signatureSpace, "X509Certificate") {
					if text, err := content(encoded); err == nil && text != "" {
						texts = append(texts, text)
					}
				}
			}
		}
	}
	return texts
}

// parseCertificate reads a certificate in base64, with the line breaks that people leave in it; nil when it is none.
func parseCertificate(encoded string) *x509.Certificate {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return certificate
}

func isWebAddress(text string) bool {
	address, err := url.Parse(text)
	return err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != "" && address.User == nil
}
