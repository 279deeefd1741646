package samltest

import (
	"bytes"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

//go:embed pysaml2.py
var pysaml2 string

// realVariable names an interpreter that has pysaml2; xmlsec1 has to be on the path.
const realVariable = "PALISADE_TEST_SAML_PYTHON"

// Real is an identity provider of other hands, pysaml2 and xmlsec1, that says of every browser that it is one person.
type Real struct {
	Metadata string
	folder   string
}

// StartReal runs the provider until the test ends, or skips the test. sign is assertion, response or both.
func StartReal(t testing.TB, address string, attributes map[string]string, sign string) *Real {
	t.Helper()
	interpreter := os.Getenv(realVariable)
	if interpreter == "" {
		t.Skip(realVariable + " names no interpreter that has pysaml2")
	}
	provider := &Real{folder: t.TempDir()}
	key := NewKey(t)
	private, err := x509.MarshalPKCS8PrivateKey(key.private)
	if err != nil {
		t.Fatal(err)
	}
	provider.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	provider.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate.Raw}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	setup, err := json.Marshal(map[string]any{"port": port, "folder": provider.folder, "address": address, "attributes": attributes, "sign": sign})
	if err != nil {
		t.Fatal(err)
	}
	provider.run(t, exec.Command(interpreter, "-c", pysaml2), append(setup, '\n'))
	provider.Metadata = await(t, fmt.Sprintf("http://127.0.0.1:%d/metadata", port))
	return provider
}

// Trust makes the provider answer the service of a metadata document.
func (r *Real) Trust(t testing.TB, metadata []byte) {
	t.Helper()
	r.write(t, "service.xml", metadata)
}

func (r *Real) write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts the process, which ends with its standard input, however the test ends.
func (r *Real) run(t testing.TB, command *exec.Cmd, setup []byte) {
	t.Helper()
	var errors bytes.Buffer
	command.Stderr = &errors
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait() // it ends itself
		if t.Failed() {
			t.Logf("pysaml2: %s", errors.Bytes())
		}
	})
	if _, err := input.Write(setup); err != nil {
		t.Fatal(err)
	}
}

// await is what an address answers, once it does.
func await(t testing.TB, address string) string {
	t.Helper()
	for range 300 {
		answer, err := http.Get(address)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s %s, %v", address, answer.Status, body, err)
		}
		return string(body)
	}
	t.Fatalf("%s does not answer", address)
	return ""
}
