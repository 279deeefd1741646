package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
)

// process is a server that runs as users run it, in a process of its own.
type process struct {
	command   *exec.Cmd
	address   string
	appURL    string
	systemURL string
	ownerURL  string
	superURL  string
	keyDir    string
}

// settings open the program beside the server, on its database and with its keys.
func (p *process) settings() app.Settings {
	return app.Settings{AppURL: p.appURL, SystemURL: p.systemURL, KeyDir: p.keyDir}
}

// startProcess starts the server on a data folder and returns once it listens.
func startProcess(ctx context.Context, program, dataDir string) (*process, error) {
	p := &process{command: exec.CommandContext(ctx, program, "serve", "--data-dir", dataDir, "--listen", "127.0.0.1:0", "--log-format", "json",
		"--token-rate-limit", "off")}
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = time.Minute
	errorOutput, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	lines := bufio.NewScanner(errorOutput)
	for p.address == "" && lines.Scan() {
		var line struct{ Msg, Address, Error string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			p.address = line.Address
		}
	}
	go func() { _, _ = io.Copy(io.Discard, errorOutput) }()
	if p.address == "" {
		return nil, errors.Join(errors.New("the server did not start; run it with serve to see why"), p.stop())
	}
	server, err := postgres.Attach(filepath.Join(dataDir, "postgres"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reach the server's database: %w", err), p.stop())
	}
	p.appURL, p.systemURL = server.URL(migrate.AppRole, migrate.Database), server.URL(migrate.SystemRole, migrate.Database)
	p.ownerURL = server.URL(migrate.OwnerRole, migrate.Database)
	p.superURL = server.URL(postgres.Superuser, migrate.Database)
	p.keyDir = config.Settings{DataDir: dataDir}.Keys()
	return p, nil
}

func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	return nil
}

// peak is the largest resident memory that the process had, in bytes; 0 where the system does not tell.
func (p *process) peak() int64 { return memory(p.command.Process.Pid, "VmHWM:") }

func memory(pid int, field string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, field); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
