package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/token"
)

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := token.LoadOrCreateKeys(dir); err != nil {
		t.Fatal(err)
	}
	var outcome keysOutcome
	for i, args := range [][]string{{"keys", "rotate"}, {"keys", "rotate", "--prune"}} {
		code, out := command(t, append(args, "--key-dir", dir, "--data-dir", "/nowhere")...)
		if err := json.Unmarshal([]byte(out), &outcome); code != 0 || err != nil || len(outcome.Signing) != 12 {
			t.Fatalf("%d %s %v", code, out, err)
		}
		if strings.Contains(out, "KEY") || i == 1 && (len(outcome.Kept) != 2 || len(outcome.Removed) != 0) {
			t.Errorf("%s", out)
		}
	}
	if err := os.Rename(filepath.Join(dir, outcome.Kept[0]), filepath.Join(dir, "jwt_previous_20200101T000000Z_x.pem")); err != nil {
		t.Fatal(err)
	}
	if code, out := command(t, "keys", "prune", "--key-dir", dir, "--data-dir", "/nowhere"); code != 0 || !strings.Contains(out, `"removed":["jwt_previous_20200101T000000Z_x.pem"]`) {
		t.Errorf("%d %s", code, out)
	}
}
