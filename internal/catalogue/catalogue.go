package catalogue

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"
)

// Header says which engine a catalogue describes.
type Header struct {
	Engine  string // name of the engine, e.g. "prowler"
	Version string // version of the engine, e.g. "5.40.0"
}

// Check is what an engine says about one check. The JSON names are those of the engine's own metadata files.
type Check struct {
	Provider           string      `json:"Provider"`
	ID                 string      `json:"CheckID"`
	Title              string      `json:"CheckTitle"`
	Types              []string    `json:"CheckType"`
	Aliases            []string    `json:"CheckAliases"`
	Service            string      `json:"ServiceName"`
	SubService         string      `json:"SubServiceName"`
	ResourceIDTemplate string      `json:"ResourceIdTemplate"`
	Severity           string      `json:"Severity"`
	ResourceType       string      `json:"ResourceType"`
	ResourceGroup      string      `json:"ResourceGroup"`
	Description        string      `json:"Description"`
	Risk               string      `json:"Risk"`
	RelatedURL         string      `json:"RelatedUrl"`
	Remediation        Remediation `json:"Remediation"`
	AdditionalURLs     []string    `json:"AdditionalURLs"`
	Categories         []string    `json:"Categories"`
	DependsOn          []string    `json:"DependsOn"`
	RelatedTo          []string    `json:"RelatedTo"`
	Notes              string      `json:"Notes"`
}

// Remediation says how to repair what a check found.
type Remediation struct {
	Code           RemediationCode `json:"Code"`
	Recommendation Recommendation  `json:"Recommendation"`
}

// RemediationCode holds the repair in several languages; each may be empty.
type RemediationCode struct {
	CLI       string `json:"CLI"`
	NativeIaC string `json:"NativeIaC"`
	Other     string `json:"Other"`
	Terraform string `json:"Terraform"`
}

// Recommendation is the advice in words, with an address to read on.
type Recommendation struct {
	Text string `json:"Text"`
	URL  string `json:"Url"`
}

// Framework is one compliance framework for one provider type.
type Framework struct {
	Provider     string        `json:"-"` // provider type, e.g. "aws"; the file says it by position
	ID           string        `json:"-"` // identifier within the provider type, e.g. "cis_4.0_aws"; by position too
	Framework    string        `json:"framework"`
	Name         string        `json:"name"`
	Version      string        `json:"version"`
	Description  string        `json:"description"`
	Requirements []Requirement `json:"requirements"`
}

// Requirement is one demand of a framework and the checks that serve it; without checks it is met by hand.
type Requirement struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Description   string          `json:"description"`
	Tactics       []string        `json:"tactics"`
	SubTechniques []string        `json:"sub_techniques"`
	Platforms     []string        `json:"platforms"`
	TechniqueURL  string          `json:"technique_url"`
	Attributes    json.RawMessage `json:"attributes"` // a JSON list whose members' shape differs by framework
	Checks        []string        `json:"checks"`     // check ids in the file's order; a check may stand twice
}

// Read goes through a catalogue file, compressed with gzip or not, and hands every check and every framework
// to its function as soon as it is read; one of them is in memory at a time. An error of a function ends the
// reading and is returned as it is. A nil function skips its part.
func Read(r io.Reader, check func(Check) error, framework func(Framework) error) (Header, error) {
	plain, err := uncompressed(r)
	if err != nil {
		return Header{}, fmt.Errorf("read catalogue: %w", err)
	}
	reading := reading{decoder: jsontext.NewDecoder(plain, jsontext.AllowDuplicateNames(true)), check: check, framework: framework}
	if err := reading.file(); err != nil {
		return Header{}, fmt.Errorf("read catalogue: %w", err)
	}
	if reading.header.Version == "" {
		return Header{}, errors.New("read catalogue: the file names no engine version")
	}
	return reading.header, nil
}

// uncompressed returns the bytes of r behind gzip, when r begins as gzip does.
func uncompressed(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	magic, err := buffered.Peek(2)
	if err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return gzip.NewReader(buffered)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buffered, nil
}

// reading is one pass through a file.
type reading struct {
	decoder   *jsontext.Decoder
	header    Header
	check     func(Check) error
	framework func(Framework) error
}

func (r *reading) file() error {
	err := r.members(func(name string) error {
		switch name {
		case "engine":
			return jsonv2.UnmarshalDecode(r.decoder, &r.header.Engine)
		case "version":
			return jsonv2.UnmarshalDecode(r.decoder, &r.header.Version)
		case "providers":
			return r.members(r.provider)
		}
		return r.decoder.SkipValue()
	})
	if err != nil {
		return err
	}
	if _, err := r.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the catalogue's end")
	}
	return nil
}

func (r *reading) provider(provider string) error {
	return r.members(func(part string) error {
		switch {
		case part == "checks" && r.check != nil:
			return r.members(func(id string) error { return r.oneCheck(provider, id) })
		case part == "frameworks" && r.framework != nil:
			return r.members(func(id string) error { return r.oneFramework(provider, id) })
		}
		return r.decoder.SkipValue()
	})
}

func (r *reading) oneCheck(provider, id string) error {
	var check Check
	if err := jsonv2.UnmarshalDecode(r.decoder, &check); err != nil {
		return fmt.Errorf("check %s of %s: %w", id, provider, err)
	}
	if check.ID == "" || check.ID != id {
		return fmt.Errorf("check %s of %s: its own CheckID is %q", id, provider, check.ID)
	}
	check.Provider = provider
	return r.check(check)
}

func (r *reading) oneFramework(provider, id string) error {
	framework := Framework{}
	if err := jsonv2.UnmarshalDecode(r.decoder, &framework); err != nil {
		return fmt.Errorf("framework %s of %s: %w", id, provider, err)
	}
	framework.Provider, framework.ID = provider, id
	return r.framework(framework)
}

// members reads an object and calls visit for each member, which must consume the member's value.
func (r *reading) members(visit func(name string) error) error {
	token, err := r.decoder.ReadToken()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if token.Kind() != '{' {
		return fmt.Errorf("%s: expected an object", pointer(r.decoder))
	}
	for r.decoder.PeekKind() != '}' {
		name, err := r.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := visit(name.String()); err != nil {
			return err
		}
	}
	_, err = r.decoder.ReadToken()
	return err
}

// pointer says where in the file the decoder stands, as a JSON pointer.
func pointer(decoder *jsontext.Decoder) string {
	if at := decoder.StackPointer(); at != "" {
		return string(at)
	}
	return "/"
}
