package recount

import (
	"time"

	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// With is the service with another length of a turn.
func (s *Service) With(turn time.Duration) *Service {
	other := *s
	other.turn = turn
	return &other
}

// Executors are what the service works with.
func (s *Service) Executors() (*tenant.Executor, *system.Executor) { return s.tenants, s.system }

// CloseExecutors gives their connections back.
func (s *Service) CloseExecutors() {
	s.tenants.Close()
	s.system.Close()
}
