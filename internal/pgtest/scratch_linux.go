package pgtest

import (
	"os"
	"syscall"
)

// memoryDir is the usual file system in memory; files are made there an order of magnitude faster than on many disks.
const memoryDir = "/dev/shm"

// enoughMemory is what has to be free in memoryDir for it to be used. Containers often have 64 MB.
const enoughMemory = 2 << 30

// scratchDir returns the folder in which servers are set up: what TMPDIR says, else memory if there is enough.
// Empty means the system's folder for temporary files.
func scratchDir() string {
	if os.Getenv("TMPDIR") != "" {
		return ""
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &stat); err != nil || stat.Bavail*uint64(stat.Bsize) < enoughMemory {
		return ""
	}
	probe, err := os.MkdirTemp(memoryDir, "palisade-test-")
	if err != nil {
		return ""
	}
	_ = os.Remove(probe)
	return memoryDir
}
