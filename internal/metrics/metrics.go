// Package metrics holds what the program counts of itself, and shows it to Prometheus: its runtime, HTTP requests by operation,
// connection pools, jobs, the active policy. Other packages register what they count on their own.
//
// What does not belong here: anything that tells tenants or people apart. Labels come from short lists that the program itself
// has: operations, kinds of jobs, classes of statuses.
package metrics

import (
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins the name of every metric that is not one of the Go runtime or the process.
const namespace = "palisade"

// Set is the metrics of one program. Its Registry is where other packages register theirs.
type Set struct {
	*prometheus.Registry

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	throttled *prometheus.CounterVec
	jobs      *prometheus.CounterVec
	jobTimes  *prometheus.HistogramVec
}

// New makes the metrics of a program of that release.
func New(release string) *Set {
	set := &Set{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "http_requests_total",
			Help: "Requests that were answered, by operation (none: no operation has the path) and class of the status."}, []string{"operation", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "http_request_duration_seconds",
			Help:    "Time from the first byte of a request to the last of its answer, by operation.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}}, []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "http_requests_in_flight", Help: "Requests that are being answered."}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "http_throttled_total",
			Help: "Requests that were refused with 429, by the limit that was used up."}, []string{"limit"}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "jobs_total",
			Help: "Attempts at background jobs that this process ended, by kind and outcome."}, []string{"kind", "outcome"}),
		jobTimes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "job_duration_seconds",
			Help: "Time of an attempt at a background job, by kind.", Buckets: []float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 1800, 7200}}, []string{"kind"}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "The program that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": release, "goversion": runtime.Version()}}, func() float64 { return 1 })
	set.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		set.requests, set.durations, set.inFlight, set.throttled, set.jobs, set.jobTimes)
	return set
}

// Handler serves the metrics in the text format, or in the one that the scraper asks for.
func (s *Set) Handler(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes, Timeout: scrapeTimeout})
}

const (
	maxScrapes    = 4
	scrapeTimeout = 10 * time.Second
)

// RequestBegan counts a request that came in.
func (s *Set) RequestBegan() { s.inFlight.Inc() }

// RequestEnded counts a request that was answered; operation is empty when its path belongs to none.
func (s *Set) RequestEnded(operation string, status int, took time.Duration) {
	if operation == "" {
		operation = "none"
	}
	s.inFlight.Dec()
	s.requests.WithLabelValues(operation, class(status)).Inc()
	s.durations.WithLabelValues(operation).Observe(took.Seconds())
}

// Throttled counts a request that a limit refused.
func (s *Set) Throttled(limit string) { s.throttled.WithLabelValues(limit).Inc() }

// JobEnded counts an attempt at a job.
func (s *Set) JobEnded(kind, outcome string, took time.Duration) {
	s.jobs.WithLabelValues(kind, outcome).Inc()
	s.jobTimes.WithLabelValues(kind).Observe(took.Seconds())
}

// class is 2xx and the like: one series for each status would tell little more.
func class(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return string(rune('0'+status/100)) + "xx"
}
