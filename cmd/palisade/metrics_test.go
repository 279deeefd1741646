package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// TestMetricsHaveAListenerOfTheirOwn starts the server as the command does.
func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	metrics := free.Addr().String()
	_ = free.Close()
	flags := pflag.NewFlagSet("palisade", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(on(pgtest.New(t), t.TempDir(), "--metrics-listen", metrics)); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(flags)
	if err != nil {
		t.Fatal(err)
	}
	settings.Worker = false
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = serve(ctx, settings, slog.New(slog.DiscardHandler), func(ctx context.Context, address string) error {
		defer stop()
		for path, want := range map[string]int{
			"http://" + metrics + "/metrics": 200, "http://" + metrics + "/api/v1/": 404,
			"http://" + address + "/metrics": 404, "http://" + address + "/health/live": 200,
		} {
			code, body := get(t, ctx, path)
			if code != want || strings.HasPrefix(path, "http://"+metrics+"/metrics") && !strings.Contains(body, "palisade_build_info{") {
				t.Errorf("%s: %d, want %d: %.200s", path, code, want, body)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, ctx context.Context, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(content)
}
