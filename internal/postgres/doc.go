// Package postgres runs a PostgreSQL server of our own as a child process, for people who did not bring one.
//
// It finds server binaries (installed ones first, else it downloads them once), creates a cluster in a private
// folder, starts it on a unix socket, and stops it. When this process is root, the server runs as another account,
// because PostgreSQL refuses to run as root.
//
// What does not belong here: databases, roles, schema (package migrate), and connection pools.
package postgres
