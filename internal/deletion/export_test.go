package deletion

import "time"

// With is the service with other sizes of a batch and of a turn.
func (s *Service) With(batch int32, turn time.Duration) *Service {
	other := *s
	other.batch, other.turn = batch, turn
	return &other
}

// With is the service with other sizes of a batch and of a turn.
func (p *Providers) With(batch int32, turn time.Duration) *Providers {
	other := *p
	other.batch, other.turn = batch, turn
	return &other
}
