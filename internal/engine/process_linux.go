package engine

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate gives the child a process group of its own, and its death with ours.
func isolate(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limitMemory limits what the process, and each process that it starts, may write to. It is the data limit and not
// the address space: runtimes that engines call reserve far more addresses than they use.
func limitMemory(pid int, bytes int64) error {
	if bytes < 0 {
		return nil
	}
	limit := unix.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	err := unix.Prlimit(pid, unix.RLIMIT_DATA, &limit, nil)
	if err == unix.ESRCH {
		return nil // it has ended already
	}
	return err
}
