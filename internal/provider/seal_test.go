package provider

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/secret"
)

func TestSealedCredentialsOpenForTheirRowOnly(t *testing.T) {
	t.Parallel()
	key := func() string {
		text, err := secret.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := key()
	keys, err := secret.NewKeyring(first)
	if err != nil {
		t.Fatal(err)
	}
	tenant, row := uuid.New(), uuid.New()
	plain := []byte(`{"api_token":"plain-text-token"}`)
	sealed, err := Seal(keys, tenant, row, plain)
	if err != nil || bytes.Contains(sealed, []byte("plain-text-token")) {
		t.Fatalf("sealed %q, %v", sealed, err)
	}
	rotated, err := secret.NewKeyring(key(), first)
	if err != nil {
		t.Fatal(err)
	}
	for name, ring := range map[string]*secret.Keyring{"same keys": keys, "rotated keys": rotated} {
		if opened, err := Unseal(ring, tenant, row, sealed); err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, other := range map[string][2]uuid.UUID{"other row": {tenant, uuid.New()}, "other tenant": {uuid.New(), row}} {
		if opened, err := Unseal(keys, other[0], other[1], sealed); !errors.Is(err, secret.ErrCorrupt) || opened != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
