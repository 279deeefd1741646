package migrate

// What the tests of the wall need beside the exported names.
var (
	AllFaults  = allFaults
	Exceptions = exceptions
)
