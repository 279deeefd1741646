//go:build !linux

package postgres

import (
	"errors"
	"os"
	"syscall"
)

// canListServers is false: there is no portable way to find the children of a dead server, so PostgreSQL's own check
// of the shared memory decides.
const canListServers = false

// setOrphanSignal does nothing: only Linux can signal an orphan.
func setOrphanSignal(*syscall.SysProcAttr, syscall.Signal) {}

// serversIn returns the process named by the pid file, if it lives.
func serversIn(clusterDir string) ([]int, error) {
	state, err := readPidFile(clusterDir)
	if errors.Is(err, os.ErrNotExist) || err != nil {
		return nil, nil
	}
	if syscall.Kill(state.pid, 0) != nil {
		return nil, nil
	}
	return []int{state.pid}, nil
}
