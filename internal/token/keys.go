package token

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/palisade-sec/palisade/internal/secret/keyfile"
)

// Files of LoadOrCreateKeys: the key that signs, and keys that signed earlier and are still believed.
const (
	KeyFileName         = "jwt_private.pem"
	PreviousKeysPattern = "jwt_previous*.pem"
)

// minimumBits is the smallest RSA key for RS256 (RFC 7518, section 3.3).
const minimumBits = 2048

// Keys are the RSA keys of an Issuer: one signs, that one and the previous ones verify.
type Keys struct {
	signing   *rsa.PrivateKey
	verifying jwt.VerificationKeySet
}

// ParseKeys reads the signing key and the previous keys from PEM (PKCS #8, PKCS #1 or PKIX). A previous key may be the
// public or the private one; only its public half is kept. A literal \n stands for a new line, as in environment variables.
func ParseKeys(signing string, previous ...string) (Keys, error) {
	private, err := parsePrivateKey(signing)
	if err != nil {
		return Keys{}, fmt.Errorf("signing key: %w", err)
	}
	keys := Keys{signing: private, verifying: jwt.VerificationKeySet{Keys: []jwt.VerificationKey{&private.PublicKey}}}
	for i, text := range previous {
		public, err := parsePublicKey(text)
		if err != nil {
			return Keys{}, fmt.Errorf("previous key %d: %w", i+1, err)
		}
		keys.verifying.Keys = append(keys.verifying.Keys, public)
	}
	return keys, nil
}

// LoadOrCreateKeys reads the signing key from KeyFileName in dir and previous keys from the files that match
// PreviousKeysPattern. Without a signing key it makes a new 2048-bit one, readable by its owner alone. See Rotate for how to
// replace it.
func LoadOrCreateKeys(dir string) (Keys, error) {
	if _, err := keyfile.LoadOrCreate(filepath.Join(dir, KeyFileName), generate); err != nil {
		return Keys{}, fmt.Errorf("load token keys: %w", err)
	}
	return readKeys(dir)
}

// readKeys reads the signing key first: when it is replaced meanwhile, the old one is among the previous ones already.
func readKeys(dir string) (Keys, error) {
	signing, err := keyfile.Read(filepath.Join(dir, KeyFileName))
	if err != nil {
		return Keys{}, fmt.Errorf("load token keys: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, PreviousKeysPattern))
	if err != nil {
		return Keys{}, fmt.Errorf("load token keys: %w", err)
	}
	slices.Sort(names)
	var previous []string
	for _, name := range names {
		content, err := keyfile.Read(name)
		if err != nil {
			return Keys{}, fmt.Errorf("load token keys: %w", err)
		}
		previous = append(previous, string(content))
	}
	keys, err := ParseKeys(string(signing), previous...)
	if err != nil {
		return Keys{}, fmt.Errorf("load token keys from %s: %w", dir, err)
	}
	return keys, nil
}

// LogValue hides the keys from slog.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format hides the keys from every verb of fmt.
func (Keys) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

func generate() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, minimumBits)
	if err != nil {
		return nil, fmt.Errorf("generate RSA key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode RSA key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	block, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("PEM holds no private key")
		}
		var ok bool
		if key, ok = parsed.(*rsa.PrivateKey); !ok {
			return nil, errors.New("PEM holds no RSA key")
		}
	}
	return key, checkSize(&key.PublicKey)
}

func parsePublicKey(text string) (*rsa.PublicKey, error) {
	if private, err := parsePrivateKey(text); err == nil {
		return &private.PublicKey, nil
	}
	block, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	if key, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
		return key, checkSize(key)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("PEM holds no key")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("PEM holds no RSA key")
	}
	return key, checkSize(key)
}

func decodePEM(text string) (*pem.Block, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	if block == nil {
		return nil, errors.New("not PEM")
	}
	return block, nil
}

func checkSize(key *rsa.PublicKey) error {
	if key.N.BitLen() < minimumBits {
		return fmt.Errorf("RSA key has %d bits, fewer than %d", key.N.BitLen(), minimumBits)
	}
	return nil
}
