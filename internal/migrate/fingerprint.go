package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/palisade-sec/palisade/sql/catalog"
)

// Fingerprint identifies what Bootstrap and Up make of a new server: two equal ones give equal databases. Test harnesses
// use it as the key of prepared databases.
func Fingerprint(files fs.FS) (string, error) {
	hash := sha256.New()
	add := func(name, text string) { fmt.Fprintf(hash, "%d:%s%d:%s", len(name), name, len(text), text) }
	river, err := rivermigrate.New[pgx.Tx](riverpgxv5.New(nil), nil)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	for _, migration := range river.AllVersions() {
		add(migration.Name, migration.SQLUp)
	}
	add("bootstrap", catalog.Read("bootstrap"))
	names, err := fs.Glob(files, "[0-9]*.sql")
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", fmt.Errorf("fingerprint: %w", err)
		}
		add(name, string(text))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
