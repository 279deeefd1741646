package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// logPipe turns the server's standard error into log records and remembers the last lines for error messages.
type logPipe struct {
	logger *slog.Logger

	mu      sync.Mutex
	partial []byte
	last    []string
}

// keptLines is how many lines an error message shows.
const keptLines = 5

func newLogPipe(logger *slog.Logger) *logPipe { return &logPipe{logger: logger} }

// Write takes raw output; it never fails.
func (p *logPipe) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, text...)
	for {
		line, rest, found := bytes.Cut(p.partial, []byte("\n"))
		if !found {
			return len(text), nil
		}
		p.record(string(line))
		p.partial = rest
	}
}

func (p *logPipe) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.partial) > 0 {
		p.record(string(p.partial))
		p.partial = nil
	}
}

func (p *logPipe) lastLines() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.last, " | ")
}

func (p *logPipe) record(line string) {
	p.last = append(p.last, line)
	if len(p.last) > keptLines {
		p.last = p.last[1:]
	}
	p.logger.Log(context.Background(), levelOf(line), "postgres: "+line)
}

// levelOf maps the severity that starts a line of the server's log. LOG lines are routine.
func levelOf(line string) slog.Level {
	severity, _, _ := strings.Cut(line, ":")
	switch severity {
	case "PANIC":
		return slog.LevelError
	case "FATAL", "ERROR", "WARNING":
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}
