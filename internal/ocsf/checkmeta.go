package ocsf

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/palisade-sec/palisade/internal/catalogue"
)

// CheckMetadata is what a finding says about its check, completed from the catalogue. Findings of a check nearly
// always share it, so it is stored once per Hash.
type CheckMetadata struct {
	JSON []byte   // the wire's check_metadata: one JSON object, names in order, no white space
	Hash [32]byte // SHA-256 of JSON

	Title         string   // checktitle
	Service       string   // servicename
	ResourceGroup string   // resourcegroup; empty when the catalogue does not know the check
	Categories    []string // categories, never nil
	// Compliance has the requirement ids by framework and version, e.g. "CIS-4.0": ["1.12"]; never nil.
	Compliance map[string][]string
}

// wireMetadata is the wire's check_metadata. Its fields stand in the order of their names, which makes the text canonical.
type wireMetadata struct {
	AdditionalURLs     []string            `json:"additionalurls"`
	Categories         []string            `json:"categories"`
	CheckAliases       []string            `json:"checkaliases"`
	CheckID            string              `json:"checkid"`
	CheckTitle         string              `json:"checktitle"`
	CheckType          []string            `json:"checktype"`
	Compliance         map[string][]string `json:"compliance"`
	DependsOn          []string            `json:"dependson"`
	Description        string              `json:"description"`
	Notes              string              `json:"notes"`
	Provider           string              `json:"provider"`
	RelatedTo          []string            `json:"relatedto"`
	RelatedURL         string              `json:"relatedurl"`
	Remediation        wireRemediation     `json:"remediation"`
	ResourceGroup      string              `json:"resourcegroup"`
	ResourceIDTemplate string              `json:"resourceidtemplate"`
	ResourceType       string              `json:"resourcetype"`
	Risk               string              `json:"risk"`
	ServiceName        string              `json:"servicename"`
	Severity           string              `json:"severity"`
	SubServiceName     string              `json:"subservicename"`
}

type wireRemediation struct {
	Code           wireCode           `json:"code"`
	Recommendation wireRecommendation `json:"recommendation"`
}

type wireCode struct {
	CLI       string `json:"cli"`
	NativeIaC string `json:"nativeiac"`
	Other     string `json:"other"`
	Terraform string `json:"terraform"`
}

type wireRecommendation struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// cacheBytes bounds the memory that met metadata takes; a real scan needs a few megabytes.
const cacheBytes = 16 << 20

// metadataCache remembers the metadata built from the same raw members, compared byte by byte.
type metadataCache struct {
	checks *catalogue.Checks
	met    map[string]*CheckMetadata
	bytes  int
	key    []byte // scratch
}

func newMetadataCache(checks *catalogue.Checks) metadataCache {
	return metadataCache{checks: checks, met: map[string]*CheckMetadata{}}
}

// of returns the metadata of the finding's check.
func (c *metadataCache) of(f *Finding, w *wireFinding) (*CheckMetadata, *ItemError) {
	c.key = c.key[:0]
	for _, text := range [...]string{f.Provider, f.CheckID, f.Severity, f.Resource.Type, f.Resource.Service} {
		c.key = append(binary.AppendUvarint(c.key, uint64(len(text))), text...)
	}
	u := &w.Unmapped
	for _, raw := range [...]rawText{w.Info.Title, w.Info.Desc, w.Info.Types, w.RiskDetails, w.Remediation, u.RelatedURL, u.Categories,
		u.DependsOn, u.RelatedTo, u.AdditionalURLs, u.Notes, u.Compliance} {
		c.key = append(binary.AppendUvarint(c.key, uint64(len(raw))), raw...)
	}
	if met, ok := c.met[string(c.key)]; ok {
		return met, nil
	}
	built, refused := c.build(f, w)
	if refused != nil {
		return nil, refused
	}
	size := len(c.key) + 2*len(built.JSON)
	if c.bytes+size > cacheBytes {
		c.met, c.bytes = map[string]*CheckMetadata{}, 0
	}
	c.met[string(c.key)] = built
	c.bytes += size
	return built, nil
}

// build decodes the raw members, over what the catalogue says of the check: a member that the finding has counts.
func (c *metadataCache) build(f *Finding, w *wireFinding) (*CheckMetadata, *ItemError) {
	known, _ := c.checks.Lookup(f.Provider, f.CheckID)
	meta := fromCatalogue(known)
	meta.CheckID, meta.Provider, meta.Severity = f.CheckID, f.Provider, f.Severity
	if f.Resource.Service != "" {
		meta.ServiceName = f.Resource.Service
	}
	if f.Resource.Type != "" {
		meta.ResourceType = f.Resource.Type
	}
	if refused := overlay(&meta, w); refused != nil {
		return nil, refused
	}
	for _, name := range append([]string{meta.ResourceGroup}, meta.Categories...) {
		if utf8.RuneCountInString(name) > maxCheckIDCharacters {
			return nil, &ItemError{Code: CodeTextTooLong, Detail: fmt.Sprintf("A category has more than %d characters.", maxCheckIDCharacters)}
		}
	}
	text, err := jsonv2.Marshal(&meta, jsonv2.Deterministic(true))
	if err != nil {
		return nil, &ItemError{Code: CodeMalformed, Detail: "The check's metadata cannot be written as JSON."}
	}
	return &CheckMetadata{
		JSON: text, Hash: sha256.Sum256(text), Title: meta.CheckTitle, Service: meta.ServiceName, ResourceGroup: meta.ResourceGroup,
		Categories: meta.Categories, Compliance: meta.Compliance,
	}, nil
}

// fromCatalogue is the metadata of a check as the catalogue has it, without compliance.
func fromCatalogue(c catalogue.Check) wireMetadata {
	r := c.Remediation
	return wireMetadata{
		AdditionalURLs: c.AdditionalURLs, Categories: c.Categories, CheckAliases: c.Aliases, CheckTitle: c.Title, CheckType: c.Types,
		DependsOn: c.DependsOn, Description: c.Description, Notes: c.Notes, RelatedTo: c.RelatedTo, RelatedURL: c.RelatedURL,
		Remediation: wireRemediation{
			Code:           wireCode{CLI: r.Code.CLI, NativeIaC: r.Code.NativeIaC, Other: r.Code.Other, Terraform: r.Code.Terraform},
			Recommendation: wireRecommendation{Text: r.Recommendation.Text, URL: r.Recommendation.URL},
		},
		ResourceGroup: c.ResourceGroup, ResourceIDTemplate: c.ResourceIDTemplate, ResourceType: c.ResourceType, Risk: c.Risk,
		ServiceName: c.Service, SubServiceName: c.SubService,
	}
}

// overlay puts the members that the finding has over meta.
func overlay(meta *wireMetadata, w *wireFinding) *ItemError {
	var advice struct {
		Desc       rawText `json:"desc"`
		References rawText `json:"references"`
	}
	var references []string
	u := &w.Unmapped
	// Fresh targets: decoding into a list of the catalogue would write into the catalogue.
	for _, part := range [...]struct {
		member string
		raw    rawText
		target any
	}{
		{"finding_info.title", w.Info.Title, &meta.CheckTitle},
		{"finding_info.desc", w.Info.Desc, &meta.Description},
		{"finding_info.types", w.Info.Types, fresh(&meta.CheckType, w.Info.Types)},
		{"risk_details", w.RiskDetails, &meta.Risk},
		{"remediation", w.Remediation, &advice},
		{"unmapped.related_url", u.RelatedURL, &meta.RelatedURL},
		{"unmapped.categories", u.Categories, fresh(&meta.Categories, u.Categories)},
		{"unmapped.depends_on", u.DependsOn, fresh(&meta.DependsOn, u.DependsOn)},
		{"unmapped.related_to", u.RelatedTo, fresh(&meta.RelatedTo, u.RelatedTo)},
		{"unmapped.additional_urls", u.AdditionalURLs, fresh(&meta.AdditionalURLs, u.AdditionalURLs)},
		{"unmapped.notes", u.Notes, &meta.Notes},
		{"unmapped.compliance", u.Compliance, &meta.Compliance},
	} {
		if refused := decodeMember(part.member, part.raw, part.target); refused != nil {
			return refused
		}
	}
	if refused := decodeMember("remediation.desc", advice.Desc, &meta.Remediation.Recommendation.Text); refused != nil {
		return refused
	}
	if refused := decodeMember("remediation.references", advice.References, &references); refused != nil {
		return refused
	}
	if len(references) > 0 {
		meta.Remediation.Recommendation.URL = references[0]
	}
	neverNil(meta)
	return nil
}

// fresh empties list when raw is about to be decoded into it, so that the decoder makes a new one.
func fresh(list *[]string, raw rawText) *[]string {
	if present(raw) {
		*list = nil
	}
	return list
}

// decodeMember decodes a raw member; one that is absent or null leaves its target alone.
func decodeMember(member string, raw rawText, target any) *ItemError {
	if !present(raw) {
		return nil
	}
	if err := jsonv2.Unmarshal(raw, target, jsontext.AllowDuplicateNames(true)); err != nil {
		return &ItemError{Code: CodeWrongType, Detail: member + " has the wrong JSON type."}
	}
	return nil
}

func present(raw rawText) bool { return len(raw) > 0 && string(raw) != "null" }

// neverNil gives lists and maps that nothing filled their empty form.
func neverNil(meta *wireMetadata) {
	for _, list := range [...]*[]string{&meta.AdditionalURLs, &meta.Categories, &meta.CheckAliases, &meta.CheckType, &meta.DependsOn, &meta.RelatedTo} {
		if *list == nil {
			*list = []string{}
		}
	}
	if meta.Compliance == nil {
		meta.Compliance = map[string][]string{}
	}
}
