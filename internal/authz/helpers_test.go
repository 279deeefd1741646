package authz

import (
	"bytes"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/policy"
)

func id(n byte) uuid.UUID { return uuid.UUID{15: n} }

func ids(all ...byte) []uuid.UUID {
	list := make([]uuid.UUID, len(all))
	for i, n := range all {
		list[i] = id(n)
	}
	return list
}

// subject is a user with the given roles.
func subject(roles ...Role) Subject {
	return Subject{TenantID: id(200), UserID: id(201), Roles: roles}
}

// shipped is the embedded policy, to be changed at will.
func shipped(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(policy.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := policy.FS.ReadFile(name)
		files[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// with returns the policy with one more file, or with another content for one.
func with(files fstest.MapFS, name, content string) fstest.MapFS {
	changed := fstest.MapFS{name: {Data: []byte(content)}}
	for other, file := range files {
		if other != name {
			changed[other] = file
		}
	}
	return changed
}

// replaced returns the policy with a text of one file replaced; the text has to be there.
func replaced(t testing.TB, files fstest.MapFS, name, old, fresh string) fstest.MapFS {
	t.Helper()
	content := string(files[name].Data)
	if !strings.Contains(content, old) {
		t.Fatalf("%s does not contain %q", name, old)
	}
	return with(files, name, strings.ReplaceAll(content, old, fresh))
}

// showing is the shipped policy with one more visibility rule.
func showing(t testing.TB, body string) fstest.MapFS {
	t.Helper()
	return with(shipped(t), "visibility/extra.rego",
		"package palisade.visibility\n\n# METADATA\n# description: One more.\ninclude[\"more\"] if {\n\t"+strings.ReplaceAll(body, "\n", "\n\t")+"\n}\n")
}

// whole is a policy without a layer.
func whole(files fs.FS) Folders { return Folders{Base: files} }

// over is a layer over the shipped policy.
func over(files fstest.MapFS) Folders { return Folders{Base: policy.FS, Layer: files} }

// layer is a folder of files with these contents.
func layer(contents map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, content := range contents {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return files
}

func load(t testing.TB, files fs.FS) *Snapshot {
	t.Helper()
	return loadFolders(t, whole(files))
}

func loadFolders(t testing.TB, folders Folders) *Snapshot {
	t.Helper()
	snapshot, err := Load(t.Context(), folders)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// record is a logger's output, safe to write to from several goroutines.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }
