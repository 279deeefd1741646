package rest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/session"
)

// Limit bounds how often each of many may do something: addresses, people, keys. It counts in this process alone. The nil Limit
// is no bound.
type Limit struct {
	count  int
	period time.Duration
	mutex  sync.Mutex
	full   map[string]time.Time // for each key that was seen lately, when all that it may do is there again
	swept  time.Time
}

// Quota is what a Limit leaves to one key.
type Quota struct {
	Limit     int           // requests in a period
	Remaining int           // requests that may follow at once
	Reset     time.Duration // until Limit requests may follow at once
	Wait      time.Duration // until the next request is let through; 0: this one is
}

// ParseLimit reads a limit such as "50/minute" (units second, minute, hour, day); "off" and "" are no limit.
func ParseLimit(text string) (*Limit, error) {
	if text == "" || text == "off" {
		return nil, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	count, err := strconv.Atoi(strings.TrimSpace(number))
	period, ok := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSpace(unit)]
	if err != nil || !ok || count < 1 || count > maxCount {
		return nil, fmt.Errorf("limit %q: want a number and a unit, as in 50/minute, or off", text)
	}
	return &Limit{count: count, period: period, full: make(map[string]time.Time)}, nil
}

const (
	// maxCount keeps the time for one request from being nothing.
	maxCount = 1_000_000
	// maxKeys bounds the memory that a Limit takes, to a few MB.
	maxKeys = 1 << 16
)

// one is the time in which one request comes back.
func (l *Limit) one() time.Duration { return l.period / time.Duration(l.count) }

// Take uses one request of a key, when there is one left.
func (l *Limit) Take(key string, now time.Time) Quota {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.sweep(now)
	key = l.counted(key)
	full := l.full[key]
	if full.Before(now) {
		full = now
	}
	next := full.Add(l.one())
	if wait := next.Sub(now) - l.period; wait > 0 {
		return Quota{Limit: l.count, Reset: full.Sub(now), Wait: wait}
	}
	l.full[key] = next
	return Quota{Limit: l.count, Remaining: int((l.period - next.Sub(now)) / l.one()), Reset: next.Sub(now)}
}

// GiveBack undoes a Take.
func (l *Limit) GiveBack(key string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	key = l.counted(key)
	if full, seen := l.full[key]; seen {
		l.full[key] = full.Add(-l.one())
	}
}

// counted is the key under which one is counted. So many keys at once are one attacker with many addresses: newcomers share
// what is left.
func (l *Limit) counted(key string) string {
	if _, seen := l.full[key]; !seen && len(l.full) >= maxKeys {
		return "others"
	}
	return key
}

// sweep forgets who may do everything again.
func (l *Limit) sweep(now time.Time) {
	if now.Sub(l.swept) <= l.period {
		return
	}
	for key, full := range l.full {
		if !full.After(now) {
			delete(l.full, key)
		}
	}
	l.swept = now
}

// Limits bound all requests to the API. Each may be nil.
type Limits struct {
	Address *Limit // of each client address, before anything is known of it
	Token   *Limit // of each person in a tenant, with whatever access token
	Key     *Limit // of each API key
}

// PerAddress bounds how often each client address may call an operation; name is that of the limit, for the metrics.
func PerAddress(name string, limit *Limit) func(Handler) Handler {
	return func(handler Handler) Handler {
		if limit == nil {
			return handler
		}
		return func(ctx context.Context, r *Request) (*Answer, error) {
			if err := spend(r.HTTP.Context(), name, limit, clientOf(r.HTTP)); err != nil {
				return nil, err
			}
			return handler(ctx, r)
		}
	}
}

// Allows reports whether a request of its address is within the limit, for handlers outside the API.
func (l *Limit) Allows(r *http.Request) bool {
	return l == nil || l.Take(clientOf(r), time.Now()).Wait == 0
}

// Unlimited lets every request through.
func Unlimited(handler Handler) Handler { return handler }

// spend uses one request of a key, notes for the answer's headers what is left, and refuses when nothing is.
func spend(ctx context.Context, name string, limit *Limit, key string) error {
	if limit == nil {
		return nil
	}
	quota := limit.Take(key, time.Now())
	if entry, ok := ctx.Value(entryKey{}).(*logEntry); ok {
		// The answer speaks of the limit that is nearest.
		if entry.quota == nil || quota.Wait > 0 || quota.Remaining < entry.quota.Remaining {
			entry.quota = &quota
		}
	}
	if quota.Wait > 0 {
		return throttle(ctx, name, quota.Wait)
	}
	return nil
}

// throttle is the refusal of whoever asks too often.
func throttle(ctx context.Context, name string, wait time.Duration) error {
	if entry, ok := ctx.Value(entryKey{}).(*logEntry); ok {
		entry.throttled = name
	}
	seconds := wholeSeconds(wait)
	return Throttled{jsonapi.Error{Status: http.StatusTooManyRequests, Code: "throttled", Pointer: "/data",
		Detail: "Request was throttled. Expected available in " + seconds + " seconds."}, seconds}
}

// Throttled is the 429 of a client that asks too often.
type Throttled struct {
	Refusal    jsonapi.Error
	RetryAfter string // seconds
}

// Error is the sentence for the client.
func (t Throttled) Error() string { return t.Refusal.Detail }

// Unwrap gives the error object.
func (t Throttled) Unwrap() error { return t.Refusal }

// spendAs counts a request for the credential that it came with: by identity, so that another token of the same person, or
// one that was made up, is no way round.
func (s *Server) spendAs(ctx context.Context, principal *session.Principal) error {
	switch {
	case principal == nil:
		return nil
	case principal.Key != nil:
		return spend(ctx, "key", s.config.Limits.Key, principal.Key.ID.String())
	}
	return spend(ctx, "token", s.config.Limits.Token, principal.Subject.UserID.String()+principal.Subject.TenantID.String())
}

// The headers that say what a limit leaves: those of the drafts up to draft-ietf-httpapi-ratelimit-headers-06, which clients
// and gateways know; the later single field is hardly read yet.
const (
	limitHeader     = "RateLimit-Limit"
	remainingHeader = "RateLimit-Remaining"
	resetHeader     = "RateLimit-Reset"
)

// describe puts the quota into an answer's headers, and lets browsers show them to the page.
func (q Quota) describe(header http.Header) {
	header.Set(limitHeader, strconv.Itoa(q.Limit))
	header.Set(remainingHeader, strconv.Itoa(q.Remaining))
	header.Set(resetHeader, wholeSeconds(q.Reset))
	header.Set("Access-Control-Expose-Headers", strings.Join([]string{"Correlation-ID", limitHeader, remainingHeader, resetHeader, "Retry-After"}, ", "))
}

func wholeSeconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// Guesses bounds how often the password of one account may be guessed from all addresses together. Nobody is locked out by it:
// when the bound is reached, each address still has a few tries at the account, so that its owner gets in from wherever they
// are, while many addresses together gain little. The nil Guesses is no bound.
type Guesses struct {
	wrong *Limit // wrong guesses of each account
	slow  *Limit // tries of each address at an account that has no wrong guesses left
}

// slowly is what each address may try at an account whose wrong guesses are used up.
const slowly = "5/hour"

// ParseGuesses reads how often an account's password may be guessed wrong, in the form of ParseLimit.
func ParseGuesses(text string) (*Guesses, error) {
	wrong, err := ParseLimit(text)
	if err != nil || wrong == nil {
		return nil, err
	}
	slow, err := ParseLimit(slowly)
	return &Guesses{wrong: wrong, slow: slow}, err
}

// Try makes an attempt to log in to the account of an address, and counts it when it is refused. Accounts that do not exist are
// counted too: the bound does not tell which do.
func (g *Guesses) Try(r *Request, account string, attempt func() error) error {
	if g == nil {
		return attempt()
	}
	sum := sha256.Sum256([]byte(account)) // an address may be long, and need not be kept
	key := string(sum[:])
	// Taken before and given back after: guesses at the same time cannot all be the last one.
	if g.wrong.Take(key, time.Now()).Wait > 0 {
		if quota := g.slow.Take(key+clientOf(r.HTTP), time.Now()); quota.Wait > 0 {
			return throttle(r.HTTP.Context(), "account", quota.Wait)
		}
		return attempt()
	}
	err := attempt()
	if _, refused := jsonapi.AsErrors(err); !refused {
		g.wrong.GiveBack(key)
	}
	return err
}

// clientOf is the client's address as ServeHTTP found it, or the peer's for a request that did not come through it.
func clientOf(r *http.Request) string {
	if entry, ok := r.Context().Value(entryKey{}).(*logEntry); ok && entry.client != "" {
		return entry.client
	}
	return clientAddress(r, false)
}

// clientAddress is whom a request is counted for. Behind a trusted proxy that is the last address the proxy noted: the ones
// before it are the client's own claims. Of an IPv6 address only the network counts, as everybody has a whole one.
func clientAddress(r *http.Request, trustProxy bool) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if forwarded := r.Header.Values("X-Forwarded-For"); trustProxy && len(forwarded) > 0 {
		last := forwarded[len(forwarded)-1]
		if noted := strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]); net.ParseIP(noted) != nil {
			host = noted
		}
	}
	if address := net.ParseIP(host); address != nil && address.To4() == nil {
		return address.Mask(net.CIDRMask(64, 128)).String() + "/64"
	}
	return host
}
