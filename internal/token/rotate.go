package token

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/palisade-sec/palisade/internal/secret/keyfile"
)

// Rotate puts a new signing key into the folder. What the old one signed stays good: its public half is kept beside it, and
// the private half is gone. Servers that follow the folder take up both; those that share it may rotate one at a time only,
// the others wait. It returns the fingerprint of the new key.
func Rotate(dir string, now time.Time) (string, error) {
	unlock, err := lock(dir)
	if err != nil {
		return "", fmt.Errorf("rotate token keys: %w", err)
	}
	defer unlock()
	path := filepath.Join(dir, KeyFileName)
	content, err := keyfile.Read(path)
	if err != nil {
		return "", fmt.Errorf("rotate token keys: %w", err)
	}
	old, err := parsePrivateKey(string(content))
	if err != nil {
		return "", fmt.Errorf("rotate token keys: %s: %w", path, err)
	}
	fresh, err := generate()
	if err != nil {
		return "", err
	}
	made, err := parsePrivateKey(string(fresh))
	if err != nil {
		return "", err
	}
	// In this order, so that whoever reads the folder in between finds the old key in at least one place.
	if err := keyfile.Create(filepath.Join(dir, previousName(&old.PublicKey, now)), encodePublic(&old.PublicKey)); err != nil {
		return "", fmt.Errorf("keep the old key's public half: %w", err)
	}
	if err := keyfile.Replace(path, fresh); err != nil {
		return "", fmt.Errorf("write the new key: %w", err)
	}
	return fingerprint(&made.PublicKey), nil
}

// pruneAfter is how long after it was replaced a key may still be needed: as long as a refresh token is good, and some more
// for servers that noticed late.
const pruneAfter = DefaultRefreshLifetime + time.Hour

// Prune removes the previous keys of which no token can be good any more, and returns the names of the files that it removed
// and of those that it kept. Files whose name does not say when the key was replaced are kept.
func Prune(dir string, now time.Time) (removed, kept []string, err error) {
	unlock, err := lock(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("prune token keys: %w", err)
	}
	defer unlock()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("prune token keys: %w", err)
	}
	removed, kept = []string{}, []string{}
	for _, entry := range entries {
		name := entry.Name()
		if !isPrevious(name) {
			continue
		}
		if replaced, ok := replacedAt(name); !ok || now.Sub(replaced) < pruneAfter {
			kept = append(kept, name)
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return removed, kept, fmt.Errorf("prune token keys: %w", err)
		}
		removed = append(removed, name)
	}
	return removed, kept, nil
}

const (
	previousPrefix = "jwt_previous_"
	momentLayout   = "20060102T150405Z"
)

// previousName says when a key was replaced, and which: two rotations in one second differ.
func previousName(key *rsa.PublicKey, now time.Time) string {
	return previousPrefix + now.UTC().Format(momentLayout) + "_" + fingerprint(key) + ".pem"
}

func replacedAt(name string) (time.Time, bool) {
	moment, _, _ := strings.Cut(strings.TrimPrefix(name, previousPrefix), "_")
	at, err := time.Parse(momentLayout, moment)
	return at, err == nil
}

func encodePublic(key *rsa.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})
}

// lock makes those who change the folder wait for each other; the lock ends with the process.
func lock(dir string) (unlock func(), err error) {
	handle, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(handle.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = handle.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { _ = handle.Close() }, nil
}
