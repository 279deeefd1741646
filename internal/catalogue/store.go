package catalogue

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/systemdb"
	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// batchSize is how many checks or frameworks are stored with one statement.
const batchSize = 100

// Imported says what Import stored.
type Imported struct {
	Header
	Checks, Frameworks int
}

// Import stores a catalogue file (see Read) in place of what is known of the provider types in it. It is all or nothing.
func Import(ctx context.Context, executor *system.Executor, file io.Reader) (Imported, error) {
	var imported Imported
	err := executor.Write(ctx, system.Catalogue, uuid.Nil, func(ctx context.Context, db system.DB) error {
		run := importing{queries: systemdb.New(db)}
		var err error
		if imported.Header, err = run.read(ctx, file); err != nil {
			return err
		}
		imported.Checks, imported.Frameworks = run.checks.count, run.frameworks.count
		return run.finish(ctx, imported.Version)
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import catalogue: %w", err)
	}
	return imported, nil
}

// importing is one pass from a file to the database.
type importing struct {
	queries            *systemdb.Queries
	checks, frameworks batch
	providers          []string
}

// batch gathers rows until they are stored together.
type batch struct {
	providers, ids []string
	contents       []json.RawMessage
	count          int
}

func (r *importing) read(ctx context.Context, file io.Reader) (Header, error) {
	header, err := Read(file, func(check Check) error {
		return r.add(ctx, &r.checks, check.Provider, check.ID, check)
	}, func(framework Framework) error {
		return r.add(ctx, &r.frameworks, framework.Provider, framework.ID, framework)
	})
	if err != nil {
		return header, err
	}
	if err := r.store(ctx, &r.checks); err != nil {
		return header, err
	}
	return header, r.store(ctx, &r.frameworks)
}

func (r *importing) add(ctx context.Context, batch *batch, provider, id string, content any) error {
	encoded, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", id, provider, err)
	}
	if !slices.Contains(r.providers, provider) {
		r.providers = append(r.providers, provider)
	}
	batch.providers, batch.ids, batch.contents = append(batch.providers, provider), append(batch.ids, id), append(batch.contents, encoded)
	batch.count++
	if len(batch.ids) < batchSize {
		return nil
	}
	return r.store(ctx, batch)
}

func (r *importing) store(ctx context.Context, batch *batch) error {
	var err error
	switch {
	case len(batch.ids) == 0:
	case batch == &r.checks:
		err = r.queries.PutCatalogueChecks(ctx, systemdb.PutCatalogueChecksParams{Providers: batch.providers, Ids: batch.ids, Contents: batch.contents})
	default:
		err = r.queries.PutCatalogueFrameworks(ctx, systemdb.PutCatalogueFrameworksParams{Providers: batch.providers, Ids: batch.ids, Contents: batch.contents})
	}
	batch.providers, batch.ids, batch.contents = batch.providers[:0], batch.ids[:0], batch.contents[:0]
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

func (r *importing) finish(ctx context.Context, version string) error {
	if _, err := r.queries.DropOldCatalogueChecks(ctx, r.providers); err != nil {
		return fmt.Errorf("remove old checks: %w", err)
	}
	if _, err := r.queries.DropOldCatalogueFrameworks(ctx, r.providers); err != nil {
		return fmt.Errorf("remove old frameworks: %w", err)
	}
	if err := r.queries.KeepFrameworkRevisions(ctx); err != nil {
		return fmt.Errorf("keep frameworks: %w", err)
	}
	if err := r.queries.KeepThreatScoreFrameworks(ctx); err != nil {
		return fmt.Errorf("keep frameworks of ThreatScores: %w", err)
	}
	if _, err := r.queries.FinishCatalogueChecks(ctx, version); err != nil {
		return fmt.Errorf("note the version of checks: %w", err)
	}
	if _, err := r.queries.FinishCatalogueFrameworks(ctx, version); err != nil {
		return fmt.Errorf("note the version of frameworks: %w", err)
	}
	return nil
}

// Load reads all stored checks. Any scope will do: the catalogue belongs to no tenant.
func Load(ctx context.Context, db tenant.DB) (*Checks, error) {
	rows, err := tenantdb.New(db).ListCatalogueChecks(ctx)
	if err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	checks := &Checks{}
	for _, row := range rows {
		var check Check
		if err := json.Unmarshal(row.Content, &check); err != nil {
			return nil, fmt.Errorf("load catalogue: a check of %s: %w", row.Provider, err)
		}
		check.Provider = row.Provider
		checks.Add(check)
	}
	return checks, nil
}

// Summary says what is stored for one provider type.
type Summary struct {
	Provider, EngineVersion string
	Checks, Frameworks      int64
}

// Summarise says what is stored, by provider type.
func Summarise(ctx context.Context, db tenant.DB) ([]Summary, error) {
	rows, err := tenantdb.New(db).SummariseCatalogue(ctx)
	if err != nil {
		return nil, fmt.Errorf("summarise catalogue: %w", err)
	}
	all := make([]Summary, len(rows))
	for i, row := range rows {
		all[i] = Summary(row)
	}
	return all, nil
}

// Store keeps the stored checks in memory and reads them again when an import has changed them.
type Store struct {
	executor *tenant.Executor
	mutex    sync.Mutex
	checks   *Checks
	count    int64
	newest   time.Time
}

// NewStore reads through the executor.
func NewStore(executor *tenant.Executor) *Store { return &Store{executor: executor} }

// Checks are the checks as they are stored now. The result is shared: do not add to it.
func (s *Store) Checks(ctx context.Context) (*Checks, error) {
	db := s.executor.Read(tenant.Scope{})
	revision, err := tenantdb.New(db).GetCatalogueRevision(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a newer catalogue: %w", err)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.checks != nil && s.count == revision.Checks && s.newest.Equal(revision.Newest) {
		return s.checks, nil
	}
	checks, err := Load(ctx, db)
	if err != nil {
		return nil, err
	}
	s.checks, s.count, s.newest = checks, revision.Checks, revision.Newest
	return checks, nil
}
