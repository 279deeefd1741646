package postgres

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// DownloadMajor is the version that is downloaded for a new cluster when nothing is installed.
const DownloadMajor = 18

// downloadVersions are the builds of the Zonky embedded-postgres-binaries project (Apache-2.0 packaging of PostgreSQL
// under the PostgreSQL licence) that the library knows and we run on.
var downloadVersions = map[int]embeddedpostgres.PostgresVersion{
	15: embeddedpostgres.V15,
	16: embeddedpostgres.V16,
	17: embeddedpostgres.V17,
	18: embeddedpostgres.V18,
}

const mavenCentral = "https://repo1.maven.org/maven2"

// fetch downloads and unpacks one version into home. Several processes may try at once: one does it.
func fetch(ctx context.Context, repository string, version embeddedpostgres.PostgresVersion, home string, logger *slog.Logger) error {
	if repository == "" {
		repository = mavenCentral
	}
	lock, err := waitLock(home + ".lock")
	if err != nil {
		return err
	}
	unlock := func() { _ = lock.Close() }
	defer func() { unlock() }()
	if _, err := os.Stat(home); err == nil {
		return nil // another process was faster
	}
	logger.Info("no installed PostgreSQL is used: downloading one", "version", string(version), "from", repository)
	draft := home + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	unpacked := filepath.Join(draft, "unpacked")
	finished := make(chan error, 1)
	go func() { finished <- unpack(repository, version, draft, unpacked) }()
	select {
	case err = <-finished:
	case <-ctx.Done():
		// The library cannot be interrupted: it keeps the lock until it has written its draft.
		release := unlock
		unlock = func() { go func() { <-finished; release() }() }
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if err := openToAll(unpacked); err != nil {
		return err
	}
	if err := os.Rename(unpacked, home); err != nil {
		return err
	}
	return os.RemoveAll(draft)
}

// unpack uses the library for its download, checksum and archive handling, and for nothing else: the library's own
// start runs initdb as the current user, which fails as root, and listens on TCP. It has no call that only fetches, so
// Start is given a run-time folder that cannot be made (below a file of the archive): it gives up right after unpacking.
func unpack(repository string, version embeddedpostgres.PostgresVersion, draft, unpacked string) error {
	server := filepath.Join(unpacked, "bin", "postgres")
	err := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).
		BinaryRepositoryURL(repository).
		Port(0).
		CachePath(filepath.Join(draft, "archive")).
		BinariesPath(unpacked).
		RuntimePath(filepath.Join(server, "none")).
		DataPath(filepath.Join(draft, "none")).
		Logger(io.Discard)).Start()
	for _, program := range []string{"postgres", "initdb"} {
		if _, statErr := os.Stat(filepath.Join(unpacked, "bin", program)); statErr != nil {
			return fmt.Errorf("%w (%v)", err, statErr)
		}
	}
	return nil
}

// openToAll lets other accounts run the programs whatever our umask is: as root, the server's account is another one.
func openToAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

// waitLock takes an exclusive lock, waiting for its holder.
func waitLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
