// Package explain knows every shape that a request for a list can have, every filter, lookup, order and way of paging that
// operations allow, and judges the plans by which Postgres answers them. Plans that read more than their answer needs are
// exceptions, and each stands in exceptions.txt with its reason.
//
// What does not belong here: databases and requests. internal/bench fills one and sends the other.
package explain
