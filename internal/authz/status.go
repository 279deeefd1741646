package authz

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Status is what an engine is working with.
type Status struct {
	Revision string    // of the active policy
	Since    time.Time // when it became active
	Refused  *Refusal  // a change that was refused and has not been repaired since; nil: none
}

// Refusal is a change of the policy that was not taken.
type Refusal struct {
	Revision string // empty: the files could not be read
	Error    string // for operators; it may quote the policy
	At       time.Time
}

// Status returns what the engine is working with.
func (e *Engine) Status() Status { return *e.status.Load() }

// note records a refusal; the active policy stays what it is.
func (e *Engine) note(refusal Refusal) {
	for {
		before := e.status.Load()
		after := *before
		after.Refused = &refusal
		if e.status.CompareAndSwap(before, &after) {
			return
		}
	}
}

// settle forgets a refusal: the files are those of the active policy again.
func (e *Engine) settle() {
	for {
		before := e.status.Load()
		after := *before
		after.Refused = nil
		if e.status.CompareAndSwap(before, &after) {
			return
		}
	}
}

// Register adds the engine's measures to a registry; without a registry it does nothing.
func (e *Engine) Register(registerer prometheus.Registerer) error {
	if registerer == nil {
		return nil
	}
	for _, gauge := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "palisade_policy_refused",
			Help: "1 while the content of the policy folder is refused and an earlier policy stays active, else 0."}, func() float64 {
			if e.Status().Refused != nil {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "palisade_policy_active_since_seconds",
			Help: "When the active access policy was taken, in seconds since 1970."}, func() float64 {
			return float64(e.Status().Since.UnixNano()) / 1e9
		}),
	} {
		if err := registerer.Register(gauge); err != nil {
			return err
		}
	}
	return nil
}
