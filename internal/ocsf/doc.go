// Package ocsf reads findings in the form of the OCSF Detection Finding class (schema 1.5.0) as cloud
// security scanners write them: from files (a JSON array, one object a line, either behind gzip) and one at a
// time from an engine.
//
// It turns bytes into Finding values and says what is wrong with those that cannot be stored. It knows no
// database, no tenant and no provider record; whether a finding may be stored for a provider is asked with
// Finding.BelongsTo and answered by the caller.
package ocsf
