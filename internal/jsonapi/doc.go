// Package jsonapi reads and writes the wire format: JSON:API 1.1 documents, error objects, pages, sparse
// fieldsets and includes, in the exact shape that clients of the Prowler API expect.
//
// It knows nothing about HTTP routing, tenants, permissions or SQL; a resource package under internal/api
// describes its documents with the types of this package and decides nothing here.
package jsonapi
