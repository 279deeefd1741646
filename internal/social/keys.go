package social

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

// keyAge is how long published keys are believed: one that the provider withdraws is forgotten then.
const keyAge = time.Hour

// publishedKeys are the RSA keys with which a provider signs, read when a token names one that is not known yet.
type publishedKeys struct {
	url    string
	client *http.Client

	mutex sync.Mutex
	keys  map[string]*rsa.PublicKey
	read  time.Time
}

// find is the key of an id, nil when the provider publishes none of that id.
func (p *publishedKeys) find(ctx context.Context, id string) (*rsa.PublicKey, error) {
	p.mutex.Lock()
	known, fresh := p.keys[id], time.Since(p.read) < keyAge
	p.mutex.Unlock()
	if known != nil && fresh {
		return known, nil
	}
	keys, err := p.fetch(ctx)
	if err != nil {
		return nil, err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.keys, p.read = keys, time.Now()
	return keys[id], nil
}

func (p *publishedKeys) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return nil, unavailable("the address of the keys cannot be asked")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, unavailable("keys: %s", cause(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, unavailable("keys: %d", response.StatusCode)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, unavailable("keys: %s", cause(err))
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, unavailable("keys: the answer is no set of keys")
	}
	return signingKeys(set.Keys), nil
}

// signingKeys picks what RS256 tokens can be signed with; keys of other kinds are for others.
func signingKeys(all []json.RawMessage) map[string]*rsa.PublicKey {
	keys := make(map[string]*rsa.PublicKey)
	for _, one := range all {
		parsed, err := jwk.ParseKey(one)
		if err != nil {
			continue
		}
		var public rsa.PublicKey
		id, _ := parsed.KeyID()
		use, _ := parsed.KeyUsage()
		if err := jwk.Export(parsed, &public); err == nil && id != "" && (use == "" || use == "sig") && public.N.BitLen() >= 2048 {
			keys[id] = &public
		}
	}
	return keys
}
