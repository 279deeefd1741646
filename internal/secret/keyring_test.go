package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func newKey(t *testing.T) string {
	t.Helper()
	text, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newRing(t *testing.T, keys ...string) *Keyring {
	t.Helper()
	ring, err := NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	ring := newRing(t, newKey(t))
	bound := Bind("provider_secrets", uuid.New(), uuid.New())
	for _, plaintext := range [][]byte{nil, []byte("x"), []byte(`{"a":"b"}`), bytes.Repeat([]byte("long "), 50_000)} {
		sealed, err := ring.Seal(plaintext, bound)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ring.Seal(plaintext, bound)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(sealed, again) {
			t.Error("two seals of one text are equal: the nonce is not random")
		}
		if len(plaintext) > 4 && bytes.Contains(sealed, plaintext[:5]) {
			t.Error("ciphertext contains the plaintext")
		}
		opened, err := ring.Open(sealed, bound)
		if err != nil || !bytes.Equal(opened, plaintext) {
			t.Errorf("Open = %d bytes, %v; want the %d sealed", len(opened), err, len(plaintext))
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t, newKey(t))
	tenant, row := uuid.New(), uuid.New()
	bound := Bind("provider_secrets", tenant, row)
	sealed, err := ring.Seal([]byte("secret"), bound)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		_, err := ring.Open(damaged, bound)
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknownKey) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for length := range len(sealed) {
		if _, err := ring.Open(sealed[:length], bound); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", length, err)
		}
	}
	for name, other := range map[string][]byte{
		"another tenant":      Bind("provider_secrets", uuid.New(), row),
		"another row":         Bind("provider_secrets", tenant, uuid.New()),
		"another table":       Bind("integrations", tenant, row),
		"tenant, row swapped": Bind("provider_secrets", row, tenant),
	} {
		if _, err := ring.Open(sealed, other); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want %v", name, err, ErrCorrupt)
		}
	}
	if _, err := newRing(t, newKey(t)).Open(sealed, bound); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("foreign keyring: %v, want %v", err, ErrUnknownKey)
	}
	if _, err := ring.Open(sealed, nil); !errors.Is(err, ErrUnbound) {
		t.Errorf("no associated data: %v, want %v", err, ErrUnbound)
	}
	if _, err := ring.Seal([]byte("secret"), nil); !errors.Is(err, ErrUnbound) {
		t.Errorf("seal without associated data: %v, want %v", err, ErrUnbound)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	oldKey, newestKey := newKey(t), newKey(t)
	before, during, after := newRing(t, oldKey), newRing(t, newestKey, oldKey), newRing(t, newestKey)
	bound := Bind("provider_secrets", uuid.New(), uuid.New())
	sealed, err := before.Seal([]byte("secret"), bound)
	if err != nil {
		t.Fatal(err)
	}
	if before.NeedsRotation(sealed) || !during.NeedsRotation(sealed) || !after.NeedsRotation(sealed) {
		t.Error("NeedsRotation is wrong before, during or after")
	}
	if !during.NeedsRotation(nil) {
		t.Error("an empty ciphertext does not need rotation")
	}
	rotated, err := during.Rotate(sealed, bound)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := after.Open(rotated, bound); err != nil || string(opened[:]) != "secret" {
		t.Errorf("after the rotation: %v", err)
	}
	if same, err := during.Rotate(rotated, bound); err != nil || !bytes.Equal(same, rotated) {
		t.Errorf("a second rotation changed the ciphertext: %v", err)
	}
	if _, err := after.Rotate(sealed, bound); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Rotate without the old key: %v, want %v", err, ErrUnknownKey)
	}
}

func TestNewKeyringRefuses(t *testing.T) {
	t.Parallel()
	good := newKey(t)
	urlForm := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(good)
	if _, err := NewKeyring(urlForm); err != nil {
		t.Errorf("URL alphabet without padding: %v", err)
	}
	for name, keys := range map[string][]string{
		"none":          nil,
		"empty":         {""},
		"not base64":    {"!!!!secret!!!!"},
		"too short":     {"c2hvcnQ="},
		"too long":      {strings.Repeat("A", 64)},
		"twice":         {good, good},
		"twice, spelt":  {good, urlForm},
		"second is bad": {good, "secret"},
	} {
		_, err := NewKeyring(keys...)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), good[:8]) || strings.Contains(err.Error(), "!!!!") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestLoadOrCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	bound := Bind("provider_secrets", uuid.New(), uuid.New())
	sealed, err := first.Seal([]byte("secret"), bound)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rotated := "# newest first\n" + newKey(t) + "\n\n" + string(content)
	if err := os.WriteFile(path, []byte(rotated), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := second.Open(sealed, bound); err != nil || string(opened[:]) != "secret" {
		t.Errorf("the key of the first start is lost: %v", err)
	}
	if !second.NeedsRotation(sealed) {
		t.Error("the first line does not encrypt")
	}
	if err := os.WriteFile(path, []byte("# no key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(dir); err == nil {
		t.Error("a file without keys was loaded")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(dir); err == nil {
		t.Error("a file that others may read was loaded")
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	const content = "hunter2"
	text := newKey(t)
	ring := newRing(t, text)
	value := Value(content)
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("log", "value", value, "ring", ring, "ring value", *ring, "struct", struct{ V Value }{value})
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, value, ring, *ring, struct{ V Value }{value})
	}
	encoded, err := json.Marshal(map[string]any{"value": value})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing was printed")
	}
	for _, leak := range []string{content, "68756e74657232", "aHVudGVyMg", "104 117", text} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q shows in %s", leak, out.String())
		}
	}
}

func FuzzOpen(f *testing.F) {
	ring, err := NewKeyring(strings.Repeat("A", 43))
	if err != nil {
		f.Fatal(err)
	}
	bound := Bind("provider_secrets", uuid.Nil, uuid.Nil)
	sealed, err := ring.Seal([]byte("secret"), bound)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:headerSize])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		opened, err := ring.Open(ciphertext, bound)
		if err == nil && string(opened[:]) != "secret" {
			t.Errorf("a forged ciphertext opened: %x", []byte(opened))
		}
		if _, err := ring.Rotate(ciphertext, bound); err != nil && !ring.NeedsRotation(ciphertext) {
			t.Errorf("Rotate failed without need: %v", err)
		}
	})
}
