package apitest

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/ingestion"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Connect connects an account in the client's tenant and returns the provider's id.
func (c *Client) Connect(t testing.TB, uid, alias string) string {
	t.Helper()
	return c.Post(t, "/providers", "providers", map[string]any{"provider": "aws", "uid": uid, "alias": alias}, nil).Want(t, 201).String("/data/id")
}

// Ingest stores a findings file of an account of the client's tenant as a completed scan, without a worker, and returns the
// scan's id.
func (c *Client) Ingest(t testing.TB, file ocsftest.File) string {
	t.Helper()
	var content bytes.Buffer
	if err := file.Write(&content); err != nil {
		t.Fatalf("write findings file: %v", err)
	}
	return c.IngestContent(t, &content)
}

// IngestContent is Ingest of a file with the content.
func (c *Client) IngestContent(t testing.TB, content io.Reader) string {
	t.Helper()
	executor := c.server.App.Tenants
	scope := tenant.NewScope(uuid.MustParse(c.Tenant), uuid.Nil, tenant.SeeAll())
	write := func(ctx context.Context, fn func(context.Context, *tenant.Tx) error) error {
		return executor.Write(ctx, scope, fn)
	}
	service := ingestion.New(executor, c.server.App.Catalogue.Checks, 0)
	id, err := service.Receive(t.Context(), scope, "file.json", content, func(context.Context, *tenant.Tx, uuid.UUID, uuid.UUID) (uuid.UUID, error) {
		return uuid.New(), nil
	})
	if err != nil {
		t.Fatalf("receive findings file: %v", err)
	}
	conclude, err := service.Process(t.Context(), scope, id, write)
	if err != nil {
		t.Fatalf("process findings file: %v", err)
	}
	var result ingestion.Result
	err = write(t.Context(), func(ctx context.Context, tx *tenant.Tx) error {
		result, err = conclude(ctx, tx)
		return err
	})
	if err != nil || result.State != ingestion.Completed {
		t.Fatalf("conclude findings file: %v (%+v)", err, result)
	}
	return c.Get(t, "/ingestions/"+id.String()).Want(t, 200).String("/data/relationships/scan/data/id")
}
