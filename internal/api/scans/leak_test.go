package scans_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// shows reports whether the secret of the tests can be read in some content, plain or encoded.
func shows(content []byte) bool {
	for _, form := range []string{enginetest.Token, hex.EncodeToString([]byte(enginetest.Token)), base64.StdEncoding.EncodeToString([]byte(enginetest.Token))} {
		if bytes.Contains(content, []byte(form)) {
			return true
		}
	}
	return false
}

func TestNoSecretShowsWhileScansRunAndFail(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("there is no /proc to look into")
	}
	var log lockedBuffer
	server := apitest.StartWith(t, apitest.Setup{Settings: app.Settings{EnginePython: enginetest.Interpreter(t)},
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	server.Work(t)
	ada := server.SignUp(t, "Ada")
	gate := filepath.Join(t.TempDir(), "gate")
	hanging, _ := connect(t, ada, account, enginetest.Waits(3, gate))
	running := start(t, ada, hanging, "")
	waitFor(t, gate+".at")

	content, err := os.ReadFile(gate + ".at")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := strconv.Atoi(string(content))
	if err != nil {
		t.Fatalf("the engine does not say which process it is: %q", content)
	}
	for _, pid := range []int{engine, os.Getpid()} {
		for _, file := range []string{"cmdline", "environ"} {
			content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil || shows(content) || len(content) == 0 {
				t.Errorf("%s of process %d shows the secret, or cannot be read: %v", file, pid, err)
			}
		}
	}
	folder, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", engine))
	if err != nil || !strings.Contains(folder, "palisade-engine-") {
		t.Fatalf("the engine works in %q: %v", folder, err)
	}
	noSecretBelow(t, folder)
	noSecretBelow(t, server.KeyDir)
	noSecretIn(t, server.DB)

	// Every way in which a scan and a check can end, with an engine that prints its secret each time.
	answers := [][]byte{running.Raw}
	for i, key := range []string{enginetest.Refused, enginetest.Foreign, enginetest.Dies, enginetest.Babbles, enginetest.Spoils(1, 2), enginetest.Finds(2)} {
		provider, secret := connect(t, ada, fmt.Sprintf("10000000000%d", i), key)
		answers = append(answers, ended(t, ada, start(t, ada, provider, "").String("/data/id")).Raw, []byte(reachable(t, ada, provider)),
			ada.Get(t, "/providers/"+provider+"?include=secret").Raw, ada.Get(t, "/providers/secrets/"+secret).Want(t, 200).Raw)
	}
	damaged, secret := connect(t, ada, "888888888888", enginetest.Finds(1))
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update provider_secrets set secret = 'damaged' where id = $1`, secret); err != nil {
		t.Fatal(err)
	}
	if got := reachable(t, ada, damaged); got != "SecretError" {
		t.Errorf("credentials that are damaged: %s", got)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	answers = append(answers, ended(t, ada, running.String("/data/id")).Raw, ada.Get(t, "/tasks?page[size]=100").Want(t, 200).Raw,
		ada.Get(t, "/scans?include=provider").Want(t, 200).Raw)
	for _, answer := range answers {
		if shows(answer) {
			t.Errorf("an answer shows the secret: %s", answer)
		}
	}
	noSecretIn(t, server.DB)
	logged := log.String()
	if shows([]byte(logged)) {
		t.Error("the log shows the secret")
	}
	// The log has what the engine printed, or this would prove nothing.
	if !strings.Contains(logged, "debug: credentials are *** ***") {
		t.Errorf("the engine's output is not in the log: %.2000s", logged)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("%s was left", folder)
	}
}

// noSecretBelow reads every file of a folder.
func noSecretBelow(t *testing.T, folder string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if shows(content) {
			t.Errorf("%s shows the secret", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files below %s: %v", files, folder, err)
	}
}

// noSecretIn reads every row of every table, the job queue's included.
func noSecretIn(t *testing.T, db *pgtest.DB) {
	t.Helper()
	pool := db.Pool(t, pgtest.Superuser)
	rows, err := pool.Query(t.Context(), `select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, table := range tables {
		rows, err := pool.Query(t.Context(), `select t::text from `+table+` t`)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		seen[table] = len(lines)
		for _, line := range lines {
			if shows([]byte(line)) {
				t.Errorf("a row of %s shows the secret: %s", table, line)
			}
		}
	}
	for _, table := range []string{"public.tasks", "public.scans", "public.provider_secrets", "river.river_job"} {
		if seen[table] == 0 {
			t.Errorf("there is nothing in %s to look at", table)
		}
	}
}

// lockedBuffer is a buffer for several writers.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(content []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(content)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
