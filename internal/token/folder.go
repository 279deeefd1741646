package token

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Open makes an Issuer with the keys of a folder (LoadOrCreateKeys), which it follows: see Reload and Watch.
func Open(dir string, config Config) (*Issuer, error) {
	if _, err := LoadOrCreateKeys(dir); err != nil {
		return nil, err
	}
	followed := &folder{dir: dir}
	followed.seen = followed.listing() // before the keys are read, so that no change between is missed
	keys, err := readKeys(dir)
	if err != nil {
		return nil, err
	}
	issuer, err := NewIssuer(keys, config)
	if err != nil {
		return nil, err
	}
	issuer.folder = followed
	return issuer, nil
}

// folder remembers how the folder of the keys looked when they were last read.
type folder struct {
	dir   string
	mutex sync.Mutex
	seen  string
}

// listing changes whenever a key file is added, replaced or removed. It does not read them: it is made for every token with
// a signature of none of the keys.
func (f *folder) listing() string {
	var lines strings.Builder
	entries, _ := os.ReadDir(f.dir) // what cannot be read is reported when the keys are
	for _, entry := range entries {
		if entry.Name() != KeyFileName && !isPrevious(entry.Name()) {
			continue
		}
		if info, err := entry.Info(); err == nil {
			fmt.Fprintln(&lines, entry.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return lines.String()
}

func isPrevious(name string) bool {
	matched, _ := filepath.Match(PreviousKeysPattern, name)
	return matched
}

// Reload reads the keys again when their folder has changed, and reports whether others are in use now. On an error the
// Issuer keeps the keys that it has. An Issuer that follows no folder keeps its keys for good.
func (i *Issuer) Reload() (changed bool, err error) {
	if i.folder == nil {
		return false, nil
	}
	i.folder.mutex.Lock()
	defer i.folder.mutex.Unlock()
	now := i.folder.listing()
	if now == i.folder.seen {
		return false, nil
	}
	keys, err := readKeys(i.folder.dir)
	if err != nil {
		return false, err
	}
	changed = !slices.Equal(keys.fingerprints(), i.keys.Load().fingerprints())
	i.keys.Store(&keys)
	i.folder.seen = now
	return changed, nil
}

// Watch reloads at every interval and logs what came of it, an error once. It returns when ctx ends, with its error.
func (i *Issuer) Watch(ctx context.Context, interval time.Duration, logger *slog.Logger) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failed := ""
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		changed, err := i.Reload()
		switch {
		case err != nil && err.Error() != failed:
			failed = err.Error()
			logger.ErrorContext(ctx, "the token keys cannot be read again: the ones in use stay", "error", err)
		case err == nil:
			failed = ""
		}
		if changed {
			keys := i.keys.Load().fingerprints()
			logger.InfoContext(ctx, "token keys changed", "signing", keys[0], "previous", len(keys)-1)
		}
	}
}

// fingerprints name the keys, the one that signs first; they tell nothing of them.
func (k Keys) fingerprints() []string {
	all := make([]string, 0, len(k.verifying.Keys))
	for _, key := range k.verifying.Keys {
		all = append(all, fingerprint(key.(*rsa.PublicKey)))
	}
	return all
}

func fingerprint(key *rsa.PublicKey) string {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(key))
	return hex.EncodeToString(sum[:6])
}
