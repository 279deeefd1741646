package engine

import (
	"errors"
	"fmt"
)

// What can go wrong with an engine. Errors of this package wrap one of these, or the context's error.
var (
	// ErrNotInstalled: there is no interpreter, or it has no engine. Its message says what to install.
	ErrNotInstalled = errors.New("no scan engine is installed: install Prowler (pip install prowler) and set PALISADE_PROWLER_PYTHON " +
		"to the Python interpreter that has it, or put its prowler command on PATH")
	// ErrWrongAccount: the engine gave findings of another account than the one that was to be scanned.
	ErrWrongAccount = errors.New("the engine gave findings of another account")
	// ErrTimeout: the operation took longer than its limit.
	ErrTimeout = errors.New("the engine took too long")
	// ErrKilled: the engine was killed by a signal (exit 137), mostly for want of memory.
	ErrKilled = errors.New("the engine was killed, probably because memory ran out")
	// ErrProtocol: the engine wrote something that is not its protocol, or ended without saying so.
	ErrProtocol = errors.New("the engine did not keep to its protocol")
	// ErrRefused: the engine does not serve this request, e.g. for its provider type or scope.
	ErrRefused = errors.New("the engine refused the request")
	// ErrCredentials: the secret does not open the account, or opens another one.
	ErrCredentials = errors.New("the provider refused the credentials")
	// ErrDenied: the secret opens the account and may not do what was asked for.
	ErrDenied = errors.New("the provider denied access")
	// ErrUnavailable: the provider was not reached, or cannot answer now.
	ErrUnavailable = errors.New("the provider is not available")
	// ErrFailed: the engine says that it failed.
	ErrFailed = errors.New("the engine failed")
)

// NotConnectedError says that the secret does not open the account, or opens another one.
type NotConnectedError struct {
	Provider string // provider type
	Reason   string // what the provider's SDK says, without secrets
}

// Error returns the sentence that a failed scan shows.
func (e *NotConnectedError) Error() string {
	return fmt.Sprintf("Provider %s is not connected: %s", e.Provider, e.Reason)
}

// ProcessError is a failure of the child process. It wraps one of the errors above or the context's error.
type ProcessError struct {
	Cause  error
	Detail string // more about the cause, without secrets; may be empty
	Exit   int    // exit code; 128 and the signal's number when a signal ended it; -1 when it never started
	Output string // end of its standard error, without secrets; for logs, not for users
}

// Error returns the cause and the detail.
func (e *ProcessError) Error() string {
	if e.Detail == "" {
		return e.Cause.Error()
	}
	return e.Cause.Error() + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *ProcessError) Unwrap() error { return e.Cause }
