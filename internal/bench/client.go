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
		return nil, fmt.Errorf("%s %s: status %d: %.300s", method, path, response.StatusCode, raw)
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

// person makes somebody with an organisation of their own and an aws account, and returns the tenant's id.
func (c *client) person(ctx context.Context, account string) (tenant string, err error) {
	const email, password = "bench@example.com", "Correct-Horse-9x!"
	if _, err = c.create(ctx, "/users", "users", map[string]any{"name": "Bench", "email": email, "password": password}); err != nil {
		return "", err
	}
	tokens, err := c.create(ctx, "/tokens", "tokens", map[string]any{"email": email, "password": password})
	if err != nil {
		return "", err
	}
	c.token, _ = tokens.Data.Attributes["access"].(string)
	if _, err = c.create(ctx, "/providers", "providers", map[string]any{"provider": "aws", "uid": account}); err != nil {
		return "", err
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

// ingested is how long a file took.
type ingested struct {
	findings, errors      int64
	upload, scan, overall time.Duration // sending it; from the start of the scan to its end; both and the wait between
}

// rate is findings in a second.
func (i ingested) rate(in time.Duration) float64 { return float64(i.findings) / in.Seconds() }

// ingest hands a file in and waits for its end.
func (c *client) ingest(ctx context.Context, content io.Reader) (ingested, error) {
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
	result := ingested{upload: time.Since(began)}
	for state := ""; state != "completed"; {
		time.Sleep(20 * time.Millisecond)
		if one, err = c.document(ctx, http.MethodGet, "/ingestions/"+one.Data.ID, "", nil); err != nil {
			return ingested{}, err
		}
		if state, _ = one.Data.Attributes["state"].(string); state == "failed" {
			return ingested{}, fmt.Errorf("the ingestion failed: %v", one.Data.Attributes)
		}
	}
	result.overall = time.Since(began)
	result.findings, result.errors = number(one.Data.Attributes["findings_count"]), number(one.Data.Attributes["errors_count"])
	scan, err := c.document(ctx, http.MethodGet, "/scans/"+one.related("scan"), "", nil)
	if err != nil {
		return ingested{}, err
	}
	result.scan = moment(scan.Data.Attributes["completed_at"]).Sub(moment(scan.Data.Attributes["started_at"]))
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
