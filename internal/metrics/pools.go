package metrics

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Pool is the state of one pool of connections.
type Pool struct {
	Role   string // app or system
	Target string // primary or replica
	Stat   *pgxpool.Stat
}

// WatchPools adds the pools; read is called at each scrape.
func (s *Set) WatchPools(read func() []Pool) {
	s.MustRegister(&pools{read: read, measures: []poolMeasure{
		measure("db_pool_connections_in_use", "Connections that run something.", prometheus.GaugeValue, func(p *pgxpool.Stat) float64 { return float64(p.AcquiredConns()) }),
		measure("db_pool_connections_idle", "Connections that wait for work.", prometheus.GaugeValue, func(p *pgxpool.Stat) float64 { return float64(p.IdleConns()) }),
		measure("db_pool_connections_max", "Connections that the pool may open.", prometheus.GaugeValue, func(p *pgxpool.Stat) float64 { return float64(p.MaxConns()) }),
		measure("db_pool_acquires_total", "How often a connection was taken.", prometheus.CounterValue, func(p *pgxpool.Stat) float64 { return float64(p.AcquireCount()) }),
		measure("db_pool_acquire_waits_total", "How often none was idle when one was wanted.", prometheus.CounterValue, func(p *pgxpool.Stat) float64 { return float64(p.EmptyAcquireCount()) }),
		measure("db_pool_acquire_seconds_total", "Time spent on waiting for connections.", prometheus.CounterValue, func(p *pgxpool.Stat) float64 { return p.AcquireDuration().Seconds() }),
		measure("db_pool_acquires_given_up_total", "How often the wait for a connection ended with the request.", prometheus.CounterValue, func(p *pgxpool.Stat) float64 { return float64(p.CanceledAcquireCount()) }),
		measure("db_pool_connections_opened_total", "Connections that were opened.", prometheus.CounterValue, func(p *pgxpool.Stat) float64 { return float64(p.NewConnsCount()) }),
	}})
}

// poolMeasure is one figure of every pool.
type poolMeasure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*pgxpool.Stat) float64
}

func measure(name, help string, kind prometheus.ValueType, read func(*pgxpool.Stat) float64) poolMeasure {
	return poolMeasure{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, []string{"role", "target"}, nil), kind, read}
}

type pools struct {
	read     func() []Pool
	measures []poolMeasure
}

// Describe names the figures.
func (c *pools) Describe(out chan<- *prometheus.Desc) {
	for _, one := range c.measures {
		out <- one.desc
	}
}

// Collect reads them.
func (c *pools) Collect(out chan<- prometheus.Metric) {
	for _, pool := range c.read() {
		for _, one := range c.measures {
			out <- prometheus.MustNewConstMetric(one.desc, one.kind, one.read(pool.Stat), pool.Role, pool.Target)
		}
	}
}

// WatchPolicy adds the revision of the active policy; read is called at each scrape.
func (s *Set) WatchPolicy(read func() string) {
	s.MustRegister(&policy{read: read, desc: prometheus.NewDesc(namespace+"_policy_info", "The revision of the policy that decides; always 1.", []string{"revision"}, nil)})
}

type policy struct {
	read func() string
	desc *prometheus.Desc
}

// Describe names the metric.
func (c *policy) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect reads the revision.
func (c *policy) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, 1, c.read())
}
