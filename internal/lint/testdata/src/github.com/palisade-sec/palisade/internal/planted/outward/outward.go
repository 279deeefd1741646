// Package outward imports what stands outside of it.
package outward

import (
	"github.com/palisade-sec/palisade/internal/api/lamps" // want `dependencies point inward`
	"github.com/palisade-sec/palisade/internal/app"       // want `dependencies point inward`
)

var (
	_ = lamps.Lamp
	_ = app.Open
)
