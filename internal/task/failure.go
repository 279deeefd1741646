package task

import (
	"encoding/json"
	"errors"
)

// Failure is an error that people may read: it holds nothing of the inside and no secret. Any other error is shown as an
// internal one and told to the log alone.
type Failure struct {
	Type    string   // kind of the failure, e.g. "ProviderConnectionError"
	Module  string   // where it belongs, e.g. "palisade.scan"
	Message []string // sentences
	cause   error
}

// Fail is a failure with one sentence; cause, which may be nil, is for the log.
func Fail(kind, message string, cause error) *Failure {
	return &Failure{Type: kind, Module: "palisade", Message: []string{message}, cause: cause}
}

// Error returns the first sentence.
func (f *Failure) Error() string {
	if len(f.Message) == 0 {
		return f.Type
	}
	return f.Message[0]
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.cause }

// Result is what the task of a failed job shows: exc_type, exc_message and exc_module of the wire contract.
func Result(err error) json.RawMessage {
	failure, ok := errors.AsType[*Failure](err)
	if !ok {
		failure = Fail("InternalError", "The task failed because of an internal error.", err)
	}
	message := failure.Message
	if message == nil {
		message = []string{}
	}
	encoded, err := json.Marshal(struct {
		Type    string   `json:"exc_type"`
		Message []string `json:"exc_message"`
		Module  string   `json:"exc_module"`
	}{failure.Type, message, failure.Module})
	if err != nil {
		return json.RawMessage("{}") // texts always encode
	}
	return encoded
}
