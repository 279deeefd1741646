package ocsf

import (
	"encoding/json"
	"strings"
)

// Statuses of a finding.
const (
	StatusPass   = "PASS"
	StatusFail   = "FAIL"
	StatusManual = "MANUAL"
)

// Finding is one result of one check on one resource: the members of an OCSF Detection Finding that are stored.
type Finding struct {
	UID          string // finding_info.uid, the same in every scan of the account
	CheckID      string // metadata.event_code
	Status       string // status_code: PASS, FAIL or MANUAL
	StatusDetail string // status_detail, else message; may be empty
	Severity     string // critical, high, medium, low or informational
	Muted        bool   // the engine had it muted (status_id 3, Suppressed)

	Provider        string // provider type: unmapped.provider, else cloud.provider, else the uid's second part; may be empty
	AccountUID      string // unmapped.provider_uid, else cloud.account.uid
	AccountName     string // cloud.account.name; may be empty
	OrganizationUID string // cloud.org.uid: organisation or directory above the account; may be empty

	Resource Resource
	Check    *CheckMetadata // shared by all findings with the same metadata, never nil and never to be changed
}

// Resource is what a finding is about.
type Resource struct {
	UID       string          // uid; may be empty, as engines give none for some resources
	Name      string          // name
	Region    string          // region, else cloud.region; empty for kubernetes, which has namespaces instead
	Namespace string          // namespace, of kubernetes alone
	Service   string          // group.name
	Type      string          // type
	Partition string          // cloud_partition
	Details   string          // data.details
	Metadata  json.RawMessage // data.metadata as the file has it; nil when there is none. MetadataText makes its wire form
	Tags      []Tag           // labels, one tag a key, in the file's order
}

// Tag is one label of a resource.
type Tag struct{ Key, Value string }

// BelongsTo tells whether the finding is one of the account with that uid. Names of GitHub owners and domains
// of Microsoft 365 and Okta have no case. A finding about the whole Azure directory bears the directory's uid in
// place of the subscription's and belongs to every subscription whose scan found it.
func (f *Finding) BelongsTo(accountUID string) bool {
	if f.AccountUID == accountUID {
		return true
	}
	switch f.Provider {
	case "github", "m365", "okta":
		return strings.EqualFold(f.AccountUID, accountUID)
	case "azure":
		return f.AccountUID == f.OrganizationUID
	}
	return false
}

// Bytes is about how much memory the finding's own texts take: what it says of its check is shared and counts nothing.
func (f *Finding) Bytes() int {
	r := &f.Resource
	size := len(f.UID) + len(f.CheckID) + len(f.StatusDetail) + len(r.UID) + len(r.Name) + len(r.Details) + len(r.Metadata)
	for _, tag := range r.Tags {
		size += len(tag.Key) + len(tag.Value)
	}
	return size
}

// reservedTagDepth is the number of colons inside the tag keys that AWS itself sets: aws:cloudformation:stack-name.
const reservedTagDepth = 2

// tagOf splits a label "key:value" at its first colon. Keys that AWS reserves (aws:...) hold colons themselves;
// a label does not say where such a key ends, so its last part is taken at the third colon when there is one.
func tagOf(label string) Tag {
	from := 0
	if strings.HasPrefix(label, "aws:") {
		from = reservedKeyEnd(label)
	}
	at := strings.IndexByte(label[from:], ':')
	if at < 0 {
		return Tag{Key: label}
	}
	return Tag{Key: label[:from+at], Value: label[from+at+1:]}
}

// reservedKeyEnd returns where the last part of a reserved key begins; the label's beginning when it has too few parts.
func reservedKeyEnd(label string) int {
	end := 0
	for range reservedTagDepth {
		at := strings.IndexByte(label[end:], ':')
		if at < 0 {
			return len("aws:")
		}
		end += at + 1
	}
	if strings.IndexByte(label[end:], ':') < 0 {
		return len("aws:")
	}
	return end
}

// tagsOf turns labels into tags; of several labels with one key the last counts.
func tagsOf(labels []string) []Tag {
	if len(labels) == 0 {
		return nil
	}
	tags := make([]Tag, 0, len(labels))
next:
	for _, label := range labels {
		tag := tagOf(label)
		for i := range tags {
			if tags[i].Key == tag.Key {
				tags[i].Value = tag.Value
				continue next
			}
		}
		tags = append(tags, tag)
	}
	return tags
}

// severityOf returns the severity in the wire's lower case: the text counts, else OCSF's severity_id.
// code is empty when it is one of the five.
func severityOf(text string, id int) (severity, code string) {
	if text == "" {
		switch id {
		case 0:
			return "", CodeMissingSeverity
		case 1:
			return "informational", ""
		case 2:
			return "low", ""
		case 3:
			return "medium", ""
		case 4:
			return "high", ""
		case 5:
			return "critical", ""
		}
		return "", CodeInvalidSeverity
	}
	for _, known := range [...]string{"critical", "high", "medium", "low", "informational"} {
		if strings.EqualFold(text, known) {
			return known, ""
		}
	}
	return "", CodeInvalidSeverity
}
