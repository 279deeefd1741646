package rest

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

// Unlimited lets every request through.
func Unlimited(handler Handler) Handler { return handler }

// ParseLimit reads a limit such as "50/minute" (units second, minute, hour, day) and returns the wrapper that applies it to
// each client address; "off" and "" mean no limit.
func ParseLimit(text string) (func(Handler) Handler, error) {
	limiter, err := parseLimiter(text)
	if err != nil || limiter == nil {
		return Unlimited, err
	}
	return limiter.wrap, nil
}

// ParseAddressLimit reads a limit in the same form and returns whether a request is within it.
func ParseAddressLimit(text string) (func(r *http.Request) bool, error) {
	limiter, err := parseLimiter(text)
	if err != nil || limiter == nil {
		return func(*http.Request) bool { return true }, err
	}
	return func(r *http.Request) bool { return limiter.take(clientOf(r), time.Now()) == 0 }, nil
}

// parseLimiter returns nil for no limit.
func parseLimiter(text string) (*addressLimiter, error) {
	if text == "" || text == "off" {
		return nil, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	count, err := strconv.Atoi(strings.TrimSpace(number))
	period, ok := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSpace(unit)]
	if err != nil || !ok || count < 1 {
		return nil, fmt.Errorf("limit %q: want a number and a unit, as in 50/minute, or off", text)
	}
	return &addressLimiter{every: rate.Every(period / time.Duration(count)), burst: count, period: period, buckets: make(map[string]*bucket)}, nil
}

// addressLimiter holds a bucket for each address that was seen lately.
type addressLimiter struct {
	every   rate.Limit
	burst   int
	period  time.Duration
	mutex   sync.Mutex
	buckets map[string]*bucket
	swept   time.Time
}

type bucket struct {
	limiter *rate.Limiter
	used    time.Time
}

func (l *addressLimiter) wrap(handler Handler) Handler {
	return func(ctx context.Context, r *Request) (*Answer, error) {
		if wait := l.take(clientOf(r.HTTP), time.Now()); wait > 0 {
			seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
			return nil, Throttled{jsonapi.Error{Status: http.StatusTooManyRequests, Code: "throttled", Pointer: "/data",
				Detail: "Request was throttled. Expected available in " + seconds + " seconds."}, seconds}
		}
		return handler(ctx, r)
	}
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

// take uses one request of the address and returns how long it has to wait when there is none left.
func (l *addressLimiter) take(address string, now time.Time) time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if now.Sub(l.swept) > l.period {
		for key, one := range l.buckets {
			if now.Sub(one.used) > l.period {
				delete(l.buckets, key)
			}
		}
		l.swept = now
	}
	one := l.buckets[address]
	if one == nil && len(l.buckets) >= maxBuckets {
		// So many at once are one attacker with many addresses: newcomers share what is left.
		address = "others"
		one = l.buckets[address]
	}
	if one == nil {
		one = &bucket{limiter: rate.NewLimiter(l.every, l.burst)}
		l.buckets[address] = one
	}
	one.used = now
	reservation := one.limiter.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait
	}
	return 0
}

// maxBuckets bounds the memory that a limiter takes, to a few MB.
const maxBuckets = 1 << 16

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
