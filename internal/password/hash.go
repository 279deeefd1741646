package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// The argon2id parameters of new hashes (RFC 9106). 19 MiB is the least that OWASP advises; a third pass brings one
// hash to about 30 ms on a small server, where more memory would not fit beside the rest of the program.
const (
	memoryKiB = 19 * 1024
	passes    = 3
	lanes     = 1
	saltSize  = 16
	keySize   = 32
)

// The largest parameters that Verify accepts: a damaged hash must not take the server's memory.
const (
	maxMemoryKiB = 256 * 1024
	maxPasses    = 16
	maxLanes     = 16
	maxTextSize  = 512
)

// ErrMalformedHash is the refusal of a stored hash that Hash did not make.
var ErrMalformedHash = errors.New("stored password hash is malformed")

// slots bounds how many hashes are computed at once, and with that their memory; more would only be slower.
var slots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))

// Hash returns the argon2id hash of password as a PHC string, with a new random salt. It waits for its turn, and
// gives up when ctx ends.
func Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	made := parsed{memoryKiB: memoryKiB, passes: passes, lanes: lanes, salt: salt, key: make([]byte, keySize)}
	key, err := derive(ctx, made, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	made.key = key
	return made.String(), nil
}

// Verify reports whether hash, made by Hash, is of password; the comparison takes constant time. An empty hash is
// that of nobody: the answer is false after the usual time. The error is ErrMalformedHash or that of ctx.
func Verify(ctx context.Context, hash, password string) (bool, error) {
	if hash == "" {
		return false, Decoy(ctx, password)
	}
	stored, err := parse(hash)
	if err != nil {
		return false, err
	}
	key, err := derive(ctx, stored, password)
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	return subtle.ConstantTimeCompare(key, stored.key) == 1, nil
}

// Decoy takes as long as Verify. Call it for an unknown user, so that the time of the answer does not tell
// that there is none.
func Decoy(ctx context.Context, password string) error {
	_, err := Verify(ctx, decoyHash(), password)
	return err
}

// decoyHash is a well-formed hash of no known password.
var decoyHash = sync.OnceValue(func() string {
	return parsed{memoryKiB: memoryKiB, passes: passes, lanes: lanes, salt: make([]byte, saltSize), key: make([]byte, keySize)}.String()
})

// parsed is a hash with its parameters.
type parsed struct {
	memoryKiB, passes uint32
	lanes             uint8
	salt, key         []byte
}

// String returns the PHC form.
func (p parsed) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memoryKiB, p.passes, p.lanes, encode(p.salt), encode(p.key))
}

func parse(hash string) (parsed, error) {
	fields := strings.Split(hash, "$")
	if len(hash) > maxTextSize || len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return parsed{}, ErrMalformedHash
	}
	var p parsed
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.memoryKiB, &p.passes, &p.lanes); err != nil {
		return parsed{}, ErrMalformedHash
	}
	var saltErr, keyErr error
	decode := base64.RawStdEncoding.Strict().DecodeString
	p.salt, saltErr = decode(fields[4])
	p.key, keyErr = decode(fields[5])
	if saltErr != nil || keyErr != nil || !p.reasonable() || p.String() != hash {
		return parsed{}, ErrMalformedHash
	}
	return p, nil
}

func (p parsed) reasonable() bool {
	return p.passes >= 1 && p.passes <= maxPasses && p.lanes >= 1 && p.lanes <= maxLanes &&
		p.memoryKiB >= 8*uint32(p.lanes) && p.memoryKiB <= maxMemoryKiB && len(p.salt) >= 8 && len(p.key) >= 16
}

func derive(ctx context.Context, p parsed, password string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memoryKiB, p.lanes, uint32(len(p.key))), nil
}
