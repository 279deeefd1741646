package rest

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHostsAreChecked(t *testing.T) {
	t.Parallel()
	for host, good := range map[string]bool{"palisade.example": true, "*": true, ".example.com": true, "127.0.0.1": true, "::1": true, "localhost": true,
		"": false, ".": false, "a:80": false, "https://a": false, "*.example.com": false, "a b": false, "a/b": false, "user@a": false} {
		if err := CheckHosts([]string{host}); (err == nil) != good {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestOnlyAllowedHosts(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		allowed         []string
		trust           bool
		host, forwarded string
		want            int
	}{
		{nil, false, "anything.example", "", 200},
		{[]string{"*"}, false, "anything.example", "", 200},
		{[]string{"palisade.example"}, false, "palisade.example", "", 200},
		{[]string{"palisade.example"}, false, "PALISADE.example.:8443", "", 200},
		{[]string{"palisade.example"}, false, "evil.example", "", 400},
		{[]string{"palisade.example"}, false, "palisade.example.evil.example", "", 400},
		{[]string{"palisade.example"}, false, "sub.palisade.example", "", 400},
		{[]string{"palisade.example"}, false, "", "", 400},
		{[]string{".palisade.example"}, false, "sub.palisade.example:80", "", 200},
		{[]string{".palisade.example"}, false, "palisade.example", "", 200},
		{[]string{".palisade.example"}, false, "evilpalisade.example", "", 400},
		{[]string{"127.0.0.1", "::1"}, false, "127.0.0.1:8080", "", 200},
		{[]string{"127.0.0.1", "::1"}, false, "[::1]:8080", "", 200},
		{[]string{"127.0.0.1", "::1"}, false, "[::1]", "", 200},
		// What a client claims counts only behind a proxy, and then it has to be right too.
		{[]string{"palisade.example"}, false, "palisade.example", "evil.example", 200},
		{[]string{"palisade.example"}, false, "evil.example", "palisade.example", 400},
		{[]string{"palisade.example"}, true, "10.0.0.1:8080", "palisade.example", 200},
		{[]string{"palisade.example"}, true, "palisade.example", "evil.example", 400},
		{[]string{"palisade.example"}, true, "palisade.example", "palisade.example, evil.example", 400},
	} {
		server := NewServer(Config{Authenticator: people{}, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler), Hosts: one.allowed, TrustProxy: one.trust}, nil)
		got := fetch(t, server, BasePath+"/", func(r *http.Request) {
			r.Host = one.host
			if one.forwarded != "" {
				r.Header.Set("X-Forwarded-Host", one.forwarded)
			}
		})
		if got.Code != one.want {
			t.Errorf("%+v: %d", one, got.Code)
		}
		if got.Code == 400 && !strings.Contains(got.Body.String(), `"status":"400"`) {
			t.Errorf("%+v: %s", one, got.Body)
		}
	}
}

func TestHealthAnswersEveryHost(t *testing.T) {
	t.Parallel()
	server := NewServer(Config{Authenticator: people{}, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler), Hosts: []string{"palisade.example"}}, nil)
	server.Mount("/health/live", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
	if got := fetch(t, server, "/health/live", func(r *http.Request) { r.Host = "10.1.2.3:8080" }); got.Code != 200 {
		t.Error(got.Code)
	}
}

// TestHSTSIsToldOverHTTPS: a browser ignores the header over http, and a server that is asked over http may have no https.
func TestHSTSIsToldOverHTTPS(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		age       time.Duration
		trust     bool
		tls       bool
		forwarded string
		want      string
	}{
		{time.Hour, false, true, "", "max-age=3600"},
		{time.Hour, true, false, "https", "max-age=3600"},
		{time.Hour, true, false, "http", ""},
		{time.Hour, true, false, "", ""},
		{time.Hour, false, false, "https", ""},
		{0, true, true, "https", ""},
	} {
		server := NewServer(Config{Authenticator: people{}, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler), HSTS: one.age, TrustProxy: one.trust}, nil)
		got := fetch(t, server, BasePath+"/", func(r *http.Request) {
			if one.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if one.forwarded != "" {
				r.Header.Set("X-Forwarded-Proto", one.forwarded)
			}
		})
		if got := got.Header().Get("Strict-Transport-Security"); got != one.want {
			t.Errorf("%+v: %q", one, got)
		}
	}
}

// TestABodyThatDoesNotComeIsNotWaitedFor holds a body back: the answer comes all the same.
func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := NewServer(Config{Authenticator: people{}, Policy: noPolicy{}, Logger: slog.New(slog.DiscardHandler), Timeout: 50 * time.Millisecond},
		[]Operation{{ID: "things.create", Method: "POST", Path: "/things", Anonymous: true, Handle: func(_ context.Context, r *Request) (*Answer, error) {
			if _, err := r.Input(); err != nil {
				return nil, err
			}
			return NoContent(), nil
		}}})
	listener := httptest.NewServer(server)
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "POST %s/things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", BasePath); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", response.StatusCode)
	}
}
