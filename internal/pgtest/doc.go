// Package pgtest gives each test a migrated database of its own, on a real PostgreSQL server.
//
// The first call in a test process starts a server on a copy of a prepared cluster (made once per set of migrations
// and kept in the user's cache folder); each call to New then copies a template database. The server ends with the
// process, also when that is killed, and its files are removed. Tests only; nothing else imports this package.
//
// PALISADE_TEST_POSTGRES chooses a major version, installed or downloaded ("18").
package pgtest
