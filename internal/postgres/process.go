package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockFile takes an exclusive lock that lasts until the file is closed or this process dies, however it dies.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// leftoverSteps are the signals for a server whose starter was killed, each with the time it gets.
var leftoverSteps = []struct {
	signal   syscall.Signal
	patience time.Duration
}{
	{syscall.SIGINT, 20 * time.Second},
	{syscall.SIGQUIT, 5 * time.Second},
	{syscall.SIGKILL, 5 * time.Second},
}

// endLeftovers ends every server process that still works in the cluster folder. The caller holds the lock, so they
// are nobody's. Afterwards a pid file is stale; one whose number now belongs to a stranger is removed, because
// PostgreSQL would take that stranger for a server.
func endLeftovers(ctx context.Context, clusterDir string, logger *slog.Logger) error {
	for _, step := range leftoverSteps {
		pids, err := serversIn(clusterDir)
		if err != nil || len(pids) == 0 {
			return errors.Join(err, removeMisleadingPidFile(clusterDir))
		}
		logger.Warn("ending the server that a killed process left behind", "pids", pids, "signal", step.signal.String())
		for _, pid := range pids {
			_ = syscall.Kill(pid, step.signal)
		}
		if err := waitGone(ctx, clusterDir, step.patience); err != nil {
			return err
		}
	}
	if pids, err := serversIn(clusterDir); err != nil || len(pids) > 0 {
		return errors.Join(err, fmt.Errorf("processes %v still use the cluster", pids))
	}
	return removeMisleadingPidFile(clusterDir)
}

func waitGone(ctx context.Context, clusterDir string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if pids, err := serversIn(clusterDir); err != nil || len(pids) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func removeMisleadingPidFile(clusterDir string) error {
	state, err := readPidFile(clusterDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	damaged := err != nil
	if !damaged && errors.Is(syscall.Kill(state.pid, 0), syscall.ESRCH) {
		return nil // nobody has that number: PostgreSQL replaces the file itself
	}
	if !damaged && !canListServers {
		return nil
	}
	return os.Remove(filepath.Join(clusterDir, "postmaster.pid"))
}
