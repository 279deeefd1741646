package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system account that the server runs as. Nil means our own, the usual case.
type account struct {
	name     string
	uid, gid int
}

// serverAccount returns nil for an ordinary user; for root, the account postgres if the system has one, else nobody.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		return &account{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("postgres does not run as root, and there is no account postgres or nobody to run it as")
}

func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// ownTree gives a folder and all in it to the account. A tree whose top already belongs to it is left alone.
func (a *account) ownTree(path string) error {
	if a == nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == a.uid {
		return nil
	}
	// The top comes last, so that an interrupted run is taken up again.
	err = filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || p == path {
			return err
		}
		return a.own(p)
	})
	if err != nil {
		return err
	}
	return a.own(path)
}

// canReach says whether the account may enter every folder above path and read path itself, by the mode bits.
func (a *account) canReach(path string) bool {
	if a == nil {
		return true
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	for want := os.FileMode(0o5); ; want = 0o1 {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		mode := info.Mode().Perm()
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == a.uid {
			mode >>= 6
		} else if ok && int(stat.Gid) == a.gid {
			mode >>= 3
		}
		if mode&want != want {
			return false
		}
		parent := filepath.Dir(path)
		if parent == path {
			return true
		}
		path = parent
	}
}
