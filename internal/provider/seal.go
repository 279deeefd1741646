package provider

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/secret"
)

// secretTable is the table whose rows the ciphertexts are bound to.
const secretTable = "provider_secrets"

// Seal encrypts credentials, as returned by CheckSecret, for one row of one tenant: the result opens for that row only.
func Seal(keys *secret.Keyring, tenant, row uuid.UUID, credentials secret.Value) ([]byte, error) {
	sealed, err := keys.Seal(credentials, secret.Bind(secretTable, tenant, row))
	if err != nil {
		return nil, fmt.Errorf("seal provider credentials: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal returned for the same row: the JSON object that the engine takes. The error is one of the
// secret package's and holds nothing of the credentials.
func Unseal(keys *secret.Keyring, tenant, row uuid.UUID, sealed []byte) (secret.Value, error) {
	credentials, err := keys.Open(sealed, secret.Bind(secretTable, tenant, row))
	if err != nil {
		return nil, fmt.Errorf("open provider credentials: %w", err)
	}
	return credentials, nil
}
