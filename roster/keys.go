package roster

import (
	"cmp"
	"slices"
	"unique"

	"presenced/internal/presence"
)

// keys holds distinct addresses in order. A daemon meets the same address in the
// roster and among the watchers of dozens of users, so each is kept once and a
// place in a list costs one word (PERFORMANCE 12). A list is never changed in
// place: copies may share it.
type keys []unique.Handle[string]

// pack makes keys of sorted, distinct addresses.
func pack(addrs []presence.Addr) keys {
	if len(addrs) == 0 {
		return nil
	}
	k := make(keys, len(addrs))
	for i, a := range addrs {
		k[i] = unique.Make(a.Key())
	}
	return k
}

func (k keys) at(i int) string { return k[i].Value() }

// addr returns the i-th address.
func (k keys) addr(i int) presence.Addr {
	a, _ := presence.AddrFromKey(k.at(i)) // it was a key when it was packed
	return a
}

// find returns where a stands, or where it would be put.
func (k keys) find(a presence.Addr) (int, bool) {
	return slices.BinarySearchFunc(k, a.Key(), func(h unique.Handle[string], key string) int {
		return cmp.Compare(h.Value(), key)
	})
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
