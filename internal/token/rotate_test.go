package token

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func openFolder(t *testing.T, dir string) *Issuer {
	t.Helper()
	issuer, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func issued(t *testing.T, issuer *Issuer) Pair {
	t.Helper()
	pair, err := issuer.Issue(holder)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func rotated(t *testing.T, dir string, at time.Time) string {
	t.Helper()
	name, err := Rotate(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestServersOnOneFolderRotateTogether: nobody is logged out, whichever server notices first.
func TestServersOnOneFolderRotateTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, other := openFolder(t, dir), openFolder(t, dir)
	before := issued(t, one)
	signing := rotated(t, dir, time.Now())

	// One takes the key up at its next look, the other when it meets a token that is signed with it.
	if changed, err := one.Reload(); err != nil || !changed {
		t.Fatalf("Reload = %v, %v", changed, err)
	}
	if changed, err := one.Reload(); err != nil || changed {
		t.Errorf("a second Reload = %v, %v", changed, err)
	}
	after := issued(t, one)
	for name, issuer := range map[string]*Issuer{"the first": one, "the other": other, "a new one": openFolder(t, dir)} {
		for when, pair := range map[string]Pair{"before": before, "after": after} {
			if _, err := issuer.ParseAccess(pair.Access); err != nil {
				t.Errorf("%s, a token from %s: %v", name, when, err)
			}
			old, err := issuer.ParseRefresh(pair.Refresh)
			if err != nil {
				t.Fatalf("%s, a refresh token from %s: %v", name, when, err)
			}
			renewed, err := issuer.Refresh(old)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := one.ParseAccess(renewed.Access); err != nil {
				t.Errorf("renewed by %s: %v", name, err)
			}
		}
		if got := issuer.keys.Load().fingerprints(); got[0] != signing || len(got) != 2 {
			t.Errorf("%s signs with %v, want %s", name, got, signing)
		}
	}
	// The private half of the old key is gone.
	for _, file := range previous(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || strings.Contains(string(content), "PRIVATE") {
			t.Errorf("%s: %v %s", file, err, content)
		}
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

func previous(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, PreviousKeysPattern))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	return names
}

func TestAPrunedKeyIsForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issuer := openFolder(t, dir)
	pair := issued(t, issuer)
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	rotated(t, dir, at)
	byHand := filepath.Join(dir, "jwt_previous_by_hand.pem")
	if err := os.WriteFile(byHand, []byte(publicPEM(t, &earlierKey().PublicKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]int{0: 0, 24 * time.Hour: 0, pruneAfter - time.Second: 0} {
		removed, kept, err := Prune(dir, at.Add(after))
		if err != nil || len(removed) != want || len(kept) != 2 {
			t.Errorf("after %v: removed %v, kept %v, %v", after, removed, kept, err)
		}
	}
	if _, err := issuer.ParseAccess(pair.Access); err != nil {
		t.Fatal(err)
	}
	removed, kept, err := Prune(dir, at.Add(pruneAfter))
	if err != nil || len(removed) != 1 || !strings.HasPrefix(removed[0], "jwt_previous_20260504T030201Z_") || !slices.Equal(kept, []string{filepath.Base(byHand)}) {
		t.Fatalf("removed %v, kept %v, %v", removed, kept, err)
	}
	if changed, err := issuer.Reload(); err != nil || !changed {
		t.Fatalf("Reload = %v, %v", changed, err)
	}
	for _, parse := range []func(string) (Token, error){issuer.ParseAccess, openFolder(t, dir).ParseAccess} {
		if _, err := parse(pair.Access); !errors.Is(err, Invalid) {
			t.Errorf("a token of the pruned key: %v", err)
		}
	}
	if removed, _, err := Prune(dir, at.Add(pruneAfter)); err != nil || len(removed) != 0 {
		t.Errorf("again: %v, %v", removed, err)
	}
}

// TestManyRotateAtOnce: every key that ever signed is still believed, while servers read the folder all the time.
func TestManyRotateAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reader := openFolder(t, dir)
	var mutex sync.Mutex
	var pairs []Pair
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range 2 {
				if _, err := Rotate(dir, time.Now()); err != nil {
					t.Error(err)
					return
				}
				issuer, err := Open(dir, Config{})
				if err != nil {
					t.Error(err)
					return
				}
				pair, err := issuer.Issue(holder)
				if err != nil {
					t.Error(err)
				}
				if _, err := reader.ParseAccess(pair.Access); err != nil {
					t.Errorf("a key was read before the folder had it: %v", err)
				}
				mutex.Lock()
				pairs = append(pairs, pair)
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	last := openFolder(t, dir)
	for _, pair := range pairs {
		if _, err := last.ParseAccess(pair.Access); err != nil {
			t.Errorf("a token of a key that signed: %v", err)
		}
	}
	if n := len(previous(t, dir)); n != 6 {
		t.Errorf("%d previous keys after 6 rotations", n)
	}
}

func TestAFolderThatBreaksLeavesTheKeysInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issuer := openFolder(t, dir)
	pair := issued(t, issuer)
	if err := os.WriteFile(filepath.Join(dir, "jwt_previous_x.pem"), []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := issuer.Reload(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a damaged key: %v", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := issuer.Reload(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := issuer.ParseAccess(pair.Access); err != nil {
		t.Errorf("the keys in use are gone: %v", err)
	}
	if _, err := issuer.ParseAccess(pair.Access[:len(pair.Access)-10] + "AAAAAAAAAA"); !errors.Is(err, Invalid) {
		t.Errorf("a forged token: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made a folder or a key")
	}
	for name, change := range map[string]func() error{
		"rotate": func() error { _, err := Rotate(dir, time.Now()); return err },
		"prune":  func() error { _, _, err := Prune(dir, time.Now()); return err },
	} {
		if err := change(); err == nil {
			t.Errorf("%s without a folder", name)
		}
	}
	if _, err := Rotate(t.TempDir(), time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rotate without a key: %v", err)
	}
	if fixed, _ := newIssuer(t, ownKey()); fixed.folder != nil {
		t.Error("an issuer that was given its keys follows a folder")
	} else if changed, err := fixed.Reload(); changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
}

func TestWatchSaysWhatChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issuer := openFolder(t, dir)
	log := &lockedBuffer{}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- issuer.Watch(ctx, time.Millisecond, slog.New(slog.NewJSONHandler(log, nil))) }()
	signing := rotated(t, dir, time.Now())
	log.waitFor(t, `"signing":"`+signing+`","previous":1`)
	if err := os.WriteFile(filepath.Join(dir, "jwt_previous_x.pem"), []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	log.waitFor(t, "cannot be read again")
	if err := os.Remove(filepath.Join(dir, "jwt_previous_x.pem")); err != nil {
		t.Fatal(err)
	}
	signing = rotated(t, dir, time.Now())
	log.waitFor(t, `"signing":"`+signing+`","previous":2`)
	cancel()
	if err := <-done; err == nil {
		t.Error("Watch ended without the error of its context")
	}
	if text := log.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "KEY") || strings.Count(text, "cannot be read") != 1 {
		t.Error(text)
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lockedBuffer) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(text)
}

func (l *lockedBuffer) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

func (l *lockedBuffer) waitFor(t *testing.T, part string) {
	t.Helper()
	for range 3000 {
		if strings.Contains(l.String(), part) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the log never said %s: %s", part, l)
}
