// Package secret keeps secrets encrypted at rest: authenticated encryption with keys that can be rotated, and a
// type for secrets in the clear that does not show itself in logs.
//
// What a secret means (provider credentials, integration tokens) belongs to the domain that owns it, and where the
// ciphertext is stored to that domain's queries.
package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/palisade-sec/palisade/internal/secret/keyfile"
)

var (
	// ErrUnknownKey is the refusal of a ciphertext whose key is not in the keyring.
	ErrUnknownKey = errors.New("secret was encrypted with a key that is not in the keyring")
	// ErrCorrupt is the refusal of a ciphertext that is damaged, was made for another row, or is none at all.
	ErrCorrupt = errors.New("secret cannot be decrypted: damaged, or bound to another row")
	// ErrUnbound is the refusal to seal or open a secret that is not bound to a row.
	ErrUnbound = errors.New("secret is not bound to a row: associated data is empty")
)

// FileName is the file of LoadOrCreate: one base64 key a line, the first encrypts.
const FileName = "secret_keys"

// The layout of a ciphertext: version, key id, nonce, then the sealed text. Version and key id are authenticated too.
const (
	version    = 1
	keyIDSize  = 8
	headerSize = 1 + keyIDSize
	nonceSize  = chacha20poly1305.NonceSizeX
)

// Keyring encrypts with its first key and decrypts with any. It is safe for concurrent use.
// The cipher is XChaCha20-Poly1305: its nonces are long enough to be random for any number of secrets.
type Keyring struct {
	keys []key
}

type key struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

// NewKeyring takes the keys as base64 (standard or URL alphabet, padding optional) of 32 random bytes each.
// The first encrypts; the others are earlier keys that still decrypt.
func NewKeyring(encoded ...string) (*Keyring, error) {
	if len(encoded) == 0 {
		return nil, errors.New("keyring needs at least one key")
	}
	ring := &Keyring{}
	for i, text := range encoded {
		next, err := parseKey(text)
		if err != nil {
			return nil, fmt.Errorf("key %d of %d: %w", i+1, len(encoded), err)
		}
		if ring.find(next.id[:]) != nil {
			return nil, fmt.Errorf("key %d of %d is in the list twice", i+1, len(encoded))
		}
		ring.keys = append(ring.keys, next)
	}
	return ring, nil
}

// LoadOrCreate reads the keyring from the file FileName in dir, one key a line, empty lines and lines that begin
// with # apart. Without such a file it makes one with a new random key, readable by its owner alone.
// To rotate, put a new line first and restart; drop an old line once nothing NeedsRotation any more.
func LoadOrCreate(dir string) (*Keyring, error) {
	content, err := keyfile.LoadOrCreate(filepath.Join(dir, FileName), func() ([]byte, error) {
		text, err := GenerateKey()
		return []byte(text + "\n"), err
	})
	if err != nil {
		return nil, fmt.Errorf("load secret keys: %w", err)
	}
	var keys []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	ring, err := NewKeyring(keys...)
	if err != nil {
		return nil, fmt.Errorf("load secret keys from %s: %w", filepath.Join(dir, FileName), err)
	}
	return ring, nil
}

// GenerateKey returns a new random key in the form that NewKeyring takes.
func GenerateKey() (string, error) {
	raw := make([]byte, chacha20poly1305.KeySize)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("generate secret key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// Bind is the associated data of a secret that is stored in one row: the ciphertext opens for that table, tenant
// and row only, so that copying it into another row or tenant does not disclose it.
func Bind(table string, tenant, row uuid.UUID) []byte {
	bound := make([]byte, 0, len(table)+1+2*len(tenant))
	bound = append(bound, table...)
	bound = append(bound, 0)
	bound = append(bound, tenant[:]...)
	return append(bound, row[:]...)
}

// Seal encrypts plaintext with the first key and binds it to associatedData (see Bind), which must not be empty.
func (r *Keyring) Seal(plaintext, associatedData []byte) ([]byte, error) {
	if len(associatedData) == 0 {
		return nil, ErrUnbound
	}
	first := r.keys[0]
	sealed := make([]byte, headerSize+nonceSize, headerSize+nonceSize+len(plaintext)+chacha20poly1305.Overhead)
	sealed[0] = version
	copy(sealed[1:], first.id[:])
	nonce := sealed[headerSize:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	return first.aead.Seal(sealed, nonce, plaintext, authenticated(sealed[:headerSize], associatedData)), nil
}

// Open decrypts what Seal returned for the same associatedData, with whichever key of the ring it was sealed.
// The error is ErrUnknownKey, ErrCorrupt or ErrUnbound.
func (r *Keyring) Open(ciphertext, associatedData []byte) (Value, error) {
	if len(associatedData) == 0 {
		return nil, ErrUnbound
	}
	if !wellFormed(ciphertext) {
		return nil, ErrCorrupt
	}
	header, nonce, sealed := ciphertext[:headerSize], ciphertext[headerSize:headerSize+nonceSize], ciphertext[headerSize+nonceSize:]
	with := r.find(header[1:])
	if with == nil {
		return nil, ErrUnknownKey
	}
	plaintext, err := with.aead.Open(nil, nonce, sealed, authenticated(header, associatedData))
	if err != nil {
		return nil, ErrCorrupt
	}
	return plaintext, nil
}

// NeedsRotation reports whether ciphertext was not sealed with the first key of the ring.
func (r *Keyring) NeedsRotation(ciphertext []byte) bool {
	return !wellFormed(ciphertext) || !bytes.Equal(ciphertext[1:headerSize], r.keys[0].id[:])
}

// Rotate returns ciphertext sealed with the first key; ciphertext itself when it already is.
func (r *Keyring) Rotate(ciphertext, associatedData []byte) ([]byte, error) {
	if !r.NeedsRotation(ciphertext) {
		return ciphertext, nil
	}
	plaintext, err := r.Open(ciphertext, associatedData)
	if err != nil {
		return nil, fmt.Errorf("rotate secret: %w", err)
	}
	return r.Seal(plaintext, associatedData)
}

// LogValue hides the keys from slog.
func (Keyring) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format hides the keys from every verb of fmt.
func (Keyring) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

func (r *Keyring) find(id []byte) *key {
	for i := range r.keys {
		if bytes.Equal(r.keys[i].id[:], id) {
			return &r.keys[i]
		}
	}
	return nil
}

func parseKey(text string) (key, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) != chacha20poly1305.KeySize {
		// The error of the decoder is dropped: it quotes a part of the key.
		return key{}, fmt.Errorf("not the base64 of %d bytes", chacha20poly1305.KeySize)
	}
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return key{}, fmt.Errorf("make cipher: %w", err)
	}
	// The id names the key in ciphertexts without telling anything about it.
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("palisade secret key id"))
	parsed := key{aead: aead}
	copy(parsed.id[:], mac.Sum(nil))
	return parsed, nil
}

func wellFormed(ciphertext []byte) bool {
	return len(ciphertext) >= headerSize+nonceSize+chacha20poly1305.Overhead && ciphertext[0] == version
}

// authenticated joins header and associated data; the header has a fixed length, so the border is clear.
func authenticated(header, associatedData []byte) []byte {
	return append(append(make([]byte, 0, len(header)+len(associatedData)), header...), associatedData...)
}
