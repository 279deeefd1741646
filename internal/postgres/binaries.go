package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MinMajor is the oldest PostgreSQL that the schema runs on.
const MinMajor = 15

// binaries is a folder with a PostgreSQL server's programs.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// Locate returns the folder and major version of the server programs that Start would use for a new cluster, downloading
// them when there are none.
func Locate(ctx context.Context, cfg Config) (dir string, major int, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	acct, err := serverAccount()
	if err != nil {
		return "", 0, fmt.Errorf("locate postgres: %w", err)
	}
	bin, err := findBinaries(ctx, cfg, 0, acct)
	if err != nil {
		return "", 0, fmt.Errorf("locate postgres: %w", err)
	}
	return bin.dir, bin.major, nil
}

// findBinaries chooses the programs for a cluster. An existing cluster (clusterMajor not 0) only runs with the major
// version that made it.
func findBinaries(ctx context.Context, cfg Config, clusterMajor int, acct *account) (binaries, error) {
	want := cfg.Major
	if clusterMajor != 0 {
		if want != 0 && want != clusterMajor {
			return binaries{}, fmt.Errorf("the cluster was made by PostgreSQL %d, not %d: dump and restore it to change", clusterMajor, want)
		}
		want = clusterMajor
	}
	if want != 0 && want < MinMajor {
		return binaries{}, fmt.Errorf("PostgreSQL %d is too old: at least %d is needed", want, MinMajor)
	}
	if !cfg.IgnoreInstalled {
		if bin, ok := installed(ctx, want, acct); ok {
			return bin, nil
		}
	}
	if want == 0 {
		want = DownloadMajor
	}
	return download(ctx, cfg, want, acct)
}

// installed returns the first usable installation: PATH, pg_config, then the folders of distributions, newest first.
func installed(ctx context.Context, want int, acct *account) (binaries, bool) {
	for _, dir := range installedDirs(ctx) {
		bin, err := probe(ctx, dir)
		if err != nil || bin.major < MinMajor || (want != 0 && bin.major != want) {
			continue
		}
		if acct.canReach(bin.path("postgres")) && acct.canReach(bin.path("initdb")) {
			return bin, true
		}
	}
	return binaries{}, false
}

func installedDirs(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // the PostgreSQL project's RPMs
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return lastNumber(b) - lastNumber(a) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

func lastNumber(path string) int {
	all := number.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}

// versionLine matches "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", also of betas ("19beta1").
var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// probe checks that a folder has the programs we run and asks for their version.
func probe(ctx context.Context, dir string) (binaries, error) {
	bin := binaries{dir: dir}
	if _, err := os.Stat(bin.path("initdb")); err != nil {
		return bin, err
	}
	out, err := exec.CommandContext(ctx, bin.path("postgres"), "--version").CombinedOutput()
	if err != nil {
		return bin, fmt.Errorf("%s --version: %w: %s", bin.path("postgres"), err, strings.TrimSpace(string(out)))
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return bin, errors.New("no version in: " + string(out))
	}
	bin.major, err = strconv.Atoi(string(match[1]))
	return bin, err
}

// download returns the programs of the given version from the cache, fetching them first when they are not there.
func download(ctx context.Context, cfg Config, major int, acct *account) (binaries, error) {
	version, ok := downloadVersions[major]
	if !ok {
		return binaries{}, fmt.Errorf("PostgreSQL %d is not installed, and there is none to download", major)
	}
	cache, err := cacheDir(cfg, acct)
	if err != nil {
		return binaries{}, err
	}
	home := filepath.Join(cache, string(version))
	if _, err := os.Stat(home); errors.Is(err, os.ErrNotExist) {
		err = fetch(ctx, cfg.Repository, version, home, cfg.Logger)
		if err != nil {
			return binaries{}, fmt.Errorf("download PostgreSQL %s: %w", version, err)
		}
	}
	bin, err := probe(ctx, filepath.Join(home, "bin"))
	if err != nil {
		return bin, fmt.Errorf("the downloaded PostgreSQL %s does not run here: %w", version, err)
	}
	return bin, nil
}

// systemCacheDir is the cache when we are root and root's home is closed to the server's account, as it usually is.
const systemCacheDir = "/var/cache/palisade"

func cacheDir(cfg Config, acct *account) (string, error) {
	candidates := []string{cfg.CacheDir}
	if cfg.CacheDir == "" {
		candidates = candidates[:0]
		if user, err := os.UserCacheDir(); err == nil {
			candidates = append(candidates, filepath.Join(user, "palisade"))
		}
		if acct != nil {
			candidates = append(candidates, systemCacheDir)
		}
	}
	var problems []error
	for _, dir := range candidates {
		dir = filepath.Join(dir, "postgres")
		if !acct.canReach(existingPart(dir)) {
			problems = append(problems, fmt.Errorf("account %s cannot reach %s", acct.name, dir))
			continue
		}
		if err := makeOpenDir(dir); err != nil {
			problems = append(problems, err)
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("no folder for downloaded binaries: %w", errors.Join(problems...))
}

// makeOpenDir makes a folder and those above it that are missing, enterable by every account whatever our umask is.
func makeOpenDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeOpenDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, os.ErrExist) {
		return nil // another process was faster
	} else if err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// existingPart is the path up to the first folder that is not there yet.
func existingPart(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
