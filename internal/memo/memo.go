// Package memo keeps what was made from content that never changes, up to a number of bytes; what was not asked for the longest
// goes first.
//
// A key must name content, not a place whose content may change, and whoever asks must have been shown that key by the database
// in the scope of the request. What does not belong here: anything that may go stale, and anything about one person.
package memo

import (
	"container/list"
	"sync"
)

// Memo is safe for use by several goroutines. Its values are shared and must not be changed.
type Memo[K comparable, V any] struct {
	limit int

	mutex sync.Mutex
	size  int
	order list.List // of *kept; the last one asked for is in front
	byKey map[K]*list.Element
}

type kept[K comparable, V any] struct {
	key   K
	value V
	size  int
}

// overhead is what keeping a value costs beside it, about.
const overhead = 200

// New returns a Memo of so many bytes.
func New[K comparable, V any](limit int) *Memo[K, V] {
	return &Memo[K, V]{limit: limit, byKey: make(map[K]*list.Element)}
}

// Get returns what is kept under a key.
func (m *Memo[K, V]) Get(key K) (value V, ok bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	element, ok := m.byKey[key]
	if !ok {
		return value, false
	}
	m.order.MoveToFront(element)
	return element.Value.(*kept[K, V]).value, true
}

// Put keeps a value of so many bytes. One that is larger than a quarter of the room is not kept: it would push out too much.
func (m *Memo[K, V]) Put(key K, value V, size int) {
	size += overhead
	if size > m.limit/4 {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if _, known := m.byKey[key]; known {
		return
	}
	m.byKey[key] = m.order.PushFront(&kept[K, V]{key: key, value: value, size: size})
	for m.size += size; m.size > m.limit; {
		last := m.order.Remove(m.order.Back()).(*kept[K, V])
		delete(m.byKey, last.key)
		m.size -= last.size
	}
}
