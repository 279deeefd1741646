package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Superuser is the name of the role that Start creates with the cluster. Only bootstrapping uses it.
const Superuser = "postgres"

// ErrInUse is returned by Start when another process of ours holds the data folder; see Attach.
var ErrInUse = errors.New("the data folder is in use by another process")

// ErrNotRunning is returned by Attach when no server runs on the data folder.
var ErrNotRunning = errors.New("no server runs on this data folder")

// Config says where and how the server runs. Only DataDir is required.
type Config struct {
	// DataDir is the folder that holds everything of this server: the cluster, the secret, the lock. It is created
	// with mode 0700. It belongs to this package alone.
	DataDir string

	// Port is the TCP port to listen on, on 127.0.0.1. 0 means that the unix socket is the only way in.
	Port int

	// Major is the PostgreSQL major version wanted, at least MinMajor. 0 means: the one the cluster was made with,
	// else the newest installed one, else DownloadMajor.
	Major int

	// IgnoreInstalled makes Start use downloaded binaries although there are installed ones.
	IgnoreInstalled bool

	// CacheDir is where downloaded binaries are kept. Empty means the user's cache folder, or /var/cache/palisade
	// when the server's account cannot reach that one.
	CacheDir string

	// Repository is the base URL of the Maven repository that binaries are downloaded from. Empty means Maven Central.
	Repository string

	// Settings are server settings laid over the defaults (fsync, shared_buffers, ...). The defaults are durable.
	Settings map[string]string

	// InitArgs are further arguments for initdb, used once when the cluster is created.
	InitArgs []string

	// OrphanSignal is what the server gets when this process dies without stopping it (Linux only). The default,
	// SIGINT, lets it write a checkpoint and end cleanly; SIGQUIT ends it at once.
	OrphanSignal syscall.Signal

	// Logger receives the server's log lines and what Start does. Nil discards them.
	Logger *slog.Logger
}

// Server is a running PostgreSQL server.
type Server struct {
	secret    []byte
	socketDir string
	port      int
	major     int

	// The rest is empty for an attached server.
	process       *exec.Cmd
	done          chan struct{}
	waitErr       error
	lock          *os.File
	tempSocketDir string
}

// defaultPort only names the socket file when there is no TCP port.
const defaultPort = 5432

// Start creates the cluster if there is none, starts the server and returns once it accepts connections. A server
// that an earlier, killed process left behind on the same folder is stopped first. Cancelling ctx abandons the start.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.OrphanSignal == 0 {
		cfg.OrphanSignal = syscall.SIGINT
	}
	dataDir, err := filepath.Abs(cfg.DataDir)
	if cfg.DataDir == "" || err != nil {
		return nil, errors.Join(errors.New("start postgres: no data folder"), err)
	}
	cfg.DataDir = dataDir
	srv, err := start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start postgres in %s: %w", dataDir, err)
	}
	return srv, nil
}

func start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, err
	}
	srv := &Server{port: cfg.Port, done: make(chan struct{})}
	if srv.port == 0 {
		srv.port = defaultPort
	}
	if srv.lock, err = lockFile(filepath.Join(cfg.DataDir, "lock")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			srv.release()
		}
	}()
	clusterDir := filepath.Join(cfg.DataDir, "cluster")
	if err := endLeftovers(ctx, clusterDir, cfg.Logger); err != nil {
		return nil, err
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, cfg, clusterMajor(clusterDir), acct)
	if err != nil {
		return nil, err
	}
	srv.major = bin.major
	cluster, secret, err := openCluster(ctx, cfg, bin, acct)
	if err != nil {
		return nil, err
	}
	defer cluster.close()
	srv.secret = secret
	if err := srv.chooseSocketDir(clusterDir, acct); err != nil {
		return nil, err
	}
	if err := srv.run(ctx, cfg, bin, cluster, acct); err != nil {
		return nil, err
	}
	return srv, nil
}

// Attach returns the server that another process of ours runs on dataDir, for tools that only need to connect.
// Stop does nothing on it. The error is ErrNotRunning when there is none.
func Attach(dataDir string) (*Server, error) {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dataDir, "lock"))
	if err == nil {
		_ = lock.Close()
		return nil, ErrNotRunning
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if !errors.Is(err, ErrInUse) {
		return nil, err
	}
	clusterDir := filepath.Join(dataDir, "cluster")
	state, err := readPidFile(clusterDir)
	if err != nil || !state.ready {
		return nil, ErrNotRunning
	}
	secret, err := readSecret(dataDir)
	if err != nil {
		return nil, err
	}
	srv := &Server{secret: secret, port: state.port, major: clusterMajor(clusterDir), socketDir: state.socketDir}
	if !filepath.IsAbs(srv.socketDir) {
		srv.socketDir = clusterDir
	}
	return srv, nil
}

// Major is the PostgreSQL major version of the server.
func (s *Server) Major() int { return s.major }

// Password returns the password that belongs to a role of this server. It is derived from the cluster's secret, so
// that one file of 0600 is all there is to keep; it becomes effective when a role is given it.
func (s *Server) Password(role string) string { return derivePassword(s.secret, role) }

// URL returns the connection string for a role and a database over the unix socket. It contains the password.
func (s *Server) URL(role, database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(role, s.Password(role)),
		Path:   "/" + database,
		RawQuery: url.Values{
			"host":    {s.socketDir},
			"port":    {strconv.Itoa(s.port)},
			"sslmode": {"disable"},
		}.Encode(),
	}
	return u.String()
}

// Pid is the process id of the server, 0 for an attached one.
func (s *Server) Pid() int {
	if s.process == nil {
		return 0
	}
	return s.process.Process.Pid
}

// Done is closed when the server process has ended, whoever ended it. It is nil for an attached server.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the server: open sessions are closed, a checkpoint is written. When ctx ends first, the server is told to
// quit at once and recovers at the next start. Stop may be called more than once.
func (s *Server) Stop(ctx context.Context) error {
	if s.process == nil {
		return nil
	}
	defer s.release()
	if !s.ended() {
		_ = s.process.Process.Signal(syscall.SIGINT)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		_ = s.process.Process.Signal(syscall.SIGQUIT)
		<-s.done
	}
	if s.waitErr != nil {
		return fmt.Errorf("stop postgres: %w", s.waitErr)
	}
	return nil
}

func (s *Server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *Server) release() {
	if s.tempSocketDir != "" {
		_ = os.RemoveAll(s.tempSocketDir)
	}
	_ = s.lock.Close()
}

// maxSocketPath is what sockaddr_un takes on every supported system, less the final NUL (108 on Linux, 104 elsewhere).
const maxSocketPath = 103

// chooseSocketDir puts the socket into the cluster folder, which only the server's account and root can enter. A path
// too long for a socket address gets a private temporary folder instead.
func (s *Server) chooseSocketDir(clusterDir string, acct *account) error {
	if len(filepath.Join(clusterDir, ".s.PGSQL."+strconv.Itoa(s.port))) <= maxSocketPath {
		s.socketDir = clusterDir
		return nil
	}
	dir, err := os.MkdirTemp("", "palisade-pg-")
	if err != nil {
		return fmt.Errorf("make the socket folder: %w", err)
	}
	s.socketDir, s.tempSocketDir = dir, dir
	return acct.own(dir)
}

// run starts the server process and waits until it is ready.
func (s *Server) run(ctx context.Context, cfg Config, bin binaries, cluster *clusterDir, acct *account) error {
	log := newLogPipe(cfg.Logger)
	cmd := cluster.command(acct, bin.path("postgres"), s.arguments(cfg, cluster)...)
	cmd.Stdout, cmd.Stderr = log, log
	setOrphanSignal(cmd.SysProcAttr, cfg.OrphanSignal)

	started := make(chan error, 1)
	go func() {
		// The kernel sends the orphan signal when the thread that forked dies, so that thread is kept.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		s.waitErr = cmd.Wait()
		log.flush()
		close(s.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	s.process = cmd
	if err := s.waitReady(ctx, cluster.path); err != nil {
		if !s.ended() {
			_ = cmd.Process.Signal(syscall.SIGQUIT)
			<-s.done
		}
		return fmt.Errorf("%w; its last words: %s", err, log.lastLines())
	}
	cfg.Logger.Info("postgres is ready", "pid", s.Pid(), "major", s.major, "data", cfg.DataDir)
	return nil
}

func (s *Server) arguments(cfg Config, cluster *clusterDir) []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_permissions": "0700",
		// Relative to the cluster folder, which the server makes its working folder.
		"unix_socket_directories": ".",
		"password_encryption":     "scram-sha-256",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_destination":         "stderr",
		"logging_collector":       "off",
		// Statements and the details of errors contain row values; the client gets them, the log does not.
		"log_min_messages":        "log",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
		"log_line_prefix":         "",
		"log_checkpoints":         "off",
		"lc_messages":             "C",
		// Compiling plans costs more than the short queries of an API gain.
		"jit": "off",
	}
	if cfg.Port != 0 {
		settings["listen_addresses"] = "127.0.0.1"
	}
	if s.tempSocketDir != "" {
		settings["unix_socket_directories"] = s.tempSocketDir
	}
	maps.Copy(settings, cfg.Settings)
	args := []string{"-D", cluster.childPath()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// waitReady waits for the server to declare itself ready in its pid file, as pg_ctl does.
func (s *Server) waitReady(ctx context.Context, clusterDir string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if state, err := readPidFile(clusterDir); err == nil && state.pid == s.Pid() && state.ready {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("the server ended while starting (%v)", s.waitErr)
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready in time: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
