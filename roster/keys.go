package roster

import (
	"cmp"
	"slices"

	"presenced/internal/intern"
	"presenced/internal/presence"
)

// keys holds distinct addresses in order. A daemon meets the same address in the
// roster and among the watchers of dozens of users, so each is kept once and a
// place in a list costs one word (PERFORMANCE 12). A list is never changed in
// place: copies may share it.
type keys []intern.String

// pack makes keys of sorted, distinct addresses.
func pack(addrs []presence.Addr) keys {
	if len(addrs) == 0 {
		return nil
	}
	k := make(keys, len(addrs))
	for i, a := range addrs {
		k[i] = intern.Make(a.Key())
	}
	return k
}

func (k keys) at(i int) string { return *k[i] }

// addr returns the i-th address.
func (k keys) addr(i int) presence.Addr {
	a, _ := presence.AddrFromKey(k.at(i)) // it was a key when it was packed
	return a
}

// find returns where a stands, or where it would be put.
func (k keys) find(a presence.Addr) (int, bool) {
	return slices.BinarySearchFunc(k, a.Key(), func(h intern.String, key string) int {
		return cmp.Compare(*h, key)
	})
}

// absent stands in a list beside keys for an address that has nothing in it.
const absent = 1<<16 - 1

// union returns the addresses of both, in as much memory as they need.
func union(a, b keys) keys {
	merged := make(keys, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := cmp.Compare(a.at(0), b.at(0)); {
		case c < 0:
			merged, a = append(merged, a[0]), a[1:]
		case c > 0:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, a[0]), a[1:], b[1:]
		}
	}
	return slices.Clone(append(append(merged, a...), b...))
}

// same reports whether two lists are one.
func same(a, b keys) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// Share returns a roster and subscriptions that say the same as r and s and have
// their addresses in common, where that is smaller: who watches somebody mostly
// is a contact of hers. Neither is changed.
func Share(r *Roster, s *Subs) (*Roster, *Subs) {
	if r == nil || len(s.keys) == 0 || same(r.keys, s.keys) {
		return r, s
	}
	both := union(r.keys, s.keys)
	if len(both) > maxEntries || 5*len(both) >= 4*(len(r.keys)+len(s.keys)) {
		return r, s
	}
	return r.on(both), s.on(both)
}

// inserted returns a copy of s with v put in at i, no larger than needed.
func inserted[S ~[]T, T any](s S, i int, v T) S {
	out := make(S, 0, len(s)+1)
	return append(append(append(out, s[:i]...), v), s[i:]...)
}

// deleted returns a copy of s without the i-th.
func deleted[S ~[]T, T any](s S, i int) S {
	out := make(S, 0, len(s)-1)
	return append(append(out, s[:i]...), s[i+1:]...)
}
