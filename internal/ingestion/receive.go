// Package ingestion takes findings files in and turns each into a completed scan, or into nothing but a list of what is wrong
// with it. A file waits in the database, so that any worker can take it and none is lost with a machine.
//
// What does not belong here: the format of the files (internal/ocsf), storing findings (internal/ingest), HTTP.
package ingestion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/ocsf"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// DefaultMaxBytes bounds a file as it is sent: 4 GiB.
const DefaultMaxBytes = 4 << 30

// Checks gives what is known of checks, to complete what files say of them.
type Checks func(ctx context.Context) (*catalogue.Checks, error)

// Service takes files in and processes them.
type Service struct {
	executor *tenant.Executor
	checks   Checks
	maxBytes int64
}

// New returns a Service; maxBytes bounds a file as it is sent, 0 means DefaultMaxBytes.
func New(executor *tenant.Executor, checks Checks, maxBytes int64) *Service {
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	return &Service{executor: executor, checks: checks, maxBytes: maxBytes}
}

// Enqueue makes the task that processes a file, in the transaction that makes the file ready; it returns the task's id.
type Enqueue func(ctx context.Context, tx *tenant.Tx, ingestion, provider uuid.UUID) (uuid.UUID, error)

// Receive stores a file in pieces, finds out which provider it is about, and hands it to a task. A file that is no findings
// file, or is about an account that the subject has no visible provider for, is refused and leaves nothing behind.
func (s *Service) Receive(ctx context.Context, scope tenant.Scope, filename string, content io.Reader, enqueue Enqueue) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("new id: %w", err)
	}
	err = s.executor.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		if _, err := queries.DeleteStaleUploads(ctx); err != nil {
			return fmt.Errorf("delete stale uploads: %w", err)
		}
		return queries.CreateIngestion(ctx, tenantdb.CreateIngestionParams{TenantID: scope.Tenant(), ID: id, Filename: plainName(filename)})
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("create ingestion: %w", err)
	}
	if err := s.accept(ctx, scope, id, content, enqueue); err != nil {
		// The client may be gone; what it sent goes all the same.
		cleaning := context.WithoutCancel(ctx)
		dropped := s.executor.Write(cleaning, scope, func(ctx context.Context, tx *tenant.Tx) error {
			return tenantdb.New(tx).DeleteIngestion(ctx, id)
		})
		return uuid.Nil, errors.Join(err, dropped)
	}
	return id, nil
}

func (s *Service) accept(ctx context.Context, scope tenant.Scope, id uuid.UUID, content io.Reader, enqueue Enqueue) error {
	size, err := s.spool(ctx, scope, id, content)
	if err != nil {
		return err
	}
	provider, err := s.identify(ctx, scope, id)
	if err != nil {
		return err
	}
	return s.executor.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		task, err := enqueue(ctx, tx, id, provider)
		if err != nil {
			return err
		}
		return tenantdb.New(tx).QueueIngestion(ctx, tenantdb.QueueIngestionParams{ID: id, ProviderID: provider, Bytes: size, TaskID: task})
	})
}

// lookInto bounds how many items are read to find out what a file is about.
const lookInto = 1000

// identify reads the beginning of the file until an account is found that is a visible provider's.
func (s *Service) identify(ctx context.Context, scope tenant.Scope, id uuid.UUID) (uuid.UUID, error) {
	source := s.open(ctx, scope, id)
	defer source.close()
	reader := ocsf.NewReader(source, ocsf.Limits{}, nil)
	queries := tenantdb.New(s.executor.Read(scope))
	tried := make(map[[2]string]bool)
	first := [2]string{}
	for range lookInto {
		finding, err := reader.Next()
		var item *ocsf.ItemError
		var file *ocsf.FileError
		switch {
		case errors.As(err, &item):
			continue
		case errors.As(err, &file):
			return uuid.Nil, refuse(file.Code, file.Detail)
		case errors.Is(err, io.EOF):
			return uuid.Nil, refuseAccount(first)
		case err != nil:
			return uuid.Nil, err
		}
		account := [2]string{finding.Provider, finding.AccountUID}
		if tried[account] {
			continue
		}
		tried[account] = true
		if first[0] == "" {
			first = account
		}
		provider, err := queries.FindProviderByAccount(ctx, tenantdb.FindProviderByAccountParams{Provider: account[0], Uid: account[1]})
		if err == nil {
			return provider, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return uuid.Nil, fmt.Errorf("find provider: %w", err)
		}
	}
	return uuid.Nil, refuseAccount(first)
}

func refuseAccount(account [2]string) jsonapi.Error {
	if account[0] == "" {
		return refuse("no_findings", "The file holds no finding that can be stored.")
	}
	return refuse("unknown_provider", fmt.Sprintf("There is no provider of type %s with the account %s. Create it first.", account[0], account[1]))
}

func refuse(code, detail string) jsonapi.Error {
	return jsonapi.Error{Status: http.StatusBadRequest, Code: code, Pointer: "/data/attributes/file", Detail: detail}
}

// plainName keeps the last part of a client's file name, bounded and printable.
func plainName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), "\\", "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	for utf8.RuneCountInString(name) > 255 {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" || name == "." || name == "/" {
		return "findings.ocsf.json"
	}
	return name
}
