// Package policy holds the access rules that ship with Palisade, as Rego and JSON files for people to read and
// edit: rbac says who may do which operation, visibility which providers somebody sees.
//
// There is no Go code here beyond the embedded files; internal/authz evaluates them. POLICY.md is the guide for
// policy editors.
package policy

import "embed"

// FS is the shipped policy: every .rego and .json file of rbac and visibility, tests included, with the paths
// that they have in this folder.
//
//go:embed rbac/*.rego rbac/*.json visibility/*.rego
var FS embed.FS
