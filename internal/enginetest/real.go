package enginetest

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// EmulatedAccount is the account of the AWS emulator, whatever the credentials.
const EmulatedAccount = "123456789012"

// realVariable names the interpreter that has the engine and the emulator; see make test-engine.
const realVariable = "PALISADE_TEST_ENGINE_PYTHON"

// emulation runs the emulator until its standard input ends, and so no longer than the test, however that ends.
const emulation = `
import os, sys, threading
from moto.server import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
`

// Real returns the interpreter that has the real engine and the AWS emulator, or skips the test.
func Real(t testing.TB) string {
	t.Helper()
	interpreter := os.Getenv(realVariable)
	if interpreter == "" {
		t.Skip(realVariable + " names no interpreter that has prowler and moto")
	}
	return interpreter
}

// Emulator starts an AWS emulator on a free port of the loopback, until the test ends, and returns its URL.
func Emulator(t testing.TB, interpreter string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	_ = listener.Close()
	command := exec.Command(interpreter, "-c", emulation, fmt.Sprint(address.Port))
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	for {
		if response, err := http.Get("http://" + address.String() + "/moto-api/"); err == nil {
			_ = response.Body.Close()
			return "http://" + address.String()
		}
		select {
		case <-ended:
			t.Fatal("the AWS emulator did not start")
		case <-time.After(100 * time.Millisecond):
		}
	}
}
