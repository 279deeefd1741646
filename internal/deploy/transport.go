package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/config"
)

var transportChecks = []Check{
	{ID: "http.tls", Severity: Error, Title: "requests come over TLS",
		Remedy: "put a proxy with TLS before the server and set trust-proxy, or listen on the loopback alone", find: findPlainHTTP},
	{ID: "http.proxy", Severity: Warning, Title: "only the proxy can reach the server",
		Remedy: "listen on an address that only the proxy reaches, and see that it replaces X-Forwarded-Proto and X-Forwarded-Host and adds to X-Forwarded-For",
		find:   findForgeableProxy},
	{ID: "http.hosts", Severity: Error, Title: "requests are for hosts that the server is",
		Remedy: "set allowed-hosts to the names that people reach the server by", find: findAnyHost},
	{ID: "http.hsts", Severity: Error, Title: "browsers are told to insist on https",
		Remedy: "set hsts-max-age, as in 8760h, once all of the site is reached over https", find: findNoHSTS},
	{ID: "http.headers", Severity: Error, Title: "answers carry the headers that protect browsers",
		Remedy: "use a release of the program in which they do", find: findMissingHeaders},
	{ID: "http.cookies", Severity: Error, Title: "cookies are for https and not for scripts",
		Remedy: "use a release of the program in which they are", find: findOpenCookies},
	{ID: "http.cors", Severity: Error, Title: "browsers may call from https pages alone",
		Remedy: "name the origins of your pages in cors-origins, as in https://palisade.example.com", find: findOpenOrigins},
	{ID: "metrics.exposure", Severity: Warning, Title: "the metrics are for the monitoring network alone",
		Remedy: "set metrics-listen to the loopback or to an address of a private network", find: findPublicMetrics},
	{ID: "log.level", Severity: Warning, Title: "the log is not one for debugging",
		Remedy: "set log-level to info or above", find: findDebugLog},
}

func findPlainHTTP(_ context.Context, d *Deployment) ([]string, error) {
	s := d.Settings
	return when(!config.Loopback(s.Listen) && !s.TrustProxy, "the server speaks plain HTTP on %s", s.Listen), nil
}

func findForgeableProxy(_ context.Context, d *Deployment) ([]string, error) {
	s := d.Settings
	return when(s.TrustProxy && isPublic(s.Listen),
		"trust-proxy is set and the server listens on %s: whoever reaches it past the proxy may claim any address, host and scheme", s.Listen), nil
}

// isPublic reports whether an address to listen on can be reached from anywhere. A name cannot be judged.
func isPublic(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	address := net.ParseIP(host)
	return err == nil && (host == "" || address != nil && !address.IsLoopback() && !address.IsPrivate())
}

func findAnyHost(_ context.Context, d *Deployment) ([]string, error) {
	hosts := d.Settings.Hosts()
	return when(len(hosts) == 0 || slices.Contains(hosts, "*"),
		"the server answers for any host that a request names, and puts it into the links of its answers"), nil
}

// leastHSTS is half a year: less is forgotten between two visits.
const leastHSTS = 180 * 24 * time.Hour

func findNoHSTS(_ context.Context, d *Deployment) ([]string, error) {
	return when(d.Settings.HSTSMaxAge < leastHSTS, "hsts-max-age is %s: want %.0fh at least", d.Settings.HSTSMaxAge, leastHSTS.Hours()), nil
}

// answer asks the server for something that needs no database, as a browser does that came over https.
func (d *Deployment) answer(ctx context.Context) (http.Header, error) {
	if d.Front == nil {
		return nil, errors.New("nothing to ask was given")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://localhost/", nil)
	if err != nil {
		return nil, err
	}
	if hosts := d.Settings.Hosts(); len(hosts) > 0 && hosts[0] != "*" {
		request.Host = strings.TrimPrefix(hosts[0], ".")
	}
	request.RemoteAddr = "127.0.0.1:1"
	request.Header.Set("X-Forwarded-Proto", "https")
	answer := &headers{header: make(http.Header)}
	d.Front.ServeHTTP(answer, request)
	return answer.header, nil
}

// headers is an answer of which only the headers are kept.
type headers struct{ header http.Header }

// Header returns them.
func (h *headers) Header() http.Header { return h.header }

// Write forgets the body.
func (h *headers) Write(content []byte) (int, error) { return len(content), nil }

// WriteHeader forgets the status.
func (h *headers) WriteHeader(int) {}

func findMissingHeaders(ctx context.Context, d *Deployment) ([]string, error) {
	got, err := d.answer(ctx)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, one := range []struct{ name, want string }{
		{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}, {"Referrer-Policy", "strict-origin-when-cross-origin"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
	} {
		if value := got.Get(one.name); value != one.want {
			problems = append(problems, fmt.Sprintf("%s is %q: want %q", one.name, value, one.want))
		}
	}
	if d.Settings.HSTSMaxAge > 0 && d.Settings.TrustProxy && got.Get("Strict-Transport-Security") == "" {
		problems = append(problems, "Strict-Transport-Security is not sent")
	}
	return problems, nil
}

func findOpenCookies(ctx context.Context, d *Deployment) ([]string, error) {
	got, err := d.answer(ctx)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, cookie := range (&http.Response{Header: got}).Cookies() {
		if !cookie.Secure || !cookie.HttpOnly {
			problems = append(problems, "the cookie "+cookie.Name+" is not marked Secure and HttpOnly")
		}
	}
	return problems, nil
}

func findOpenOrigins(_ context.Context, d *Deployment) ([]string, error) {
	var problems []string
	for _, origin := range d.Settings.CORSOrigins {
		if parsed, err := url.Parse(origin); err != nil || parsed.Scheme != "https" || parsed.Host == "" || parsed.Path != "" {
			problems = append(problems, "cors-origins: "+origin+" is not the origin of an https page")
		}
	}
	return problems, nil
}

func findPublicMetrics(_ context.Context, d *Deployment) ([]string, error) {
	listen := d.Settings.MetricsListen
	return when(listen != "" && isPublic(listen), "metrics are served on %s, without credentials", listen), nil
}

func findDebugLog(_ context.Context, d *Deployment) ([]string, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(d.Settings.LogLevel)); err != nil {
		return nil, err
	}
	return when(level < slog.LevelInfo, "log-level is %s", d.Settings.LogLevel), nil
}
