package deploy

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/secret"
	"github.com/palisade-sec/palisade/internal/token"
)

var keyChecks = []Check{
	{ID: "keys.well-known", Severity: Fatal, Always: true, Title: "no key is one that everybody knows",
		Remedy: "remove jwt_private.pem and jwt_previous*.pem that are named (a server makes a new key, and everybody logs in again); put a new first line into secret_keys, run palisade secrets rotate, remove the known line; and treat what the old keys protected as known",
		find:   findKnownKeys},
	{ID: "keys.private", Severity: Error, Always: true, Title: "nobody but the program's user may read the keys",
		Remedy: "chmod 700 the folder and 600 its files; replace keys that others could have read", find: findReadableKeys},
	{ID: "keys.strength", Severity: Error, Always: true, Title: "keys can be read and are long enough",
		Remedy: "RSA keys of 2048 bits or more, secret keys of 32 random bytes in base64 (openssl rand -base64 32)", find: findWeakKeys},
	{ID: "keys.present", Severity: Error, Title: "the keys are there",
		Remedy: "put the keys of the other servers into key-dir; for a first server start it once, it makes them", find: findMissingKeys},
}

// minimumBits is the smallest RSA key that signs.
const minimumBits = 2048

// heldKey is a key in the folder, without what is secret of it.
type heldKey struct {
	where  string
	digest string // SHA-256 of the public half, or of the secret
	fault  string // why it is no good; empty: it is
}

// heldKeys reads every key in the folder, of whatever purpose.
func (d *Deployment) heldKeys() ([]heldKey, error) {
	dir := d.Settings.Keys()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []heldKey
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !entry.Type().IsRegular() && entry.Type()&fs.ModeSymlink == 0 {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if block, _ := pem.Decode([]byte(strings.ReplaceAll(string(content), `\n`, "\n"))); block != nil {
			keys = append(keys, pemKey(path, block))
		} else if entry.Name() == secret.FileName {
			keys = append(keys, secretKeys(path, content)...)
		}
	}
	return keys, nil
}

func pemKey(path string, block *pem.Block) heldKey {
	key := heldKey{where: path}
	switch public := publicHalf(block.Bytes).(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minimumBits {
			key.fault = fmt.Sprintf("the RSA key has %d bits", bits)
		}
		key.digest = digestOf(public)
	case *ecdsa.PublicKey:
		key.digest = digestOf(public)
	default:
		key.fault = "it holds no key that can be read"
	}
	return key
}

// publicHalf reads a private key, a public key or a certificate; nil when it is none.
func publicHalf(der []byte) any {
	if private, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return &private.PublicKey
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		switch private := parsed.(type) {
		case *rsa.PrivateKey:
			return &private.PublicKey
		case *ecdsa.PrivateKey:
			return &private.PublicKey
		}
		return nil
	}
	if private, err := x509.ParseECPrivateKey(der); err == nil {
		return &private.PublicKey
	}
	if public, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return public
	}
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		return public
	}
	if certificate, err := x509.ParseCertificate(der); err == nil {
		return certificate.PublicKey
	}
	return nil
}

func digestOf(public any) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "" // a curve that the list does not know either
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// secretSize is the length of a key that seals stored secrets.
const secretSize = 32

func secretKeys(path string, content []byte) []heldKey {
	var keys []heldKey
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key := heldKey{where: fmt.Sprintf("%s, line %d", path, number)}
		raw, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(line, "=")))
		switch {
		case err != nil || len(raw) != secretSize:
			key.fault = fmt.Sprintf("it is not the base64 of %d bytes", secretSize)
		case !looksRandom(raw):
			key.fault = "it was not made at random"
		}
		sum := sha256.Sum256(raw)
		key.digest = hex.EncodeToString(sum[:])
		keys = append(keys, key)
	}
	return keys
}

// looksRandom tells apart what somebody typed or counted: a key of random bytes is never text and never repeats itself much.
func looksRandom(raw []byte) bool {
	text := !slices.ContainsFunc(raw, func(b byte) bool { return b < ' ' || b > '~' })
	distinct := make(map[byte]bool)
	rising := true
	for i, b := range raw {
		distinct[b] = true
		rising = rising && (i == 0 || b == raw[i-1]+1)
	}
	return !text && !rising && len(distinct) > secretSize/2
}

func findKnownKeys(_ context.Context, d *Deployment) ([]string, error) {
	keys, err := d.heldKeys()
	var problems []string
	for _, key := range keys {
		if source, known := wellKnown[key.digest]; known {
			problems = append(problems, fmt.Sprintf("%s is %s", key.where, source))
		}
	}
	return problems, err
}

func findWeakKeys(_ context.Context, d *Deployment) ([]string, error) {
	keys, err := d.heldKeys()
	var problems []string
	for _, key := range keys {
		if key.fault != "" {
			problems = append(problems, key.where+": "+key.fault)
		}
	}
	return problems, err
}

func findReadableKeys(_ context.Context, d *Deployment) ([]string, error) {
	var problems []string
	err := filepath.WalkDir(d.Settings.Keys(), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && !strings.Contains(entry.Name(), "public") {
			problems = append(problems, fmt.Sprintf("%s may be used by others (mode %04o)", path, info.Mode().Perm()))
		}
		return nil
	})
	return problems, err
}

func findMissingKeys(_ context.Context, d *Deployment) ([]string, error) {
	var problems []string
	for _, name := range []string{token.KeyFileName, secret.FileName} {
		path := filepath.Join(d.Settings.Keys(), name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, path+" is not there: every server would make one of its own, and not read what another one signed or sealed")
		} else if err != nil {
			return nil, err
		}
	}
	return problems, nil
}
