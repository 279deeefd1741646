// Package rest is the way that every request takes: correlation, authentication, content negotiation, the policy's
// decision, the query parameters, the handler, the answer. A resource package under internal/api declares its operations
// with the types of this package and writes handlers that parse, decide, call and answer.
//
// What does not belong here: anything about a particular resource, SQL, and tests of a role's flags: permission is the
// policy's, and the operation's name is all that this package knows about it.
package rest

import (
	"context"
	"net/http"
	"slices"

	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Operation declares one operation of the API. The policy decides by its ID; routing, the OpenAPI document and the tests
// that walk all operations are made from the same declaration.
type Operation struct {
	ID      authz.Operation // name in the policy's data, e.g. "providers.list"
	Method  string
	Path    string // below /api/v1, e.g. "/providers/{id}"
	Summary string
	Tag     string

	Anonymous bool          // no credentials needed; credentials that are sent must be good all the same
	Negotiate bool          // content negotiation comes before authentication (views without a tenant)
	Query     *filter.Table // query parameters that are taken; nil: they are not looked at
	Mode      QueryMode     // how much of Query is checked
	Cached    bool          // successful answers carry Cache-Control
	TenantID  string        // path parameter that names a tenant: the roles held there decide, not those of the credential's tenant
	Personal  bool          // what it does reaches beyond the tenant of the credential, so that confined ones are refused
	HTMLIDs   bool          // an id that is no UUID, or a TextID with a dot in it, is answered with the HTML 404
	TextIDs   bool          // path parameters are not UUIDs
	Texts     []string      // path parameters that are not UUIDs, beside others that are
	Extra     []Parameter   // query parameters beside those of Query, which the handler reads itself
	Slow      bool          // the request may take as long as its sender does: no deadline but the connection's
	MaxBody   int64         // bytes; 0: DefaultMaxBody; negative: the handler bounds it

	Request  Schema // of the request's document
	Response Schema // of the successful answer
	Status   int    // of the successful answer

	Bare string // a path beside Path that there is, and that answers no method; empty: none

	Handle Handler
}

// Parameter describes a query parameter that is no filter.
type Parameter struct{ Name, Description string }

// QueryMode says how much of the query language an operation checks.
type QueryMode uint8

const (
	List     QueryMode = iota // filters, sort, page, sparse fields, includes
	One                       // the same without a page: an operation on one object, which the filters must match
	Document                  // sparse fields and includes alone; everything else is ignored
	Late                      // Document at first; the handler checks the rest of Query.Params, in an order of its own
)

func (m QueryMode) parse(params filter.Params, table *filter.Table) (filter.Query, error) {
	switch m {
	case One:
		return filter.ParseOne(params, table)
	case Document, Late:
		return filter.ParseDocument(params, table)
	}
	return filter.Parse(params, table)
}

// Schema describes a document for the OpenAPI document.
type Schema struct {
	Type          string   // resource type; empty: no document
	Attributes    any      // zero value of the struct that holds the attributes
	Relationships []string // names of the relationships
	List          bool     // a list of resources
	Media         string   // media type when it is no JSON:API document, e.g. multipart/form-data
}

// Handler answers one request. An error is a refusal (jsonapi.AsErrors finds it) or becomes a 500 without details.
type Handler func(ctx context.Context, r *Request) (*Answer, error)

// isText reports whether a path parameter is a text, not a UUID.
func (o *Operation) isText(parameter string) bool {
	return o.TextIDs || slices.Contains(o.Texts, parameter)
}

// Answer is what a handler wants to be sent.
type Answer struct {
	Status   int
	Document *jsonapi.Document // nil: Body as it is
	Body     []byte
	Header   http.Header
	Rest     Portions // what follows Body while the client reads; nil: nothing
}

// Portions is the rest of an answer that is too long to be held at once: each call returns the next part, which may be empty, and
// the error io.EOF behind the last. A call has as long as a request may take.
type Portions func(ctx context.Context) ([]byte, error)

// OK answers 200 with a document.
func OK(document jsonapi.Document) *Answer {
	return &Answer{Status: http.StatusOK, Document: &document}
}

// Created answers 201 with a document.
func Created(document jsonapi.Document) *Answer {
	return &Answer{Status: http.StatusCreated, Document: &document}
}

// Accepted answers 202 with the document of the task that does the work, and says where to watch it.
func Accepted(document jsonapi.Document, taskID string) *Answer {
	return &Answer{Status: http.StatusAccepted, Document: &document,
		Header: http.Header{"Content-Location": {BasePath + "/tasks/" + taskID}}}
}

// NoContent answers 204.
func NoContent() *Answer { return &Answer{Status: http.StatusNoContent} }

// BasePath is where the API starts.
const BasePath = "/api/v1"

// DefaultMaxBody bounds a request body: 2 MiB.
const DefaultMaxBody = 2 << 20
