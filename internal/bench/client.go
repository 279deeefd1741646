package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// client speaks to a server as one person.
type client struct {
	base  string // of the API, without a trailing slash
	token string
	since time.Time // when the token was got
	http  *http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// document is as much of an answer as is needed.
type document struct {
	Data struct {
		ID            string         `json:"id"`
		Attributes    map[string]any `json:"attributes"`
		Relationships map[string]struct {
			Data json.RawMessage `json:"data"`
		} `json:"relationships"`
	} `json:"data"`
}

// related is the id that a to-one relationship points to, empty when there is none.
func (d document) related(name string) string {
	var one struct{ ID string }
	_ = json.Unmarshal(d.Data.Relationships[name].Data, &one) // no such relationship, or one to many
	return one.ID
}

// do sends a request and returns the body of an answer that is no refusal.
func (c *client) do(ctx context.Context, method, path, contentType string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", jsonapi.MediaType)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, &refusal{request: method + " " + path, status: response.StatusCode, body: raw}
	}
	return raw, nil
}

func (c *client) document(ctx context.Context, method, path, contentType string, body io.Reader) (one document, err error) {
	raw, err := c.do(ctx, method, path, contentType, body)
	if err == nil {
		err = json.Unmarshal(raw, &one)
	}
	return one, err
}

func (c *client) create(ctx context.Context, path, kind string, attributes map[string]any) (document, error) {
	encoded, err := json.Marshal(map[string]any{"data": map[string]any{"type": kind, "attributes": attributes}})
	if err != nil {
		return document{}, err
	}
	return c.document(ctx, http.MethodPost, path, jsonapi.MediaType, bytes.NewReader(encoded))
}

const email, password = "bench@example.com", "Correct-Horse-9x!"

// renewal is how long an access token is used; it is good for longer.
const renewal = 10 * time.Minute

// enter logs in as somebody with an organisation of their own and an aws account, made when there is no such person, and returns
// the tenant's id.
func (c *client) enter(ctx context.Context, account string) (tenant string, err error) {
	if err = c.logIn(ctx); err != nil {
		if _, err = c.create(ctx, "/users", "users", map[string]any{"name": "Bench", "email": email, "password": password}); err != nil {
			return "", err
		}
		if err = c.logIn(ctx); err != nil {
			return "", err
		}
		if _, err = c.create(ctx, "/providers", "providers", map[string]any{"provider": "aws", "uid": account}); err != nil {
			return "", err
		}
	}
	raw, err := c.do(ctx, http.MethodGet, "/tenants", "", nil)
	if err != nil {
		return "", err
	}
	var tenants struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(raw, &tenants); err != nil || len(tenants.Data) == 0 {
		return "", fmt.Errorf("no tenant: %w", err)
	}
	return tenants.Data[0].ID, nil
}

func (c *client) logIn(ctx context.Context) error {
	c.token = ""
	tokens, err := c.create(ctx, "/tokens", "tokens", map[string]any{"email": email, "password": password})
	if err != nil {
		return err
	}
	c.token, _ = tokens.Data.Attributes["access"].(string)
	c.since = time.Now()
	return nil
}

// renew gets another token when this one is getting old; nothing may be under way meanwhile.
func (c *client) renew(ctx context.Context) error {
	if time.Since(c.since) < renewal {
		return nil
	}
	return c.logIn(ctx)
}

// get reads a path.
func (c *client) get(path string) way {
	return func(context.Context) (worker, error) {
		return worker{close: func() {}, read: func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodGet, path, "", nil)
			return err
		}}, nil
	}
}

// ingested is how long a file took, one part after the other.
type ingested struct {
	findings, errors int64
	sent             time.Duration // the upload
	waited           time.Duration // until a worker took it
	stored           time.Duration // findings, batch by batch
	ended            time.Duration // from the scan's completion to that of the file
	overall          time.Duration // all of it
}

// rate is findings in a second.
func (i ingested) rate(in time.Duration) float64 { return float64(i.findings) / in.Seconds() }

// ingest hands a file in and waits for its end.
func (c *client) ingest(ctx context.Context, content io.Reader) (ingested, error) {
	if err := c.renew(ctx); err != nil {
		return ingested{}, err
	}
	began := time.Now()
	body, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		part, err := form.CreateFormFile("file", "bench.json")
		if err == nil {
			_, err = io.CopyBuffer(part, content, make([]byte, 1<<20))
		}
		if err == nil {
			err = form.Close()
		}
		_ = writer.CloseWithError(err)
	}()
	one, err := c.document(ctx, http.MethodPost, "/ingestions", form.FormDataContentType(), body)
	if err != nil {
		return ingested{}, err
	}
	sent := time.Now()
	result := ingested{sent: sent.Sub(began)}
	for state := ""; state != "completed"; {
		time.Sleep(20 * time.Millisecond)
		if one, err = c.document(ctx, http.MethodGet, "/ingestions/"+one.Data.ID, "", nil); err != nil {
			return ingested{}, err
		}
		if state, _ = one.Data.Attributes["state"].(string); state == "failed" {
			return ingested{}, fmt.Errorf("the ingestion failed: %v", one.Data.Attributes)
		}
	}
	ended := time.Now()
	result.overall = ended.Sub(began)
	result.findings, result.errors = number(one.Data.Attributes["findings_count"]), number(one.Data.Attributes["errors_count"])
	scan, err := c.document(ctx, http.MethodGet, "/scans/"+one.related("scan"), "", nil)
	if err != nil {
		return ingested{}, err
	}
	// A scan completes at the beginning of the transaction that counts it.
	started, completed := moment(scan.Data.Attributes["started_at"]), moment(scan.Data.Attributes["completed_at"])
	result.waited, result.stored, result.ended = started.Sub(sent), completed.Sub(started), ended.Sub(completed)
	return result, nil
}

func number(value any) int64 {
	float, _ := value.(float64)
	return int64(float)
}

func moment(value any) time.Time {
	text, _ := value.(string)
	at, _ := time.Parse(time.RFC3339Nano, text)
	return at
}

// refusal is an answer that is not what was asked for.
type refusal struct {
	request string
	status  int
	body    []byte
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: status %d: %.300s", r.request, r.status, r.body)
}
