package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// The media types of lists that are sent as a whole, a row a line.
const (
	csvType   = "text/csv"
	linesType = "application/x-ndjson"
)

// What of a list is in memory at a time while it is sent as a whole. An order that no index gives is made anew for each portion,
// so portions grow until they hold portionBytes.
const (
	firstPortion   = 500
	largestPortion = 20_000
	portionBytes   = 2 << 20
)

// nextPortion is how many rows to read after some that took so many bytes.
func nextPortion(rows, bytes int) int64 {
	if bytes == 0 {
		return firstPortion
	}
	return min(int64(rows)*portionBytes/int64(bytes)+1, 4*int64(rows), largestPortion)
}

// Streams reports whether the operation answers a list that can be sent as a whole.
func (o *Operation) Streams() bool {
	return o.Method == http.MethodGet && o.Response.List && o.Query != nil && o.Mode == List && (o.Query.Unpaged || o.Query.Tiebreak != "")
}

// negotiate finds the media type of the answer: documents, or what the operation can send besides. JSON is a document under its
// plain name. Of types that the client likes alike the first counts.
func negotiate(r *http.Request, operation *Operation) (media string, err error) {
	if format, sent := r.URL.Query()["format"]; sent && format[0] != "" && format[0] != "vnd.api+json" {
		return "", jsonapi.NoSuchPath()
	}
	accept := r.Header.Values("Accept")
	if len(accept) == 0 {
		return jsonapi.MediaType, nil
	}
	best := 0.0
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		offered := ""
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "*/*", "application/*", jsonapi.MediaType, "application/json":
			offered = jsonapi.MediaType
		case csvType:
			offered = csvType
		case linesType:
			offered = linesType
		}
		if offered == "" || offered != jsonapi.MediaType && !operation.Streams() {
			continue
		}
		if liked := quality(parameters); liked > best {
			best, media = liked, offered
		}
	}
	if media == "" {
		return "", jsonapi.Error{Status: http.StatusNotAcceptable, Code: "not_acceptable", Pointer: "/data",
			Detail: "Could not satisfy the request Accept header."}
	}
	return media, nil
}

// quality is the weight among the parameters of a media type; what cannot be read is 1.
func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if weight, err := strconv.ParseFloat(value, 64); err == nil && strings.EqualFold(strings.TrimSpace(name), "q") {
			return weight
		}
	}
	return 1
}

// stream answers a list as a whole: the handler is asked for portion after portion behind a cursor, as a client would ask that
// follows the links, so what holds for the list holds for the stream. No connection to the database is held while the client
// reads. An error before the first row is a refusal like any other; a later one cuts the connection, because a file that ends
// too early must not look whole.
func (s *Server) stream(w http.ResponseWriter, request *Request) error {
	ctx := request.HTTP.Context()
	many, after, err := s.portion(ctx, request, "", firstPortion)
	if err != nil {
		return err
	}
	out := begin(w, request)
	for {
		sent := 0
		if sent, err = out.write(many); err != nil || after == "" {
			break
		}
		if many, after, err = s.portion(ctx, request, after, nextPortion(len(many), sent)); err != nil {
			break
		}
	}
	if err == nil {
		err = out.end()
	}
	if err != nil {
		s.breakOff(request.HTTP, err)
	}
	return nil
}

// breakOff cuts the connection in the middle of an answer.
func (s *Server) breakOff(r *http.Request, err error) {
	ctx := r.Context()
	if ctx.Err() == nil {
		s.config.Logger.ErrorContext(ctx, "stream broke off", "correlation_id", requestID(ctx), "path", r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// sendPortions sends an answer that is made while the client reads, as stream does for lists.
func (s *Server) sendPortions(w http.ResponseWriter, r *http.Request, answer *Answer) {
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	out := newSender(w, r, answer.Status)
	err := out.send(answer.Body)
	for err == nil {
		var part []byte
		if part, err = s.nextPart(r.Context(), answer.Rest); err == nil {
			err = out.send(part)
		}
	}
	if errors.Is(err, io.EOF) {
		err = out.end()
	}
	if err != nil {
		s.breakOff(r, err)
	}
}

func (s *Server) nextPart(ctx context.Context, rest Portions) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	return rest(ctx)
}

// portion asks the handler for the rows behind a cursor; empty: the first ones, or those behind the cursor that the client sent.
func (s *Server) portion(ctx context.Context, request *Request, after string, size int64) ([]jsonapi.Resource, string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	params := request.Query.Params.Without("page[number]", "page[size]", "page[disable]", "include")
	if sent, _ := params.Last(afterParameter); after == "" {
		after = sent
	}
	params = params.Without(afterParameter).With(afterParameter, after)
	query, err := request.operation.Mode.parse(params, request.operation.Query)
	if err != nil {
		return nil, "", err
	}
	query.Page.Size = size
	part := *request // handlers may narrow the query
	part.Query = query
	answer, err := request.operation.Handle(ctx, &part)
	if err != nil {
		return nil, "", err
	}
	request.scope = part.scope
	switch document := answer.Document; {
	case document == nil || document.One != nil || document.Pagination != nil:
		return nil, "", fmt.Errorf("%s does not answer a list", request.operation.ID)
	case document.Cursor != nil:
		return document.Many, document.Cursor.After, nil
	default:
		return document.Many, "", nil
	}
}

const afterParameter = "page[after]"

// sender sends an answer part by part, packed where the client takes that.
type sender struct {
	connection *http.ResponseController
	out        io.Writer
	packed     *gzip.Writer // nil: the client takes no gzip
}

// newSender sends the headers.
func newSender(w http.ResponseWriter, r *http.Request, status int) *sender {
	s := &sender{connection: http.NewResponseController(w), out: w}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Add("Vary", "Accept-Encoding")
	if takesGzip(r) {
		header.Set("Content-Encoding", "gzip")
		s.packed, _ = gzip.NewWriterLevel(w, gzip.BestSpeed)
		s.out = s.packed
	}
	w.WriteHeader(status)
	return s
}

// send sends a part. The client has as long for it as for any answer.
func (s *sender) send(part []byte) error {
	_ = s.connection.SetWriteDeadline(time.Now().Add(answerLimit)) // a server without deadlines, as in tests, goes without
	if _, err := s.out.Write(part); err != nil {
		return fmt.Errorf("send rows: %w", err)
	}
	return nil
}

func (s *sender) end() error {
	if s.packed == nil {
		return nil
	}
	if err := s.packed.Close(); err != nil {
		return fmt.Errorf("send rows: %w", err)
	}
	return nil
}

// rows writes resources a line each.
type rows struct {
	*sender
	table  *jsonapi.Table
	fields map[string][]string
	buffer bytes.Buffer
}

// begin sends the headers.
func begin(w http.ResponseWriter, request *Request) *rows {
	r := &rows{fields: request.Query.Fields}
	w.Header().Set("Content-Type", request.media)
	if request.media == csvType {
		w.Header().Set("Content-Type", csvType+"; charset=utf-8; header=present")
		r.table = jsonapi.NewTable(request.columns())
		r.buffer.Write(r.table.Header())
	}
	r.sender = newSender(w, request.HTTP, http.StatusOK)
	return r
}

// columns are what a table of the operation's resources shows, in the order of a document.
func (r *Request) columns() []string {
	schema := r.operation.Response
	names := slices.Concat(jsonapi.AttributeNames(schema.Attributes), schema.Relationships)
	return slices.DeleteFunc(names, func(name string) bool { return !r.Shows(schema.Type, name) })
}

// write sends some rows and returns how many bytes they are.
func (r *rows) write(many []jsonapi.Resource) (sent int, err error) {
	for _, one := range many {
		line, err := r.line(one)
		if err != nil {
			return 0, err
		}
		r.buffer.Write(line)
	}
	sent = r.buffer.Len()
	if err := r.send(r.buffer.Bytes()); err != nil {
		return 0, err
	}
	r.buffer.Reset()
	return sent, nil
}

func (r *rows) line(one jsonapi.Resource) ([]byte, error) {
	if r.table != nil {
		return r.table.Line(one)
	}
	line, err := jsonapi.EncodeResource(one, r.fields)
	return append(line, '\n'), err
}

// takesGzip reports whether the client unpacks gzip.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return quality(parameters) > 0
		}
	}
	return false
}
