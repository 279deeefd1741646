package pipeline_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// proxy stands between a pool and the server, counts the messages of clients by their type and can go away.
type proxy struct {
	url      string
	listener net.Listener
	server   string

	mutex    sync.Mutex
	messages map[byte]int
	accepted int
	open     map[net.Conn]bool
	refusal  string // SQLSTATE that every newcomer is sent away with
}

// newProxy listens in front of the server of a connection string.
func newProxy(t *testing.T, direct string) *proxy {
	t.Helper()
	address, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pp") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	query := address.Query()
	name := ".s.PGSQL." + query.Get("port")
	p := &proxy{server: filepath.Join(query.Get("host"), name), messages: map[byte]int{}, open: map[net.Conn]bool{}}
	query.Set("host", dir)
	address.RawQuery = query.Encode()
	p.url = address.String()
	if p.listener, err = net.Listen("unix", filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.carry(client) })
		}
	})
	t.Cleanup(func() {
		p.leave()
		running.Wait()
	})
	return p
}

// refuse makes the proxy answer newcomers with an error, as a server does that starts up.
func (p *proxy) refuse(code string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusal = code
}

// leave closes everything: from now on nobody answers here.
func (p *proxy) leave() {
	_ = p.listener.Close()
	p.cut()
}

// cut ends the open connections, as a server that restarts does.
func (p *proxy) cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

// count returns how often clients sent a type of message since the last call.
func (p *proxy) count(kind byte) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.messages[kind]
}

func (p *proxy) reset() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	clear(p.messages)
}

func (p *proxy) connections() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.accepted
}

func (p *proxy) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("unix", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.mutex.Lock()
	p.accepted++
	p.open[client], p.open[server] = true, true
	refusal := p.refusal
	p.mutex.Unlock()
	if refusal != "" {
		message := fmt.Appendf(nil, "SFATAL\x00C%s\x00Mgo away\x00\x00", refusal)
		head := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(message)+4))
		_, _ = client.Write(append(head, message...))
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	p.forward(client, server)
	_ = server.Close()
	back.Wait()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.open, client)
	delete(p.open, server)
}

// forward passes messages on and counts them; the first one has no type.
func (p *proxy) forward(client io.Reader, server io.Writer) {
	reader := bufio.NewReader(client)
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(reader, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(reader, body); err != nil {
			return
		}
		if !first {
			p.mutex.Lock()
			p.messages[head[0]]++
			p.mutex.Unlock()
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}
