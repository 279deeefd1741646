package app

import "github.com/palisade-sec/palisade/internal/api/lamps"

var Open = lamps.Lamp
