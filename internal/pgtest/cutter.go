package pgtest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Cutter stands between a program and its database and ends the connection where a test wants it: as a crash of either would.
type Cutter struct {
	URL string // of the database, through the cutter

	server string
	mutex  sync.Mutex
	left   int // exchanges until the cut; negative: none is planned
	open   map[net.Conn]bool
}

// NewCutter stands in front of the database of a connection string until the test ends.
func NewCutter(t testing.TB, direct string) *Cutter {
	t.Helper()
	address, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pc") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	query := address.Query()
	name := ".s.PGSQL." + query.Get("port")
	c := &Cutter{server: filepath.Join(query.Get("host"), name), left: -1, open: map[net.Conn]bool{}}
	query.Set("host", dir)
	address.RawQuery = query.Encode()
	c.URL = address.String()
	listener, err := net.Listen("unix", filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.carry(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		running.Wait()
	})
	return c
}

// CutAfter lets so many exchanges of statements and answers pass, on all connections together, and ends every connection at
// the next: the server does not get to see it.
func (c *Cutter) CutAfter(exchanges int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.left = exchanges
}

// Stop plans no cut any more and reports whether one was due and has not come.
func (c *Cutter) Stop() (pending bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	pending, c.left = c.left >= 0, -1
	return pending
}

// passes counts an exchange and reports whether it goes through.
func (c *Cutter) passes() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch {
	case c.left < 0:
		return true
	case c.left == 0:
		c.left = -1
		return false
	}
	c.left--
	return true
}

func (c *Cutter) cut() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}

func (c *Cutter) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("unix", c.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	c.mutex.Lock()
	c.open[client], c.open[server] = true, true
	c.mutex.Unlock()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	c.forward(client, server)
	_ = server.Close()
	back.Wait()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.open, client)
	delete(c.open, server)
}

// forward passes messages on; the first one has no type. An exchange ends with a Sync or is a simple query.
func (c *Cutter) forward(client io.Reader, server io.Writer) {
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
		if !first && (head[0] == 'S' || head[0] == 'Q') && !c.passes() {
			c.cut()
			return
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}
