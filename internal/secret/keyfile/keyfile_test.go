package keyfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func random() ([]byte, error) {
	content := make([]byte, 32)
	_, err := rand.Read(content)
	return content, err
}

func TestLoadOrCreateKeepsTheFirstContent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "folder", "key")
	const starters = 16
	contents := make([][]byte, starters)
	failures := make([]error, starters)
	var group sync.WaitGroup
	for i := range starters {
		group.Go(func() { contents[i], failures[i] = LoadOrCreate(path, random) })
	}
	group.Wait()
	for i := range starters {
		if failures[i] != nil {
			t.Fatal(failures[i])
		}
		if len(contents[i]) != 32 || !bytes.Equal(contents[i], contents[0]) {
			t.Fatalf("starter %d has another key", i)
		}
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), want)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, %v; want the key alone", left, err)
	}
}

func TestReadRefusesFilesOpenToOthers(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o640, 0o604, 0o602, 0o610, 0o666} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte("key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("mode %04o was read", mode)
		}
		if _, err := LoadOrCreate(path, random); err == nil {
			t.Errorf("mode %04o was loaded", mode)
		}
	}
}

func TestLoadOrCreateReportsFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	path := filepath.Join(t.TempDir(), "key")
	if _, err := LoadOrCreate(path, func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was left")
	}
	if _, err := LoadOrCreate(filepath.Join(path, "key"), random); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(path, random); err == nil {
		t.Error("a folder was read as a key")
	}
}
