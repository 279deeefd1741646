package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Settings are all settings of the program. The tags of each field: its key, which is the flag's name, the key in the file
// and, in capitals with PALISADE_ before it and underscores for hyphens, the environment variable; its default; what it
// is for; and "secret" when it must not be shown.
type Settings struct {
	Listen        string        `key:"listen" default:"127.0.0.1:8080" usage:"address to listen on"`
	DataDir       string        `key:"data-dir" usage:"folder for the database and the keys (default: the user's data folder)"`
	KeyDir        string        `key:"key-dir" usage:"folder for the keys (default: keys in the data folder)"`
	PolicyDir     string        `key:"policy-dir" usage:"folder with access rules beside the built-in policy, read again when it changes"`
	PolicyReplace bool          `key:"policy-replace" default:"false" usage:"the policy folder takes the place of the built-in policy altogether"`
	TokenLimit    string        `key:"token-rate-limit" default:"50/minute" usage:"how often one address may try credentials, or off"`
	TrustProxy    bool          `key:"trust-proxy" default:"false" usage:"believe X-Forwarded-Proto, X-Forwarded-Host and the last address of X-Forwarded-For"`
	CORSOrigins   []string      `key:"cors-origins" usage:"origins that browsers may call from, comma separated"`
	Worker        bool          `key:"worker" default:"true" usage:"run background jobs in the server too"`
	Migrate       bool          `key:"migrate" default:"false" usage:"bring an external database to the current schema before serving"`
	LogLevel      string        `key:"log-level" default:"info" usage:"debug, info, warn or error"`
	LogFormat     string        `key:"log-format" default:"json" usage:"json or text"`
	StopAfter     time.Duration `key:"stop-after" default:"30s" usage:"how long requests and jobs may take to end when the program is stopped"`

	RequestTimeout time.Duration `key:"request-timeout" default:"30s" usage:"how long a request may take, its statements in the database included"`

	AccountLimit     string        `key:"account-rate-limit" default:"100/hour" usage:"how often the password of one account may be guessed wrong, from all addresses together, before each address gets 5 tries an hour; or off"`
	AddressLimit     string        `key:"rate-limit-address" default:"off" usage:"how often one address may ask, as in 600/minute, or off"`
	AccessTokenLimit string        `key:"rate-limit-token" default:"off" usage:"how often one person may ask in a tenant with access tokens, as in 600/minute, or off"`
	KeyLimit         string        `key:"rate-limit-key" default:"off" usage:"how often one API key may ask, as in 600/minute, or off"`
	AllowedHosts     []string      `key:"allowed-hosts" usage:"host names that requests may be for, .example.com for all below a domain, * for any, comma separated (default: those of this machine when the server listens on it alone, else any)"`
	HSTSMaxAge       time.Duration `key:"hsts-max-age" default:"0s" usage:"how long browsers are to insist on https, as in 8760h; told over https only; 0s: not told"`
	MetricsListen    string        `key:"metrics-listen" usage:"address to serve Prometheus metrics on, at /metrics, without credentials (default: nowhere)"`

	AppURL           string `key:"database-url" secret:"true" usage:"database as palisade_app; none: the program runs a Postgres of its own in the data folder"`
	SystemURL        string `key:"database-system-url" secret:"true" usage:"database as palisade_system; needed with database-url"`
	OwnerURL         string `key:"database-owner-url" secret:"true" usage:"database as palisade_owner; for migrations only"`
	AppReplicaURL    string `key:"database-replica-url" secret:"true" usage:"read replica as palisade_app"`
	SystemReplicaURL string `key:"database-system-replica-url" secret:"true" usage:"read replica as palisade_system"`
	MaxConns         int    `key:"database-max-conns" default:"20" usage:"connections that each role may open"`

	AuditReadSample float64 `key:"audit-read-sample" default:"0.01" usage:"share of the allowed reads that the audit log records, 0 to 1; denials and writes are always recorded"`

	EnginePython   string   `key:"prowler-python" usage:"Python interpreter that has prowler installed (default: that of the prowler command, else python3)"`
	EnginePassEnv  []string `key:"engine-pass-env" usage:"environment variables that the scan engine gets besides the minimum, comma separated"`
	EngineServices []string `key:"engine-services" usage:"services that scans look at, as in aws/s3,aws/iam; provider types that are not named are scanned whole (default: everything)"`

	ScanConcurrency int           `key:"scan-concurrency" default:"2" usage:"scans that one worker process runs at the same time"`
	RetentionMonths int           `key:"retention-months" default:"0" usage:"calendar months after which scans are removed, of organisations that have not set any themselves, 1 to 120; 0: they are kept"`
	ScanTimeout     time.Duration `key:"scan-timeout" default:"47h50m" usage:"how long a scan may take before its engine is killed and it fails"`
	EngineMemory    string        `key:"engine-memory-limit" default:"4GiB" usage:"memory that the scan engine, and each process that it starts, may have, as in 512MiB or 4GiB, or off; kept on Linux alone"`

	ExternalURL     string `key:"external-url" usage:"scheme and host under which browsers reach the API, as in https://api.example.com; needed for single sign-on"`
	SignInURL       string `key:"sign-in-url" usage:"page of the user interface where people sign in; a single sign-on that failed leads there"`
	SAMLCallbackURL string `key:"saml-callback-url" usage:"page of the user interface that takes the one-time token of a single sign-on"`
	SAMLEntityID    string `key:"saml-entity-id" default:"urn:prowler.com:sp" usage:"name of this service for identity providers"`

	SignUp                 string `key:"sign-up" default:"open" usage:"who may sign up: open (everybody) or invitation (the invited)"`
	FirstAdminEmail        string `key:"first-admin-email" usage:"address of the first person, created when a server starts and there is nobody"`
	FirstAdminPassword     string `key:"first-admin-password" secret:"true" usage:"password of the first person"`
	FirstAdminPasswordFile string `key:"first-admin-password-file" usage:"file that holds the password of the first person"`

	GoogleClientID     string `key:"social-google-client-id" usage:"OAuth client at Google; none: nobody logs in through Google"`
	GoogleClientSecret string `key:"social-google-client-secret" secret:"true" usage:"secret of the OAuth client at Google"`
	GoogleCallbackURL  string `key:"social-google-callback-url" usage:"page of the user interface that Google sends people back to"`
	GoogleIssuer       string `key:"social-google-issuer" usage:"issuer of id tokens (default: Google)"`
	GoogleTokenURL     string `key:"social-google-token-url" usage:"token endpoint (default: Google's)"`
	GoogleKeysURL      string `key:"social-google-keys-url" usage:"keys that sign id tokens (default: Google's)"`
	GoogleUserInfoURL  string `key:"social-google-userinfo-url" usage:"user info endpoint (default: Google's)"`
	GitHubClientID     string `key:"social-github-client-id" usage:"OAuth app at GitHub; none: nobody logs in through GitHub"`
	GitHubClientSecret string `key:"social-github-client-secret" secret:"true" usage:"secret of the OAuth app at GitHub"`
	GitHubCallbackURL  string `key:"social-github-callback-url" usage:"page of the user interface that GitHub sends people back to"`
	GitHubTokenURL     string `key:"social-github-token-url" usage:"token endpoint (default: GitHub's)"`
	GitHubAPIURL       string `key:"social-github-api-url" usage:"base of the API (default: GitHub's)"`
}

// Keys returns the folder of the keys.
func (s Settings) Keys() string {
	if s.KeyDir != "" {
		return s.KeyDir
	}
	return filepath.Join(s.DataDir, "keys")
}

// PostgresDir is the folder of the program's own Postgres.
func (s Settings) PostgresDir() string { return filepath.Join(s.DataDir, "postgres") }

// Embedded reports whether the program runs a Postgres of its own.
func (s Settings) Embedded() bool { return s.AppURL == "" && s.SystemURL == "" && s.OwnerURL == "" }

// EngineMemoryBytes is the memory that a process of the scan engine may have; -1 is no limit.
func (s Settings) EngineMemoryBytes() (int64, error) {
	if s.EngineMemory == "off" {
		return -1, nil
	}
	for unit, size := range map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30} {
		number, ok := strings.CutSuffix(s.EngineMemory, unit)
		if !ok {
			continue
		}
		count, err := strconv.ParseInt(number, 10, 32)
		if err == nil && count*size >= leastEngineMemory {
			return count * size, nil
		}
	}
	return 0, fmt.Errorf("engine-memory-limit is %q: want at least 64MiB, as in 512MiB or 4GiB, or off", s.EngineMemory)
}

// leastEngineMemory is what no interpreter starts without.
const leastEngineMemory = 64 << 20

// Hosts returns the host names that requests may be for; none means any.
func (s Settings) Hosts() []string {
	if len(s.AllowedHosts) > 0 || s.TrustProxy || !Loopback(s.Listen) {
		return s.AllowedHosts
	}
	// Only this machine can ask, and a page in its browser must not by a name that it made lead here.
	host, _, _ := net.SplitHostPort(s.Listen)
	return []string{"localhost", ".localhost", "127.0.0.1", "::1", host}
}

// Loopback reports whether an address to listen on can be reached from this machine alone.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// complete fills in what depends on the machine and refuses what makes no sense.
func (s *Settings) complete() error {
	if s.DataDir == "" {
		dir, err := dataHome()
		if err != nil {
			return err
		}
		s.DataDir = filepath.Join(dir, "palisade")
	}
	if (s.AppURL == "") != (s.SystemURL == "") {
		return fmt.Errorf("database-url and database-system-url go together: the program works as two roles")
	}
	if s.PolicyReplace && s.PolicyDir == "" {
		return fmt.Errorf("policy-replace says that a folder takes the built-in policy's place: set policy-dir")
	}
	if s.MaxConns < 1 || s.MaxConns > 1000 {
		return fmt.Errorf("database-max-conns is %d: want 1 to 1000", s.MaxConns)
	}
	if !(s.AuditReadSample >= 0 && s.AuditReadSample <= 1) {
		return fmt.Errorf("audit-read-sample is %v: want 0 to 1", s.AuditReadSample)
	}
	if s.ScanConcurrency < 1 || s.ScanConcurrency > 1000 {
		return fmt.Errorf("scan-concurrency is %d: want 1 to 1000", s.ScanConcurrency)
	}
	if s.RequestTimeout < time.Second || s.RequestTimeout > time.Hour {
		return fmt.Errorf("request-timeout is %s: want 1s to 1h", s.RequestTimeout)
	}
	if s.RetentionMonths < 0 || s.RetentionMonths > 120 {
		return fmt.Errorf("retention-months is %d: want 1 to 120, or 0", s.RetentionMonths)
	}
	if s.ScanTimeout < time.Minute || s.ScanTimeout > 30*24*time.Hour {
		return fmt.Errorf("scan-timeout is %s: want 1m to 720h", s.ScanTimeout)
	}
	if _, err := s.EngineMemoryBytes(); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return fmt.Errorf("log-level is %q: want debug, info, warn or error", s.LogLevel)
	}
	if s.LogFormat != "json" && s.LogFormat != "text" {
		return fmt.Errorf("log-format is %q: want json or text", s.LogFormat)
	}
	return errors.Join(s.checkAddresses(), s.completeSignIn())
}

func (s *Settings) checkAddresses() error {
	for key, address := range map[string]string{"listen": s.Listen, "metrics-listen": s.MetricsListen} {
		if address == "" && key != "listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%s is %q: want an address and a port, as in 127.0.0.1:8080", key, address)
		}
	}
	return nil
}

// dataHome is the user's folder for data, by the XDG Base Directory Specification.
func dataHome() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the user's data folder (set data-dir): %w", err)
	}
	return filepath.Join(home, ".local", "share"), nil
}

// environment is the variable of a key.
func environment(key string) string {
	return "PALISADE_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}
