package postgres

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// clusterDir is a PostgreSQL data folder as this process and as the server's account reach it.
type clusterDir struct {
	path string
	// dir is handed to child processes when they run as another account: they reach the folder through the open
	// descriptor, so none of its parents (root's home, a private temporary folder) has to be opened to them.
	dir *os.File
}

// childFD is the number that the first of exec.Cmd.ExtraFiles gets in the child.
const childFD = 3

func (c *clusterDir) childPath() string {
	if c.dir == nil {
		return c.path
	}
	return fmt.Sprintf("/proc/self/fd/%d", childFD)
}

func (c *clusterDir) close() {
	if c.dir != nil {
		_ = c.dir.Close()
	}
}

// command prepares a program of PostgreSQL to run on the folder as the server's account, in a process group of its
// own so that an interrupt typed at the terminal reaches us alone.
func (c *clusterDir) command(acct *account, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + filepath.Dir(name) + ":/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: acct.credential()}
	if c.dir != nil {
		cmd.ExtraFiles = []*os.File{c.dir}
	}
	return cmd
}

// openDir opens an existing folder of the server's account.
func openDir(path string, acct *account) (*clusterDir, error) {
	c := &clusterDir{path: path}
	if acct == nil {
		return c, nil
	}
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		if acct.canReach(path) {
			return c, nil
		}
		return nil, fmt.Errorf("account %s cannot reach %s: choose a data folder whose parents it may enter", acct.name, path)
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	c.dir = dir
	return c, nil
}

// openCluster opens the cluster of the data folder, creating it first when there is none, and returns its secret.
func openCluster(ctx context.Context, cfg Config, bin binaries, acct *account) (*clusterDir, []byte, error) {
	path := filepath.Join(cfg.DataDir, "cluster")
	if clusterMajor(path) == 0 {
		if err := createCluster(ctx, cfg, bin, acct, path); err != nil {
			return nil, nil, fmt.Errorf("create the cluster: %w", err)
		}
	}
	secret, err := readSecret(cfg.DataDir)
	if err != nil {
		return nil, nil, err
	}
	if err := acct.ownTree(path); err != nil {
		return nil, nil, fmt.Errorf("hand the cluster to the server's account: %w", err)
	}
	cluster, err := openDir(path, acct)
	return cluster, secret, err
}

// createCluster runs initdb beside the final place and renames, so that an interrupted run leaves nothing behind that
// looks like a cluster.
func createCluster(ctx context.Context, cfg Config, bin binaries, acct *account, path string) error {
	secret, err := makeSecret(cfg.DataDir)
	if err != nil {
		return err
	}
	draft := path + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	// initdb wants an empty folder, and a password file that its account can read: an outer folder holds both.
	inner := filepath.Join(draft, "cluster")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(draft)
	pwFile := filepath.Join(draft, "password")
	if err := os.WriteFile(pwFile, []byte(derivePassword(secret, Superuser)), 0o600); err != nil {
		return err
	}
	if err := acct.ownTree(draft); err != nil {
		return err
	}
	outer, err := openDir(draft, acct)
	if err != nil {
		return err
	}
	defer outer.close()

	cfg.Logger.Info("creating the database cluster", "data", cfg.DataDir, "major", bin.major, "binaries", bin.dir)
	// Collation C sorts text by code point, with no dependence on the system's locale data; the character type decides
	// lower() and upper(), which must know all of Unicode where the system can.
	err = outer.initdb(ctx, bin, acct, append([]string{"--lc-ctype=C.UTF-8"}, cfg.InitArgs...))
	if err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "locale") {
		cfg.Logger.Info("initdb failed with C.UTF-8, trying C", "error", err)
		err = outer.initdb(ctx, bin, acct, cfg.InitArgs)
	}
	if err != nil {
		return err
	}
	return os.Rename(inner, path)
}

func (c *clusterDir) initdb(ctx context.Context, bin binaries, acct *account, extra []string) error {
	args := append([]string{
		"--pgdata=" + c.childPath() + "/cluster",
		"--pwfile=" + c.childPath() + "/password",
		"--username=" + Superuser,
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		"--locale=C",
		"--no-instructions",
	}, extra...)
	cmd := c.command(acct, bin.path("initdb"), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("initdb: %w: %s", errors.Join(err, ctx.Err()), strings.TrimSpace(out.String()))
	}
	return nil
}

// clusterMajor returns the version a cluster was made with, 0 when there is no cluster.
func clusterMajor(path string) int {
	text, err := os.ReadFile(filepath.Join(path, "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return major
}

func secretPath(dataDir string) string { return filepath.Join(dataDir, "secret") }

// makeSecret writes a new secret. A cluster that is being created has no other one.
func makeSecret(dataDir string) ([]byte, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	draft := secretPath(dataDir) + ".new"
	if err := os.WriteFile(draft, []byte(hex.EncodeToString(secret)+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the secret: %w", err)
	}
	if err := os.Rename(draft, secretPath(dataDir)); err != nil {
		return nil, fmt.Errorf("write the secret: %w", err)
	}
	return secret, nil
}

func readSecret(dataDir string) ([]byte, error) {
	text, err := os.ReadFile(secretPath(dataDir))
	if err != nil {
		return nil, fmt.Errorf("read the cluster's secret: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("%s is damaged: want 64 hexadecimal digits", secretPath(dataDir))
	}
	return secret, nil
}

func derivePassword(secret []byte, role string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("postgres role password: " + role))
	return hex.EncodeToString(mac.Sum(nil))
}

// pidFile is what a server tells about itself in postmaster.pid.
type pidFile struct {
	pid       int
	port      int
	socketDir string
	ready     bool
}

func readPidFile(clusterDir string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(clusterDir, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	// Lines: pid, data folder, start time, port, socket folder, listen address, shared memory key, state.
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return pidFile{}, fmt.Errorf("read postmaster.pid: %w", err)
	}
	state := pidFile{pid: pid}
	if len(lines) >= 8 {
		state.port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
		state.socketDir = strings.TrimSpace(lines[4])
		state.ready = strings.TrimSpace(lines[7]) == "ready"
	}
	return state, nil
}
