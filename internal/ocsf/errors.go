package ocsf

import "fmt"

// Codes of an ItemError: why one finding cannot be stored. They are stable and travel on the wire.
const (
	CodeMalformed         = "malformed"            // the item is not valid JSON (or not UTF-8)
	CodeNotObject         = "not_an_object"        // an element of the array, or a line, is not a JSON object
	CodeWrongType         = "wrong_type"           // a member has another JSON type than OCSF says
	CodeTooLarge          = "too_large"            // the item exceeds Limits.MaxFindingBytes
	CodeNULByte           = "nul_byte"             // a text holds U+0000, which PostgreSQL cannot store
	CodeMissingUID        = "missing_uid"          // no finding_info.uid
	CodeUIDTooLong        = "uid_too_long"         // finding_info.uid exceeds Limits.MaxUIDCharacters
	CodeMissingCheck      = "missing_check"        // no metadata.event_code
	CodeMissingStatus     = "missing_status"       // no status_code
	CodeInvalidStatus     = "invalid_status"       // status_code is not PASS, FAIL or MANUAL
	CodeStatusTextTooLong = "status_text_too_long" // status_detail exceeds Limits.MaxStatusTextBytes
	CodeMissingSeverity   = "missing_severity"     // neither severity nor severity_id
	CodeInvalidSeverity   = "invalid_severity"     // a severity that is not one of the five
	CodeMissingAccount    = "missing_account"      // no unmapped.provider_uid and no cloud.account.uid
	CodeMissingResource   = "missing_resource"     // no resource
	CodeManyResources     = "many_resources"       // more than one resource
	CodeTextTooLong       = "text_too_long"        // an identifying text exceeds Limits.MaxTextBytes
)

// ItemError says that one finding cannot be stored. Reading goes on behind it.
type ItemError struct {
	Index  int64  // position of the item in its file, from 0
	Code   string // one of the Code constants above
	Detail string // sentence for a person; holds no text of the finding but member names
	UID    string // finding_info.uid when it could be read and is short enough; else empty
}

// Error returns the position and the detail.
func (e *ItemError) Error() string { return fmt.Sprintf("finding %d: %s", e.Index, e.Detail) }

// Codes of a FileError: why a file cannot be read, or not further.
const (
	FileEmpty       = "empty_file"      // nothing but white space
	FileNotJSON     = "not_json"        // does not begin as a findings file does
	FileEncoding    = "not_utf8"        // UTF-16 or UTF-32
	FileTruncated   = "cut_off"         // ends in the middle
	FileAppendedRun = "appended_run"    // a second run was written behind the first
	FileTrailing    = "trailing_data"   // something else stands behind the findings
	FileSyntax      = "syntax"          // the array's commas or brackets are wrong
	FileGzip        = "damaged_gzip"    // the compressed data is damaged
	FileTooLarge    = "file_too_large"  // exceeds Limits.MaxFileBytes
	fileErrorFormat = "%s (at byte %d)" // how a FileError prints
)

// FileError says that a file cannot be read further: nothing behind Offset was looked at.
type FileError struct {
	Code   string // one of the File constants above
	Detail string // sentence for a person, with what to do about it where that is known
	Offset int64  // where, in bytes of the uncompressed file
}

// Error returns the detail and the offset.
func (e *FileError) Error() string { return fmt.Sprintf(fileErrorFormat, e.Detail, e.Offset) }
