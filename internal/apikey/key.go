package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"

	"github.com/palisade-sec/palisade/internal/readable"
)

// secretSize is how many random bytes a key holds.
const secretSize = 32

// form is that of every key: the prefix by which it is found, a dot, and 32 bytes in base64url.
var form = regexp.MustCompile(`^(pk_[2-9A-HJKMNP-TV-Z]{8})\.[A-Za-z0-9_-]{43}$`)

// Key is what is needed to find and to compare an API key that somebody presents; its text is not in it.
type Key struct {
	prefix string
	digest [sha256.Size]byte
}

// Parse reads the text of a key; false for what no key looks like.
func Parse(text string) (Key, bool) {
	found := form.FindStringSubmatch(text)
	if found == nil {
		return Key{}, false
	}
	return Key{prefix: found[1], digest: digest(text)}, true
}

// Prefix is the part by which a key is found and named; it is not secret.
func (k Key) Prefix() string { return k.prefix }

// Is reports whether it is the key of which that digest was kept. How long it takes tells nothing of the digest.
func (k Key) Is(kept []byte) bool { return subtle.ConstantTimeCompare(k.digest[:], kept) == 1 }

// generate makes the text of a new key.
func generate() string {
	var secret [secretSize]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	return "pk_" + readable.Text(8) + "." + base64.RawURLEncoding.EncodeToString(secret[:])
}

// digest is what is kept of a key. A plain hash is right where a password needs a slow one: nobody guesses 256 random bits,
// however fast each attempt is. It covers the text as it is, prefix and all, not the bytes that it encodes: spellings that
// decode alike are different keys.
func digest(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }
