// Package accounting holds the tests that account for everything at once: every generated query, every operation of the
// API, every table behind the wall. They find their subjects by reflection and in the catalogue of the database, so that
// what is added later is covered, or fails, without anybody remembering to write a case.
//
// What does not belong here: tests of one resource, which live beside it; anything that is not a test.
package accounting
