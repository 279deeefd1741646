// Package config says what can be set and reads it: defaults, an optional file, PALISADE_... environment variables and
// flags, each laid over the one before.
//
// What does not belong here: what a setting means to the program. The commands hand the values on.
package config
