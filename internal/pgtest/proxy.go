package pgtest

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

// Proxy stands between a program and its database. It counts the messages of clients by their type, and ends connections where
// a test wants it, as a crash of either would.
type Proxy struct {
	URL string // of the database, through the proxy

	listener net.Listener
	server   string

	mutex    sync.Mutex
	messages map[byte]int
	accepted int
	open     map[net.Conn]bool
	left     int    // exchanges until the cut; negative: none is planned
	refusal  string // SQLSTATE that every newcomer is sent away with
	steps    []string
	traps    []*Trap
}

// NewProxy stands in front of the database of a connection string until the test ends.
func NewProxy(t testing.TB, direct string) *Proxy {
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
	p := &Proxy{server: filepath.Join(query.Get("host"), name), messages: map[byte]int{}, open: map[net.Conn]bool{}, left: -1}
	query.Set("host", dir)
	address.RawQuery = query.Encode()
	p.URL = address.String()
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
		p.Leave()
		running.Wait()
	})
	return p
}

// CutAfter lets so many exchanges of statements and answers pass, on all connections together, and ends every connection at
// the next: the server does not get to see it.
func (p *Proxy) CutAfter(exchanges int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.left = exchanges
}

// Stop plans no cut any more and reports whether one was due and has not come.
func (p *Proxy) Stop() (pending bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	pending, p.left = p.left >= 0, -1
	return pending
}

// passes counts a message and reports whether it goes through. An exchange ends with a Sync or is a simple query.
func (p *Proxy) passes(kind byte) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.messages[kind]++
	switch {
	case kind != 'S' && kind != 'Q':
		return true
	case p.left < 0:
		return true
	case p.left == 0:
		p.left = -1
		return false
	}
	p.left--
	return true
}

// Refuse makes the proxy answer newcomers with an error, as a server does that starts up.
func (p *Proxy) Refuse(code string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusal = code
}

// Leave closes everything: from now on nobody answers here.
func (p *Proxy) Leave() {
	_ = p.listener.Close()
	p.Cut()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, trap := range p.traps {
		trap.Release()
	}
}

// Count returns how often clients sent a type of message since the last Reset.
func (p *Proxy) Count(kind byte) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.messages[kind]
}

// Reset begins to count messages anew.
func (p *Proxy) Reset() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	clear(p.messages)
}

// Connections is how many clients have come.
func (p *Proxy) Connections() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.accepted
}

// Cut ends the open connections, as a server that restarts does.
func (p *Proxy) Cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *Proxy) carry(client net.Conn) {
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
	conversation := &conversation{titles: map[string]string{}}
	var back sync.WaitGroup
	back.Go(func() {
		p.back(client, server, conversation)
		_ = client.Close()
	})
	p.forward(client, server, conversation)
	_ = server.Close()
	back.Wait()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.open, client)
	delete(p.open, server)
}

// forward passes messages on and counts them; the first one has no type.
func (p *Proxy) forward(client io.Reader, server io.Writer, conversation *conversation) {
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
		if !first && !p.passes(head[0]) {
			p.Cut()
			return
		}
		if !first {
			p.follow(conversation, head[0], body)
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}
