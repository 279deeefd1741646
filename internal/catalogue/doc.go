// Package catalogue holds what an engine of one version says about its checks and about the compliance frameworks that
// those checks serve, for every provider type: the file format, its storage, and a lookup in memory.
//
// What does not belong here: asking an engine for its catalogue, and anything that belongs to a tenant.
package catalogue
