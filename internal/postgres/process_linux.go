package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// canListServers says whether serversIn finds every process of a cluster.
const canListServers = true

// setOrphanSignal makes the kernel signal the child when the thread that starts it dies.
func setOrphanSignal(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }

// serversIn lists the processes whose working folder is the cluster folder: the server and all its children.
func serversIn(clusterDir string) ([]int, error) {
	folder, err := os.Stat(clusterDir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, nil // no /proc: PostgreSQL's own checks remain
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		cwd, err := os.Stat(filepath.Join("/proc", entry.Name(), "cwd"))
		if err != nil || !os.SameFile(cwd, folder) {
			continue // ended meanwhile, another account's, or elsewhere
		}
		exe, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		if err == nil && strings.HasPrefix(filepath.Base(exe), "postgres") {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
