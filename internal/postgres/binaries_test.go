package postgres

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCanReach(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	stranger := &account{name: "stranger", uid: 4_000_000, gid: 4_000_000}
	deep := filepath.Join(base, "a", "b")
	if err := makeOpenDir(deep); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path string
		mode os.FileMode
		want bool
	}{
		"root folder":       {"/", 0, true},
		"missing":           {filepath.Join(base, "none"), 0, false},
		"private folder":    {deep, 0o700, false},
		"folder of a group": {deep, 0o750, false},
	}
	for name, test := range tests {
		if test.mode != 0 {
			if err := os.Chmod(test.path, test.mode); err != nil {
				t.Fatal(err)
			}
		}
		if got := stranger.canReach(test.path); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	var us *account
	if !us.canReach(deep) {
		t.Error("our own account needs no check")
	}
}

func TestMakeOpenDir(t *testing.T) {
	t.Parallel()
	deep := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := makeOpenDir(deep); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{deep, filepath.Dir(deep)} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o755 {
			t.Errorf("%s has mode %v", dir, info.Mode().Perm())
		}
	}
}

func TestLastNumber(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/usr/lib/postgresql/15/bin":          15,
		"/opt/homebrew/opt/postgresql@17/bin": 17,
		"/usr/pgsql-9/bin":                    9,
		"/usr/local/bin":                      0,
	} {
		if got := lastNumber(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestVersionLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": "15",
		"postgres (PostgreSQL) 19beta1":                        "19",
		"postgres (Other) 15.1":                                "",
	} {
		got := ""
		if match := versionLine.FindStringSubmatch(line); match != nil {
			got = match[1]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
