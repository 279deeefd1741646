package app

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/metrics"
	"github.com/palisade-sec/palisade/internal/rest"
)

// bounds are how often clients may do what.
type bounds struct {
	logIn    *rest.Limit
	guesses  *rest.Guesses
	requests rest.Limits
}

func parseBounds(settings Settings) (bounds, error) {
	var all bounds
	for _, one := range []struct {
		what, text string
		limit      **rest.Limit
	}{
		{"log-ins of one address", settings.TokenLimit, &all.logIn},
		{"requests of one address", settings.AddressLimit, &all.requests.Address},
		{"requests of one person", settings.AccessTokenLimit, &all.requests.Token},
		{"requests of one API key", settings.KeyLimit, &all.requests.Key},
	} {
		var err error
		if *one.limit, err = rest.ParseLimit(one.text); err != nil {
			return all, fmt.Errorf("%s: %w", one.what, err)
		}
	}
	var err error
	if all.guesses, err = rest.ParseGuesses(settings.AccountLimit); err != nil {
		return all, fmt.Errorf("wrong passwords of one account: %w", err)
	}
	return all, nil
}

// watch has the metrics look at what changes on its own.
func (a *App) watch() {
	a.Metrics.WatchPolicy(func() string { return a.Policy.Snapshot().Revision() })
	a.Metrics.WatchPools(func() []metrics.Pool {
		var pools []metrics.Pool
		for role, stats := range map[string]map[string]*pgxpool.Stat{"app": a.Tenants.PoolStats(), "system": a.System.PoolStats()} {
			for target, stat := range stats {
				pools = append(pools, metrics.Pool{Role: role, Target: target, Stat: stat})
			}
		}
		return pools
	})
}

// Front is the server as the settings make it, without anything behind it: for looking at the headers of its answers.
func Front(settings Settings) http.Handler {
	return rest.NewServer(rest.Config{Version: Release, Logger: slog.New(slog.DiscardHandler), TrustProxy: settings.TrustProxy,
		CORSOrigins: settings.CORSOrigins, Hosts: settings.AllowedHosts, HSTS: settings.HSTS}, nil)
}
