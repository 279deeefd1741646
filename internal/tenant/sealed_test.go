package tenant_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingElseFitsTheQueries builds small programs that hand the generated queries something that is no executor's. The
// program that does it properly shows that the others fail for that reason.
func TestNothingElseFitsTheQueries(t *testing.T) {
	t.Parallel()
	const head = `package p
import (
	"context"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)
var (
	pool *pgxpool.Pool
	conn *pgx.Conn
	tx pgx.Tx
	tenants *tenant.Executor
	systems *system.Executor
	_ = context.Background
	_ = uuid.Nil
	_ = tenantdb.New
	_ = systemdb.New
)
type own struct{ *pgxpool.Pool }
func (own) sealed() {}
`
	cases := map[string]struct {
		code string
		good bool
	}{
		"an executor":                {"var _ = tenantdb.New(tenants.Read(tenant.Scope{}))", true},
		"a system executor":          {"var _ = systemdb.New(systems.Read(system.Login, uuid.Nil))", true},
		"a pool":                     {"var _ = tenantdb.New(pool)", false},
		"a connection":               {"var _ = tenantdb.New(conn)", false},
		"a transaction":              {"var _ = tenantdb.New(tx)", false},
		"a pool to system":           {"var _ = systemdb.New(pool)", false},
		"a seal of one's own":        {"var _ = tenantdb.New(own{pool})", false},
		"system for tenant":          {"var _ = tenantdb.New(systems.Read(system.Login, uuid.Nil))", false},
		"tenant for system":          {"var _ = systemdb.New(tenants.Read(tenant.Scope{}))", false},
		"a scope put together":       {"var _ = tenant.Scope{tenant: uuid.Nil}", false},
		"a sight put together":       {"var _ = tenant.Visible{all: true}", false},
		"a transaction from outside": {"var _ = tenantdb.New(tenants.Read(tenant.Scope{})).WithTx(tx)", false},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, err := build(t, head+one.code+"\n")
			if one.good && err != nil {
				t.Fatalf("does not build: %s", output)
			}
			if !one.good && (err == nil || !strings.Contains(output, "zz_sealed.go:")) {
				t.Fatalf("builds, or fails for another reason: %v %s", err, output)
			}
		})
	}
}

// build compiles a file as a package of this module without writing it there.
func build(t *testing.T, source string) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(dir, "zz_sealed.go"), filepath.Join(dir, "overlay.json")
	encoded, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "internal", "zzsealed", "zz_sealed.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "./internal/zzsealed")
	command.Dir = root
	combined, err := command.CombinedOutput()
	return string(combined), err
}
