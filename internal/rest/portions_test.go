package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// inPortions answers "begin" and then what the path's name says: its own text three times, an error, or nothing in time.
func inPortions(_ context.Context, r *Request) (*Answer, error) {
	name, sent := r.Param("name"), 0
	rest := func(ctx context.Context) ([]byte, error) {
		switch sent++; {
		case name == "breaks" && sent == 2:
			return nil, errors.New("out of paper")
		case name == "stalls" && sent == 2:
			<-ctx.Done()
			return nil, ctx.Err()
		case sent == 4:
			return nil, io.EOF
		}
		return []byte(";" + name), nil
	}
	return &Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("begin"), Rest: rest}, nil
}

// open asks for a path as somebody who may; the error is that of getting and reading the answer.
func open(t *testing.T, address, path string) (status int, kind, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+BasePath+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer admin")
	response, err := http.DefaultClient.Do(request) // which takes gzip
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Content-Type"), string(content), err
}

func TestAnswersInPortions(t *testing.T) {
	t.Parallel()
	address, lines := start(t, func(config *Config) { config.Timeout = 300 * time.Millisecond })
	id := uuid.NewString()
	for path, want := range map[string]string{"whole": "begin;whole;whole;whole", "50%25": "begin;50%;50%;50%", "%2541": "begin;%41;%41;%41", "a%2Fb": "begin;a/b;a/b;a/b"} {
		if status, kind, body, err := open(t, address, "/portions/"+id+"/"+path); err != nil || status != 200 || kind != "text/plain" || body != want {
			t.Errorf("%s: %d %s %q (%v)", path, status, kind, body, err)
		}
	}
	for name, said := range map[string]string{"breaks": "out of paper", "stalls": "deadline exceeded"} {
		if status, _, body, err := open(t, address, "/portions/"+id+"/"+name); err == nil {
			t.Errorf("%s: %d %q looks whole", name, status, body)
		}
		if !strings.Contains(lines.text(), said) {
			t.Errorf("%s: the log does not say %q", name, said)
		}
	}
	for path, want := range map[string]string{"/portions/12/whole": "application/vnd.api+json", "/portions/" + id + "/": "text/html; charset=utf-8"} {
		if status, kind, body, err := open(t, address, path); err != nil || status != 404 || kind != want {
			t.Errorf("%s: %d %s %q (%v)", path, status, kind, body, err)
		}
	}
}
