package catalogue_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func executors(t *testing.T) (*system.Executor, *tenant.Executor) {
	t.Helper()
	db := pgtest.New(t)
	writer, err := system.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.System), MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Close)
	reader, err := tenant.Open(t.Context(), pipeline.Config{URL: db.URL(pgtest.App), MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	return writer, reader
}

func TestImportReplacesAndTheStoreNotices(t *testing.T) {
	t.Parallel()
	writer, reader := executors(t)
	store := catalogue.NewStore(reader)
	if checks, err := store.Checks(t.Context()); err != nil || checks.Len() != 0 {
		t.Fatalf("%d checks in an empty database (%v)", checks.Len(), err)
	}
	imported, err := catalogue.Import(t.Context(), writer, bytes.NewReader(zipped(t, small(t))))
	if err != nil {
		t.Fatal(err)
	}
	checks, err := store.Checks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check, ok := checks.Lookup("aws", "lamp_is_off")
	if !ok || check.Remediation.Code.CLI != "lamp off" || check.ResourceGroup != "lighting" || checks.Len() != imported.Checks || imported.Version != "0.0.1" {
		t.Fatalf("%+v of %d, imported %+v", check, checks.Len(), imported)
	}
	if again, err := store.Checks(t.Context()); err != nil || again != checks {
		t.Errorf("an unchanged catalogue was read again (%v)", err)
	}
	// A newer file without that check, about aws alone.
	newer := `{"engine":"prowler","version":"0.0.2","providers":{"aws":{"checks":{"door_is_shut":{"CheckID":"door_is_shut"}},"frameworks":{}}}}`
	if _, err := catalogue.Import(t.Context(), writer, strings.NewReader(newer)); err != nil {
		t.Fatal(err)
	}
	if checks, err = store.Checks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := checks.Lookup("aws", "lamp_is_off"); ok {
		t.Error("a check that is gone from the engine is still there")
	}
	if _, ok := checks.Lookup("aws", "door_is_shut"); !ok {
		t.Error("the new check is not there")
	}
	summary, err := catalogue.Summarise(t.Context(), reader.Read(tenant.Scope{}))
	if err != nil || summary[0] != (catalogue.Summary{Provider: "aws", EngineVersion: "0.0.2", Checks: 1}) {
		t.Errorf("%+v (%v)", summary, err)
	}
}

func TestDamagedImportChangesNothing(t *testing.T) {
	t.Parallel()
	writer, reader := executors(t)
	whole := small(t)
	if _, err := catalogue.Import(t.Context(), writer, bytes.NewReader(whole[:len(whole)-20])); err == nil {
		t.Fatal("a cut off file was imported")
	}
	if checks, err := catalogue.Load(t.Context(), reader.Read(tenant.Scope{})); err != nil || checks.Len() != 0 {
		t.Errorf("%d checks (%v)", checks.Len(), err)
	}
}
