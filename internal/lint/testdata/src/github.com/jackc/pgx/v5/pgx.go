// Package pgx stands for the driver.
package pgx

type Conn struct{}

func Connect() *Conn { return nil }
