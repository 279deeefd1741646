// Package catalogue reads catalogue files: what an engine of one version says about its checks and about the
// compliance frameworks that those checks serve, for every provider type.
//
// It holds the file format and a lookup in memory. Storing a catalogue, and everything that depends on a
// database or a tenant, is elsewhere; so is asking an engine for its catalogue.
package catalogue
