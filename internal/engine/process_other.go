//go:build unix && !linux

package engine

import (
	"os/exec"
	"syscall"
)

// isolate gives the child a process group of its own. Only Linux can tie its life to ours.
func isolate(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// limitMemory does nothing: only Linux can limit another process.
func limitMemory(int, int64) error { return nil }
