package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
	roundtrip "github.com/mattermost/xml-roundtrip-validator"
)

// What a document may be made of. Honest ones are far below all of it.
const (
	maxDepth      = 32
	maxAttributes = 64 // of one element
)

// form is what kind of document is expected.
type form struct {
	comments bool
	elements int // at most
}

var (
	metadataForm = form{comments: true, elements: 10_000}
	responseForm = form{elements: 900} // the signature library gives up at 1000
)

// The two ways in which a text is no document of ours.
var (
	errNoXML  = errors.New("invalid XML")
	errUnsafe = errors.New("unsafe XML")
)

// readDocument reads XML that a stranger sent. A document type, with the entities and external files that it could bring, is
// refused before anything is expanded; so is what two readers could take for different things: doubled attributes, several
// roots, markup that encoding/xml would write differently than it read it, and, in signed documents, comments.
func readDocument(text []byte, kind form) (*etree.Element, error) {
	if err := examine(text, kind); err != nil {
		return nil, err
	}
	if err := roundtrip.Validate(bytes.NewReader(text)); err != nil {
		return nil, fmt.Errorf("%w: it does not survive being read and written", errUnsafe)
	}
	document := etree.NewDocument()
	if err := document.ReadFromBytes(text); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoXML, err)
	}
	root := document.Root()
	if root == nil {
		return nil, fmt.Errorf("%w: there is no element", errNoXML)
	}
	return root, nil
}

// examine looks at every token before a tree is built. Names are taken as they are spelt: the pairing of tags is checked here
// too, because RawToken does not.
func examine(text []byte, kind form) error {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	var open []xml.Name
	elements, roots := 0, 0
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errNoXML, err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return fmt.Errorf("%w: a document type", errUnsafe)
		case xml.ProcInst:
			if token.Target != "xml" || elements > 0 {
				return fmt.Errorf("%w: a processing instruction", errUnsafe)
			}
		case xml.Comment:
			if !kind.comments {
				return fmt.Errorf("%w: a comment", errUnsafe)
			}
		case xml.CharData:
			if len(open) == 0 && len(bytes.TrimSpace(bytes.TrimPrefix(token, []byte("\ufeff")))) > 0 {
				return fmt.Errorf("%w: text outside of an element", errNoXML)
			}
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			elements++
			open = append(open, token.Name)
			if roots > 1 || elements > kind.elements || len(open) > maxDepth || len(token.Attr) > maxAttributes {
				return fmt.Errorf("%w: more than there can be", errUnsafe)
			}
			if doubled(token.Attr) {
				return fmt.Errorf("%w: an attribute stands twice", errUnsafe)
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != token.Name {
				return fmt.Errorf("%w: tags do not pair", errNoXML)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%w: it ends inside an element", errNoXML)
	}
	return nil
}

func doubled(attributes []xml.Attr) bool {
	seen := make(map[xml.Name]bool, len(attributes))
	for _, one := range attributes {
		if seen[one.Name] {
			return true
		}
		seen[one.Name] = true
	}
	return false
}

// is reports whether an element has this name in this namespace.
func is(element *etree.Element, space, tag string) bool {
	return element.Tag == tag && element.NamespaceURI() == space
}

// children are the child elements of a name.
func children(parent *etree.Element, space, tag string) []*etree.Element {
	var found []*etree.Element
	for _, child := range parent.ChildElements() {
		if is(child, space, tag) {
			found = append(found, child)
		}
	}
	return found
}

// sole is the one child element of a name.
func sole(parent *etree.Element, space, tag string) (*etree.Element, error) {
	found := children(parent, space, tag)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s has %d %s elements", parent.Tag, len(found), tag)
	}
	return found[0], nil
}

// attribute is the value of an attribute without a prefix.
func attribute(element *etree.Element, name string) string {
	for _, one := range element.Attr {
		if one.Space == "" && one.Key == name {
			return one.Value
		}
	}
	return ""
}

// content is the text of an element that holds nothing but text.
func content(element *etree.Element) (string, error) {
	var text strings.Builder
	for _, child := range element.Child {
		data, ok := child.(*etree.CharData)
		if !ok {
			return "", fmt.Errorf("%s holds more than text", element.Tag)
		}
		text.WriteString(data.Data)
	}
	return strings.TrimSpace(text.String()), nil
}

// walk visits an element and everything below it.
func walk(element *etree.Element, visit func(*etree.Element) error) error {
	if err := visit(element); err != nil {
		return err
	}
	for _, child := range element.ChildElements() {
		if err := walk(child, visit); err != nil {
			return err
		}
	}
	return nil
}
