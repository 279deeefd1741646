package pgtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
)

// Trap holds one exchange of statements and answers between a program and its database until it is released.
type Trap struct {
	// Reached is closed when the exchange is held.
	Reached chan struct{}

	step     string
	left     int  // how many like it pass before
	answered bool // the server has done it, and the program does not know
	released chan struct{}
	release  func()
}

// Release lets the exchange go on, if the connection is still there.
func (t *Trap) Release() { t.release() }

// Hold sets a trap: the exchange of that name (see Steps), after so many like it, is held before the server sees it, or, if
// answered, before the program sees the answer.
func (p *Proxy) Hold(step string, after int, answered bool) *Trap {
	trap := &Trap{Reached: make(chan struct{}), step: step, left: after, answered: answered, released: make(chan struct{})}
	trap.release = sync.OnceFunc(func() { close(trap.released) })
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.traps = append(p.traps, trap)
	return trap
}

// Steps are the exchanges so far, in their order, each by the names of its queries; the end of a transaction is "commit after" the
// last of them. Those outside a scope, as the queue's own, are not among them.
func (p *Proxy) Steps() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.steps)
}

// conversation is what is known of one connection.
type conversation struct {
	titles map[string]string // of prepared statements, by their names
	now    []string          // queries of the exchange that is being sent

	mutex   sync.Mutex
	scoped  bool    // the transaction has a scope
	last    string  // step in the transaction
	waiting []*Trap // of the exchanges that the server has not answered; nil for none
}

// scopeTitle is the title of the statement that opens a scope.
const scopeTitle = "*scope*"

// titleOf is the name that a statement begins with.
func titleOf(statement string) string {
	if strings.HasPrefix(statement, "-- Purpose: open a scope") {
		return scopeTitle
	}
	rest, named := strings.CutPrefix(statement, "-- name: ")
	if !named {
		return ""
	}
	title, _, _ := strings.Cut(rest, " ")
	return title
}

// follow keeps track of what the client says and holds it where a trap is.
func (p *Proxy) follow(c *conversation, kind byte, body []byte) {
	switch kind {
	case 'P':
		name, rest, _ := bytes.Cut(body, []byte{0})
		statement, _, _ := bytes.Cut(rest, []byte{0})
		c.titles[string(name)] = titleOf(string(statement))
	case 'B':
		_, rest, _ := bytes.Cut(body, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		switch title := c.titles[string(name)]; title {
		case scopeTitle:
			c.mutex.Lock()
			c.scoped = true
			c.mutex.Unlock()
		case "":
		default:
			c.now = append(c.now, title)
		}
	case 'S', 'Q':
		p.exchange(c, kind, body)
	}
}

func (p *Proxy) exchange(c *conversation, kind byte, body []byte) {
	text := string(bytes.TrimRight(body, "\x00")) // of a simple query
	if title := titleOf(text); title != "" {
		c.now = append(c.now, title)
	}
	name := strings.Join(c.now, "+")
	c.now = nil
	ends := kind == 'Q' && (text == "commit" || text == "rollback")
	c.mutex.Lock()
	scoped := c.scoped
	if ends && c.last != "" {
		name = text + " after " + c.last
	} else if name != "" {
		c.last = name
	}
	c.mutex.Unlock()
	var trap *Trap
	if scoped && name != "" {
		trap = p.trapAt(name)
	}
	if trap != nil && !trap.answered {
		trap.hold()
		trap = nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting = append(c.waiting, trap)
}

func (t *Trap) hold() {
	close(t.Reached)
	<-t.released
}

// trapAt notes a step and returns the trap that is set there.
func (p *Proxy) trapAt(name string) *Trap {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.steps = append(p.steps, name)
	for _, trap := range p.traps {
		if trap.step != name {
			continue
		}
		if trap.left--; trap.left == -1 {
			return trap
		}
	}
	return nil
}

// back passes the server's messages on, and holds an answer where a trap is.
func (p *Proxy) back(client io.Writer, server net.Conn, c *conversation) {
	reader := bufio.NewReader(server)
	var held []byte
	for {
		message := make([]byte, 5)
		if _, err := io.ReadFull(reader, message); err != nil {
			return
		}
		message = append(message, make([]byte, binary.BigEndian.Uint32(message[1:])-4)...)
		if _, err := io.ReadFull(reader, message[5:]); err != nil {
			return
		}
		trap := c.answered(message[0] == 'Z')
		if message[0] == 'Z' && message[5] == 'I' {
			c.idle()
		}
		held = append(held, message...)
		if trap != nil && message[0] != 'Z' {
			continue
		}
		if trap != nil {
			trap.hold()
		}
		if _, err := client.Write(held); err != nil {
			return
		}
		held = held[:0]
	}
}

// idle ends the transaction: the next statement begins another one.
func (c *conversation) idle() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.scoped, c.last = false, ""
}

// answered is the trap for the exchange that is being answered; ready says that this is the end of the answer.
func (c *conversation) answered(ready bool) *Trap {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	trap := c.waiting[0]
	if ready {
		c.waiting = c.waiting[1:]
	}
	return trap
}
