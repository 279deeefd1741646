package password

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestHashVerify(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const password = "Correct-Horse-9x!"
	first, err := Hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("two hashes of one password are equal: the salt is not random")
	}
	if !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=3,p=1$") || strings.Contains(first, password) {
		t.Errorf("hash %s", first)
	}
	for _, one := range []struct {
		hash, password string
		want           bool
	}{
		{first, password, true},
		{second, password, true},
		{first, "Correct-Horse-9x", false},
		{first, "correct-Horse-9x!", false},
		{first, "", false},
		{"", "", false},
		{"", password, false},
		{decoyHash(), "", false},
	} {
		if got, err := Verify(ctx, one.hash, one.password); err != nil || got != one.want {
			t.Errorf("Verify(%.40q, %q) = %v, %v", one.hash, one.password, got, err)
		}
	}
	if err := Decoy(ctx, password); err != nil {
		t.Errorf("Decoy: %v", err)
	}
}

// TestVerifyOtherParameters takes a test vector of the argon2 reference implementation, whose parameters are not ours.
func TestVerifyOtherParameters(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for password, want := range map[string]bool{"password": true, "passwor": false} {
		if got, err := Verify(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v; want %v", password, got, err, want)
		}
	}
}

func TestVerifyRefusesMalformedHashes(t *testing.T) {
	t.Parallel()
	const salt, key = "c29tZXNhbHQ", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI"
	for _, hash := range []string{
		"x",
		"$",
		"plain text",
		"pbkdf2_sha256$870000$salt$aGFzaA==",
		"$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=18$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1,x=1$" + salt + "$" + key,
		"$argon2id$v=19$m=+64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=4294967295,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=255$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "=",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "$",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 4096),
	} {
		if ok, err := Verify(t.Context(), hash, "password"); ok || !errors.Is(err, ErrMalformedHash) {
			t.Errorf("Verify(%.80q) = %v, %v", hash, ok, err)
		}
	}
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash: %v", err)
	}
	if ok, err := Verify(ctx, decoyHash(), "x"); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify = %v, %v", ok, err)
	}
	if err := Decoy(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Decoy: %v", err)
	}
}

// TestWaitingEndsWithContext holds every slot, so that a hash has to wait. It is not parallel: others need the slots.
func TestWaitingEndsWithContext(t *testing.T) {
	for range cap(slots) {
		slots <- struct{}{}
	}
	defer func() {
		for range cap(slots) {
			<-slots
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := Hash(ctx, "x")
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Hash: %v", err)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng")
	f.Add(decoyHash())
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, hash string) {
		if p, err := parse(hash); err == nil && (p.String() != hash || !p.reasonable()) {
			t.Errorf("%q was read as %q", hash, p)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		if _, err := Hash(b.Context(), "Correct-Horse-9x!"); err != nil {
			b.Fatal(err)
		}
	}
}
