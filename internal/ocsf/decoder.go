package ocsf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/palisade-sec/palisade/internal/catalogue"
)

// Limits bounds what is read. A zero field means its default.
type Limits struct {
	MaxFindingBytes    int   // bytes of one finding in the file; default 1 MiB
	MaxFileBytes       int64 // bytes of a whole file, uncompressed; default: no limit
	MaxUIDCharacters   int   // characters of a finding's uid; default 300, as the wire contract has it
	MaxStatusTextBytes int   // bytes of the status text; default 64 KiB
	MaxTextBytes       int   // bytes of any text that is indexed (resource uid, name, tag, ...); default 2000
}

const (
	defaultFindingBytes    = 1 << 20
	defaultUIDCharacters   = 300
	defaultStatusTextBytes = 64 << 10
	defaultTextBytes       = 2000 // a PostgreSQL index entry holds 2 704 bytes

	maxCheckIDCharacters = 100 // of the wire contract; categories and resource groups too
	suppressed           = 3   // OCSF status_id of a muted finding
)

func (l Limits) withDefaults() Limits {
	if l.MaxFindingBytes <= 0 {
		l.MaxFindingBytes = defaultFindingBytes
	}
	if l.MaxUIDCharacters <= 0 {
		l.MaxUIDCharacters = defaultUIDCharacters
	}
	if l.MaxStatusTextBytes <= 0 {
		l.MaxStatusTextBytes = defaultStatusTextBytes
	}
	if l.MaxTextBytes <= 0 {
		l.MaxTextBytes = defaultTextBytes
	}
	return l
}

// Decoder turns one OCSF object after another into findings. It keeps the check metadata that it has met, so
// one Decoder serves one file or one scan; it is not safe for use by several goroutines at once.
type Decoder struct {
	limits Limits
	wire   wireFinding
	checks metadataCache
}

// NewDecoder returns a decoder that completes check metadata from checks, which may be nil.
func NewDecoder(limits Limits, checks *catalogue.Checks) *Decoder {
	return &Decoder{limits: limits.withDefaults(), checks: newMetadataCache(checks)}
}

// wireFinding is the OCSF object as far as it is read. What describes the check rather than the finding stays raw:
// it is compared with what was met before and decoded once.
type wireFinding struct {
	Message      string       `json:"message"`
	Severity     string       `json:"severity"`
	SeverityID   int          `json:"severity_id"`
	StatusCode   string       `json:"status_code"`
	StatusDetail string       `json:"status_detail"`
	StatusID     int          `json:"status_id"`
	RiskDetails  rawText      `json:"risk_details"`
	Metadata     wireEvent    `json:"metadata"`
	Unmapped     wireUnmapped `json:"unmapped"`
	Info         wireInfo     `json:"finding_info"`
	Resources    []wireTarget `json:"resources"`
	Cloud        wireCloud    `json:"cloud"`
	Remediation  rawText      `json:"remediation"`
}

type rawText = jsontext.Value

type wireEvent struct {
	EventCode string `json:"event_code"`
}

type wireUnmapped struct {
	Provider       string  `json:"provider"`
	ProviderUID    string  `json:"provider_uid"`
	RelatedURL     rawText `json:"related_url"`
	Categories     rawText `json:"categories"`
	DependsOn      rawText `json:"depends_on"`
	RelatedTo      rawText `json:"related_to"`
	AdditionalURLs rawText `json:"additional_urls"`
	Notes          rawText `json:"notes"`
	Compliance     rawText `json:"compliance"`
}

type wireInfo struct {
	UID   string  `json:"uid"`
	Title rawText `json:"title"`
	Desc  rawText `json:"desc"`
	Types rawText `json:"types"`
}

type wireTarget struct {
	UID       string   `json:"uid"`
	Name      string   `json:"name"`
	Region    string   `json:"region"`
	Namespace string   `json:"namespace"`
	Type      string   `json:"type"`
	Partition string   `json:"cloud_partition"`
	Labels    []string `json:"labels"`
	Group     struct {
		Name string `json:"name"`
	} `json:"group"`
	Data struct {
		Details  string  `json:"details"`
		Metadata rawText `json:"metadata"`
	} `json:"data"`
}

type wireCloud struct {
	Provider string `json:"provider"`
	Region   string `json:"region"`
	Account  struct {
		UID  string `json:"uid"`
		Name string `json:"name"`
	} `json:"account"`
	Org struct {
		UID string `json:"uid"`
	} `json:"org"`
}

// reset empties w for the next object and keeps the memory of its raw members, which decoding fills again.
func (w *wireFinding) reset() {
	u, i := &w.Unmapped, &w.Info
	*w = wireFinding{
		RiskDetails: w.RiskDetails[:0],
		Remediation: w.Remediation[:0],
		Unmapped: wireUnmapped{
			RelatedURL: u.RelatedURL[:0], Categories: u.Categories[:0], DependsOn: u.DependsOn[:0], RelatedTo: u.RelatedTo[:0],
			AdditionalURLs: u.AdditionalURLs[:0], Notes: u.Notes[:0], Compliance: u.Compliance[:0],
		},
		Info:      wireInfo{Title: i.Title[:0], Desc: i.Desc[:0], Types: i.Types[:0]},
		Resources: w.Resources[:0],
	}
}

// decodeOptions: of two members with one name the last counts, as in PostgreSQL's jsonb and in most parsers.
var decodeOptions = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true))

// Decode reads one OCSF object. The error is an *ItemError with Index 0. The finding keeps nothing of object.
func (d *Decoder) Decode(object []byte) (Finding, error) {
	if len(object) > d.limits.MaxFindingBytes {
		return Finding{}, tooLarge(d.limits)
	}
	d.wire.reset()
	if err := jsonv2.Unmarshal(object, &d.wire, decodeOptions); err != nil {
		return Finding{}, d.refusal(undecodable(err))
	}
	if holdsNUL(object) {
		return Finding{}, d.refusal(&ItemError{Code: CodeNULByte, Detail: "A text of the finding holds a NUL character."})
	}
	finding, refused := d.finding()
	if refused != nil {
		return Finding{}, d.refusal(refused)
	}
	return finding, nil
}

// refusal names the finding in an error, when its uid can be shown.
func (d *Decoder) refusal(e *ItemError) *ItemError {
	uid := d.wire.Info.UID
	if e.Code != CodeUIDTooLong && utf8.RuneCountInString(uid) <= d.limits.MaxUIDCharacters && !strings.Contains(uid, "\x00") {
		e.UID = uid
	}
	return e
}

// finding builds the finding from what was decoded.
func (d *Decoder) finding() (Finding, *ItemError) {
	w := &d.wire
	severity, code := severityOf(w.Severity, w.SeverityID)
	if refused := d.identity(code); refused != nil {
		return Finding{}, refused
	}
	target := &w.Resources[0]
	finding := Finding{
		UID: w.Info.UID, CheckID: w.Metadata.EventCode, Status: w.StatusCode, StatusDetail: w.StatusDetail, Severity: severity,
		Muted: w.StatusID == suppressed, Provider: w.provider(), AccountUID: w.account(), AccountName: w.Cloud.Account.Name,
		OrganizationUID: w.Cloud.Org.UID,
		Resource: Resource{
			UID: target.UID, Name: target.Name, Region: target.Region, Namespace: target.Namespace, Service: target.Group.Name,
			Type: target.Type, Partition: target.Partition, Details: target.Data.Details, Tags: tagsOf(target.Labels),
		},
	}
	if finding.StatusDetail == "" {
		finding.StatusDetail = w.Message
	}
	if finding.Resource.Region == "" {
		finding.Resource.Region = w.Cloud.Region
	}
	if raw := target.Data.Metadata; len(raw) > 0 && string(raw) != "null" {
		finding.Resource.Metadata = json.RawMessage(bytes.Clone(raw))
	}
	if refused := d.lengths(&finding); refused != nil {
		return Finding{}, refused
	}
	check, refused := d.checks.of(&finding, w)
	finding.Check = check
	return finding, refused
}

// identity refuses a finding without the members that make it one.
func (d *Decoder) identity(severityCode string) *ItemError {
	w := &d.wire
	switch {
	case w.Info.UID == "":
		return &ItemError{Code: CodeMissingUID, Detail: "The finding has no finding_info.uid."}
	case utf8.RuneCountInString(w.Info.UID) > d.limits.MaxUIDCharacters:
		return &ItemError{Code: CodeUIDTooLong, Detail: fmt.Sprintf("finding_info.uid has more than %d characters.", d.limits.MaxUIDCharacters)}
	case w.Metadata.EventCode == "":
		return &ItemError{Code: CodeMissingCheck, Detail: "The finding names no check (metadata.event_code)."}
	case w.StatusCode == "":
		return &ItemError{Code: CodeMissingStatus, Detail: "The finding has no status_code."}
	case w.StatusCode != StatusPass && w.StatusCode != StatusFail && w.StatusCode != StatusManual:
		return &ItemError{Code: CodeInvalidStatus, Detail: "status_code is not PASS, FAIL or MANUAL."}
	case severityCode == CodeMissingSeverity:
		return &ItemError{Code: severityCode, Detail: "The finding has no severity."}
	case severityCode != "":
		return &ItemError{Code: severityCode, Detail: "severity is not Critical, High, Medium, Low or Informational."}
	case w.account() == "":
		return &ItemError{Code: CodeMissingAccount, Detail: "The finding names no account (unmapped.provider_uid, cloud.account.uid)."}
	case len(w.Resources) == 0:
		return &ItemError{Code: CodeMissingResource, Detail: "The finding has no resource."}
	case len(w.Resources) > 1:
		return &ItemError{Code: CodeManyResources, Detail: "The finding has more than one resource."}
	}
	return nil
}

// lengths refuses texts that the database's indexes and the wire contract cannot take.
func (d *Decoder) lengths(f *Finding) *ItemError {
	if len(f.StatusDetail) > d.limits.MaxStatusTextBytes {
		return &ItemError{Code: CodeStatusTextTooLong, Detail: fmt.Sprintf("status_detail has more than %d bytes.", d.limits.MaxStatusTextBytes)}
	}
	if utf8.RuneCountInString(f.CheckID) > maxCheckIDCharacters {
		return &ItemError{Code: CodeTextTooLong, Detail: fmt.Sprintf("metadata.event_code has more than %d characters.", maxCheckIDCharacters)}
	}
	for _, text := range [...]struct{ member, value string }{
		{"resources[0].uid", f.Resource.UID}, {"resources[0].name", f.Resource.Name}, {"resources[0].region", f.Resource.Region},
		{"resources[0].namespace", f.Resource.Namespace}, {"resources[0].group.name", f.Resource.Service},
		{"resources[0].type", f.Resource.Type}, {"resources[0].cloud_partition", f.Resource.Partition},
		{"the account's uid", f.AccountUID},
	} {
		if len(text.value) > d.limits.MaxTextBytes {
			return &ItemError{Code: CodeTextTooLong, Detail: fmt.Sprintf("%s has more than %d bytes.", text.member, d.limits.MaxTextBytes)}
		}
	}
	for _, tag := range f.Resource.Tags {
		if len(tag.Key)+len(tag.Value) > d.limits.MaxTextBytes {
			return &ItemError{Code: CodeTextTooLong, Detail: fmt.Sprintf("A label of the resource has more than %d bytes.", d.limits.MaxTextBytes)}
		}
	}
	return nil
}

func (w *wireFinding) account() string {
	if w.Unmapped.ProviderUID != "" {
		return w.Unmapped.ProviderUID
	}
	return w.Cloud.Account.UID
}

// provider returns the provider type; findings without one in either place name it in their uid:
// prowler-<provider>-<check>-...
func (w *wireFinding) provider() string {
	if w.Unmapped.Provider != "" {
		return w.Unmapped.Provider
	}
	if w.Cloud.Provider != "" {
		return w.Cloud.Provider
	}
	if parts := strings.SplitN(w.Info.UID, "-", 3); len(parts) == 3 && parts[0] == "prowler" {
		return parts[1]
	}
	return ""
}

func tooLarge(limits Limits) *ItemError {
	return &ItemError{Code: CodeTooLarge, Detail: fmt.Sprintf("The finding has more than %d bytes.", limits.MaxFindingBytes)}
}

// undecodable says in our words what the JSON library met; its own text may quote the finding.
func undecodable(err error) *ItemError {
	if wrong, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		if wrong.JSONPointer == "" {
			return &ItemError{Code: CodeNotObject, Detail: "The item is not a JSON object."}
		}
		return &ItemError{Code: CodeWrongType, Detail: fmt.Sprintf("%s has the wrong JSON type.", shortened(string(wrong.JSONPointer)))}
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return &ItemError{Code: CodeMalformed, Detail: fmt.Sprintf("The finding is not valid JSON (at its byte %d).", syntax.ByteOffset)}
	}
	return &ItemError{Code: CodeMalformed, Detail: "The finding is not valid JSON."}
}

// shortened keeps a path that a file made up from filling an error.
func shortened(path string) string {
	const longest = 100
	if len(path) <= longest {
		return path
	}
	return strings.ToValidUTF8(path[:longest], "") + "..."
}

// holdsNUL tells whether valid JSON text has an escaped U+0000 in it. A bare one is not valid JSON.
func holdsNUL(object []byte) bool {
	for {
		at := bytes.Index(object, []byte(`\u0000`))
		if at < 0 {
			return false
		}
		escapes := 0
		for before := at - 1; before >= 0 && object[before] == '\\'; before-- {
			escapes++
		}
		if escapes%2 == 0 {
			return true
		}
		object = object[at+1:]
	}
}
