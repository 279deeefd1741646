//go:build unix

package engine

import (
	"errors"
	"os/exec"
	"syscall"
)

// killGroup ends a process and all that it has started.
func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// exitOf returns the exit code that Wait's error tells: 0 for none, 128 and the number for a signal, -1 when the
// process did not start.
func exitOf(waited error) int {
	ended, ok := errors.AsType[*exec.ExitError](waited)
	if !ok {
		if waited == nil || errors.Is(waited, exec.ErrWaitDelay) {
			return 0
		}
		return exitNotFound
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return ended.ExitCode()
}
