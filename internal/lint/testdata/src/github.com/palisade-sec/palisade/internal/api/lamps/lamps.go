package lamps

var Lamp = 1
