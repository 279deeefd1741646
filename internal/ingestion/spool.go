package ingestion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// chunkSize is how much of a file one row holds, before compression.
const chunkSize = 1 << 20

// spool stores the file in compressed pieces and returns its size as sent. Each piece is a transaction of its own: a slow
// sender holds none open.
func (s *Service) spool(ctx context.Context, scope tenant.Scope, id uuid.UUID, content io.Reader) (int64, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return 0, fmt.Errorf("new compressor: %w", err)
	}
	defer func() { _ = encoder.Close() }()
	buffer := make([]byte, chunkSize)
	var packed []byte
	var size int64
	for number := int32(0); ; number++ {
		length, err := io.ReadFull(content, buffer)
		if size += int64(length); size > s.maxBytes {
			return 0, jsonapi.Error{Status: http.StatusRequestEntityTooLarge, Code: "file_too_large", Pointer: "/data/attributes/file",
				Detail: fmt.Sprintf("The file exceeds %d bytes. Compress it with gzip, or split it.", s.maxBytes)}
		}
		if length > 0 {
			packed = encoder.EncodeAll(buffer[:length], packed[:0])
			if err := s.addChunk(ctx, scope, id, number, packed); err != nil {
				return 0, err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return size, nil
		case err != nil:
			return 0, jsonapi.ParseError("The upload broke off.")
		}
	}
}

func (s *Service) addChunk(ctx context.Context, scope tenant.Scope, id uuid.UUID, number int32, content []byte) error {
	err := s.executor.Write(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		queries := tenantdb.New(tx)
		// The transaction that queues the file waits for the disk, and with it for all pieces.
		if err := queries.DeferFlush(ctx); err != nil {
			return fmt.Errorf("defer flush: %w", err)
		}
		return queries.AddIngestionChunk(ctx, tenantdb.AddIngestionChunkParams{TenantID: scope.Tenant(), IngestionID: id, Number: number, Content: content})
	})
	if err != nil {
		return fmt.Errorf("store piece %d: %w", number, err)
	}
	return nil
}

// open reads a stored file from its beginning, one piece in memory at a time.
func (s *Service) open(ctx context.Context, scope tenant.Scope, id uuid.UUID) *chunks {
	return &chunks{ctx: ctx, queries: tenantdb.New(s.executor.Read(scope)), id: id}
}

type chunks struct {
	ctx     context.Context
	queries *tenantdb.Queries
	id      uuid.UUID
	number  int32
	decoder *zstd.Decoder
	buffer  []byte
	rest    []byte
}

// Read implements io.Reader.
func (c *chunks) Read(into []byte) (int, error) {
	if len(c.rest) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	read := copy(into, c.rest)
	c.rest = c.rest[read:]
	return read, nil
}

// close gives the decompressor's memory back.
func (c *chunks) close() {
	if c.decoder != nil {
		c.decoder.Close()
	}
}

func (c *chunks) next() error {
	content, err := c.queries.GetIngestionChunk(c.ctx, tenantdb.GetIngestionChunkParams{IngestionID: c.id, Number: c.number})
	if errors.Is(err, pgx.ErrNoRows) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("read piece %d: %w", c.number, err)
	}
	if c.decoder == nil {
		if c.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err != nil {
			return fmt.Errorf("new decompressor: %w", err)
		}
	}
	if c.buffer, err = c.decoder.DecodeAll(content, c.buffer[:0]); err != nil {
		return fmt.Errorf("decompress piece %d: %w", c.number, err)
	}
	c.rest = c.buffer
	c.number++
	return nil
}
