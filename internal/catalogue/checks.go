package catalogue

// Checks looks checks up by provider type and check id. The zero value and nil are empty catalogues. Reading is
// safe for many goroutines once the last Add has returned.
type Checks struct {
	byKey map[checkKey]Check
}

type checkKey struct{ provider, id string }

// Add puts a check in, in place of one with the same provider type and id.
func (c *Checks) Add(check Check) {
	if c.byKey == nil {
		c.byKey = map[checkKey]Check{}
	}
	c.byKey[checkKey{check.Provider, check.ID}] = check
}

// Lookup returns the check with that id for that provider type; ok is false when there is none.
func (c *Checks) Lookup(provider, id string) (check Check, ok bool) {
	if c == nil {
		return Check{}, false
	}
	check, ok = c.byKey[checkKey{provider, id}]
	return check, ok
}

// Len returns the number of checks.
func (c *Checks) Len() int {
	if c == nil {
		return 0
	}
	return len(c.byKey)
}

// All calls visit for every check, in no particular order.
func (c *Checks) All(visit func(Check)) {
	if c == nil {
		return
	}
	for _, check := range c.byKey {
		visit(check)
	}
}
