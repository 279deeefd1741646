// Package pgxpool stands for the driver's pool.
package pgxpool

type Pool struct{}

func New() *Pool { return nil }
