package ingest

// BeginAt is BeginIn on a machine with another clock.
var BeginAt = begin
