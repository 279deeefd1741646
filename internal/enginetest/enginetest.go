// Package enginetest is a scan engine that finds invented things: a real child process that speaks the real protocol. What it
// does is in the secret that it is given, so that every way in which an engine can end is one secret away. Tests only.
package enginetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/ocsftest"
)

const variable = "PALISADE_TEST_ENGINE"

// Main turns the test binary into the engine when it was started as one. Call it first in TestMain.
func Main() {
	if os.Getenv(variable) == "" {
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Interpreter returns the program that stands in for the engine's interpreter. The binary of the test must call Main.
func Interpreter(t testing.TB) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "python")
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s'\n", variable, binary)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Finds is the access key of an account in which there are so many findings.
func Finds(findings int) string { return "finds " + strconv.Itoa(findings) }

// Waits is the access key with which a scan, after so many findings, writes its process id into the file
// path.at and waits for the file path.
func Waits(findings int, path string) string { return "waits " + strconv.Itoa(findings) + " " + path }

// Looks is the access key of an account in which there are so many findings, of which a scan gives those of the services of its
// scope; each has the scope, as the engine was given it, for its extended status.
func Looks(findings int) string { return "looks " + strconv.Itoa(findings) }

// Happens is the access key of an account in whose log there are so many events of every resource; what the engine was asked for
// stands in the request data of each.
func Happens(events int) string { return "happens " + strconv.Itoa(events) }

// Stalls is the access key with which a connection check waits as a scan does with Waits.
func Stalls(path string) string { return "stalls 0 " + path }

// DiesAfter is the access key with which the engine ends without a word after so many findings.
func DiesAfter(findings int) string { return Dies + " " + strconv.Itoa(findings) }

// Spoils is the access key of an account in which there are so many findings that can be stored, then so many that cannot.
func Spoils(good, bad int) string { return fmt.Sprintf("spoils %d %d", good, bad) }

// The access keys of accounts with which something is wrong.
const (
	Refused = "refused" // the account cannot be reached; the reason quotes the secret, as careless libraries do
	Foreign = "foreign" // the findings are another account's
	Dies    = "dies"    // the engine ends without a word, after a finding
	Babbles = "babbles" // the engine writes nonsense
	Denied  = "denied"  // the log may not be read; the reason quotes the secret
	Expired = "expired" // the credentials are good no more; the reason quotes the secret
	Away    = "away"    // the provider cannot be reached
	Killed  = "killed"  // the engine is killed, after a finding
	Hangs   = "hangs"   // the engine goes on for ever, after a finding
	Floods  = "floods"  // the engine complains of 32 MiB, secrets included, between two findings
	Odd     = "odd"     // the findings are odd: see OddFindings
)

// Version is what the engine says of itself.
const Version = "9.9.9"

// Token is what every secret of a test holds beside the access key; nothing may ever show it.
const Token = "s3cr3t-t0ken-of-the-test"

// Secret is the secret of an aws provider with an access key.
func Secret(accessKey string) map[string]any {
	return map[string]any{"aws_access_key_id": accessKey, "aws_secret_access_key": Token}
}

type request struct {
	Operation string
	Provider  string
	UID       string
	Scope     json.RawMessage
	Events    json.RawMessage
	Secret    struct {
		Key   string   `json:"aws_access_key_id"`
		Token string   `json:"aws_secret_access_key"`
		all   []string // every text of it, also inside texts that are JSON
	}
}

func run() error {
	var r request
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(input, &r); err != nil {
		return err
	}
	var whole struct{ Secret any }
	if err := json.Unmarshal(input, &whole); err != nil {
		return err
	}
	r.Secret.all = texts(whole.Secret)
	out := bufio.NewWriter(os.Stdout)
	say := func(line map[string]any) {
		encoded, err := json.Marshal(line)
		if err != nil {
			panic(err)
		}
		_, _ = out.Write(append(encoded, '\n'))
	}
	defer func() { _ = out.Flush() }()
	// Careless libraries print what they are given.
	_, _ = fmt.Fprintln(os.Stderr, "debug: credentials are", r.Secret.Key, r.Secret.Token)
	if r.Operation == "capabilities" {
		say(map[string]any{"type": "header", "engine": "prowler", "version": Version})
		say(map[string]any{"type": "provider", "provider": "aws", "checks": 3, "lacks": ""})
		say(map[string]any{"type": "provider", "provider": "iac", "checks": 0, "lacks": "the program trivy"})
		say(map[string]any{"type": "done"})
		return nil
	}
	if r.Provider != "aws" { // these refuse everybody, and tell what they were given
		_, _ = fmt.Fprintln(os.Stderr, "debug: texts are", strings.Join(r.Secret.all, " "))
		say(map[string]any{"type": "connection", "connected": false, "error": "AccessDenied for " + strings.Join(r.Secret.all, ", ")})
		say(map[string]any{"type": "done"})
		return nil
	}
	words := strings.Fields(r.Secret.Key)
	if r.Operation == "events" {
		return r.happen(say, out.Flush, words)
	}
	if words[0] == Refused {
		say(map[string]any{"type": "connection", "connected": false, "error": "AccessDenied for " + r.Secret.Token})
		say(map[string]any{"type": "done"})
		return nil
	}
	if words[0] == "stalls" && r.Operation != "scan" {
		if err := await(words[2]); err != nil {
			return err
		}
	}
	say(map[string]any{"type": "connection", "connected": true, "error": nil})
	if r.Operation == "scan" {
		switch words[0] {
		case Dies:
			findings := 1
			if len(words) > 1 {
				if findings, err = strconv.Atoi(words[1]); err != nil {
					return err
				}
			}
			r.find(say, findings)
			_ = out.Flush()
			os.Exit(3)
		case Killed:
			r.find(say, 1)
			_ = out.Flush()
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			_ = self.Kill()
			select {}
		case Hangs:
			r.find(say, 1)
			_ = out.Flush()
			select {}
		case Floods:
			r.find(say, 1)
			_ = out.Flush()
			complaint := strings.Repeat("s3 says no to "+r.Secret.Token+"\n", 1<<15)
			for written := 0; written < 32<<20; written += len(complaint) {
				_, _ = os.Stderr.WriteString(complaint)
			}
			r.find(say, 2)
		case Odd:
			for _, one := range OddFindings(r.UID) {
				say(map[string]any{"type": "finding", "tags": map[string]string{}, "ocsf": one})
			}
		case Babbles:
			_, _ = out.WriteString("Traceback (most recent call last)\n")
			return nil
		case Foreign:
			r.UID = "999999999999"
			r.find(say, 1)
		default:
			if err := r.scan(say, out.Flush, words); err != nil {
				return err
			}
		}
	}
	say(map[string]any{"type": "done"})
	return nil
}

// texts are all texts in a value.
func texts(value any) (found []string) {
	switch value := value.(type) {
	case string:
		found = append(found, value)
		var inner any
		if json.Unmarshal([]byte(value), &inner) == nil {
			found = append(found, texts(inner)...)
		}
	case []any:
		for _, one := range value {
			found = append(found, texts(one)...)
		}
	case map[string]any:
		for _, one := range value {
			found = append(found, texts(one)...)
		}
	}
	return found
}

func (r request) scan(say func(map[string]any), flush func() error, words []string) error {
	findings := 3
	if len(words) > 1 {
		var err error
		if findings, err = strconv.Atoi(words[1]); err != nil {
			return err
		}
	}
	if words[0] == "looks" {
		return r.look(say, findings)
	}
	r.find(say, findings)
	switch words[0] {
	case "spoils":
		bad, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		r.spoil(say, bad)
		return nil
	case "waits":
	default:
		return nil
	}
	say(map[string]any{"type": "progress", "value": 50})
	if err := flush(); err != nil {
		return err
	}
	return await(words[2])
}

// await says in the file path.at that it waits, and waits for the file path.
func await(path string) error {
	// Whoever sees the file finds it whole.
	if err := os.WriteFile(path+".new", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path+".at"); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (r request) find(say func(map[string]any), findings int) {
	file := ocsftest.File{Account: r.UID, Findings: findings}
	for i := range findings {
		say(map[string]any{"type": "finding", "tags": map[string]string{"env": "test"}, "ocsf": file.Finding(i)})
	}
}

// happen looks into the account's log, or says why it cannot.
func (r request) happen(say func(map[string]any), flush func() error, words []string) error {
	for word, code := range map[string]string{Denied: "denied", Expired: "auth", Away: "unavailable"} {
		if words[0] == word {
			say(map[string]any{"type": "error", "code": code, "detail": "it does not like " + r.Secret.Token})
			return nil
		}
	}
	events := 0
	switch words[0] {
	case Dies:
		_, _ = fmt.Fprintln(os.Stderr, "it ends because of", r.Secret.Token)
		os.Exit(3)
	case Babbles:
		_, _ = fmt.Fprintln(os.Stdout, "Traceback", r.Secret.Token)
		return nil
	case "waits":
		if err := await(words[2]); err != nil {
			return err
		}
	default:
		var err error
		if events, err = strconv.Atoi(words[1]); err != nil {
			return err
		}
	}
	for i := range events {
		say(map[string]any{"type": "event", "event": map[string]any{"id": fmt.Sprintf("event-%d", i), "time": "2026-01-02T05:04:05.5+02:00",
			"name": "PutBucketPolicy", "source": "s3.amazonaws.com", "actor": "user/ada", "actor_uid": "arn:aws:iam::" + r.UID + ":user/ada", "actor_type": "IAMUser",
			"address": "192.0.2.1", "agent": nil, "request": r.Events, "response": nil, "error_code": "AccessDenied", "error_message": nil}})
	}
	say(map[string]any{"type": "done"})
	return flush()
}

// OddFindings are eight findings: one whose uid is one character too long and one whose is not, two with the same uid, two about a
// resource that is in another region and service the second time, and two about resources without uid, name, region and type.
func OddFindings(account string) []map[string]any {
	file := ocsftest.File{Account: account}
	var all []map[string]any
	for i := range 8 {
		one := file.Finding(i * 5) // resources of their own
		resource := one["resources"].([]any)[0].(map[string]any)
		info := one["finding_info"].(map[string]any)
		switch i {
		case 0:
			info["uid"] = strings.Repeat("ä", 301)
		case 1:
			info["uid"] = strings.Repeat("ä", 300)
		case 2, 3:
			info["uid"] = "the same"
		case 4, 5:
			resource["uid"] = "wanderer"
			resource["region"] = []string{"eu-west-1", "us-east-1"}[i-4]
		case 6, 7:
			resource["uid"], resource["name"], resource["region"], resource["type"] = "", "", "", ""
			one["cloud"].(map[string]any)["region"] = ""
		}
		all = append(all, one)
	}
	return all
}

// look gives those findings that the scope is about.
func (r request) look(say func(map[string]any), findings int) error {
	var scope struct{ Services []string }
	if err := json.Unmarshal(r.Scope, &scope); err != nil {
		return err
	}
	file := ocsftest.File{Account: r.UID, Findings: findings}
	for i := range findings {
		one := file.Finding(i)
		service, _, _ := strings.Cut(one["metadata"].(map[string]any)["event_code"].(string), "_")
		if len(scope.Services) > 0 && !slices.Contains(scope.Services, service) {
			continue
		}
		one["status_detail"] = string(r.Scope)
		say(map[string]any{"type": "finding", "tags": map[string]string{}, "ocsf": one})
	}
	return nil
}

// spoil gives findings that cannot be stored: one that the engine itself could not write, then some without a resource, and every
// third of those without a uid.
func (r request) spoil(say func(map[string]any), findings int) {
	file := ocsftest.File{Account: r.UID, Findings: findings}
	for i := range findings {
		if i == 0 {
			say(map[string]any{"type": "lost", "uid": "lost\x00-finding"})
			continue
		}
		one := file.Finding(i)
		one["resources"] = []any{}
		if i%3 == 0 {
			one["finding_info"] = map[string]any{"title": "Nameless"}
		}
		say(map[string]any{"type": "finding", "tags": map[string]string{}, "ocsf": one})
	}
}
