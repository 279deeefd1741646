package retention

import "time"

// With is the service with other sizes of a batch, of a turn, and of the pause before a month is tried again.
func (s *Service) With(batch int32, turn, pause time.Duration) *Service {
	other := *s
	other.batch, other.turn, other.pause = batch, turn, pause
	return &other
}
