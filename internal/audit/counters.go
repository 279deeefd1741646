package audit

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are what the recorder counts of itself.
type counters struct {
	events         *prometheus.CounterVec
	lost, failures prometheus.Counter
	batches        prometheus.Histogram
}

// register makes the counters and shows them to a registerer, unless that is nil.
func register(to prometheus.Registerer) (counters, error) {
	counted := counters{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "palisade_audit_events_total",
			Help: "Events that were written to the audit log, by kind."}, []string{"kind"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "palisade_audit_lost_total",
			Help: "Events of sampled reads and of outcomes that are not in the audit log because too many waited or writing failed."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "palisade_audit_failures_total",
			Help: "Transactions of the audit log that failed."}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "palisade_audit_batch_events",
			Help: "Events of one transaction of the audit log.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 500}}),
	}
	if to == nil {
		return counted, nil
	}
	return counted, errors.Join(to.Register(counted.events), to.Register(counted.lost), to.Register(counted.failures), to.Register(counted.batches))
}

func (c counters) stored(events []Event) {
	c.batches.Observe(float64(len(events)))
	for _, one := range events {
		c.events.WithLabelValues(one.kind()).Inc()
	}
}
