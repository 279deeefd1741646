package memo_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/palisade-sec/palisade/internal/memo"
)

func TestTheOldestGoesFirst(t *testing.T) {
	t.Parallel()
	m := memo.New[string, int](10_000)
	kept := func(keys ...string) {
		t.Helper()
		for _, key := range []string{"a", "b", "c", "d", "e", "large"} {
			want := false
			for _, one := range keys {
				want = want || one == key
			}
			if _, ok := m.Get(key); ok != want {
				t.Errorf("%s is kept: %t, want %t", key, ok, want)
			}
		}
	}
	for i, key := range []string{"a", "b", "c", "d"} {
		m.Put(key, i, 2000)
	}
	kept("a", "b", "c", "d")
	if value, _ := m.Get("a"); value != 0 {
		t.Errorf("a is %d", value)
	}
	m.Put("a", 7, 2000) // it is the same content, whoever made it
	if value, _ := m.Get("a"); value != 0 {
		t.Errorf("a is %d", value)
	}
	m.Put("e", 4, 2000)
	kept("a", "c", "d", "e")
	m.Put("large", 5, 2400)
	kept("a", "c", "d", "e")
}

func TestItStaysWithinItsRoom(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	m := memo.New[string, int](limit)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			source := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 5000 {
				n := source.IntN(500)
				if value, ok := m.Get(fmt.Sprint(n)); ok && value != n {
					t.Errorf("%d is %d", n, value)
				}
				m.Put(fmt.Sprint(n), n, 10*n)
			}
		})
	}
	wait.Wait()
	size := 0
	for n := range 500 {
		if _, ok := m.Get(fmt.Sprint(n)); ok {
			size += 10 * n
		}
	}
	if size == 0 || size > limit {
		t.Errorf("%d bytes are kept", size)
	}
}
