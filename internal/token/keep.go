package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// User is the reserved user under whom tokens are stored, one document each by
// id. No JID has this key.
const User = "\x01tokens"

const (
	docVersion = 1
	// maxTokens bounds what is kept; every page and bot of a large site has one.
	maxTokens = 10000
	// sweepAfter is how long a token that has expired stays in the list.
	sweepAfter = 7 * 24 * time.Hour
)

// The errors of changes beside ErrInvalid. Errors of the store wrap
// engine.ErrRefused.
var (
	ErrUnknown = errors.New("there is no such token; \"presenced token list\" shows which there are")
	ErrTooMany = fmt.Errorf("there are %d tokens, the most there may be; revoke some first", maxTokens)
)

// Options are what a Keep needs.
type Options struct {
	Store  engine.Store
	Domain presence.Addr // the component's own
	Log    *slog.Logger
	// Rate is how many presences a second a token may ask for, and Burst how many
	// at once.
	Rate, Burst int
}

// Keep holds all tokens. Its methods are safe for many goroutines.
type Keep struct {
	o      Options
	change sync.Mutex // one change at a time, until it is stored

	mu     sync.RWMutex // guards the fields below
	tokens map[string]*Holder
	pages  map[string]int // how many tokens name an origin
}

// Holder is one token in use.
type Holder struct {
	Token
	Addr  presence.Addr // the principal's
	ended chan struct{}
	hash  digest
	pace  pace
}

// Ended is closed when the token is revoked. Its expiry closes nothing: see
// Expires.
func (h *Holder) Ended() <-chan struct{} { return h.ended }

// Take asks for n presences; a wait other than zero says when to ask again.
func (h *Holder) Take(n int, now time.Time) (wait time.Duration) { return h.pace.take(n, now) }

// Principal is who asks with the token, and by which way.
func (h *Holder) Principal(way engine.Way) engine.Principal {
	return engine.Principal{Addr: h.Addr, JID: h.As, Way: way}
}

// document is a token as stored.
type document struct {
	V int `json:"v"`
	Token
	Hash []byte `json:"hash"` // SHA-256 of the secret
}

// New returns an empty Keep; Load fills it.
func New(o Options) *Keep {
	return &Keep{o: o, tokens: make(map[string]*Holder), pages: make(map[string]int)}
}

// Load takes over what the store holds of User.
func (k *Keep) Load(docs map[string][]byte) error {
	for id, raw := range docs {
		var d document
		if err := json.Unmarshal(raw, &d); err != nil {
			return fmt.Errorf("token %s: %w", id, err)
		}
		if d.V > docVersion {
			return fmt.Errorf("token %s has version %d, this presenced reads up to %d: %w", id, d.V, docVersion, engine.ErrNewerSchema)
		}
		a, err := presence.ParseAddr(d.As)
		if err != nil || len(d.Hash) != len(digest{}) || d.ID != id {
			return fmt.Errorf("token %s: cannot be read; restore the store from a copy", id)
		}
		k.put(k.holder(d.Token, a, digest(d.Hash)))
	}
	return nil
}

// Export returns what a store that kept everything holds of User; nil: nothing.
func (k *Keep) Export() map[string][]byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	docs := make(map[string][]byte, len(k.tokens))
	for id, h := range k.tokens {
		docs[id] = h.encode()
	}
	return docs
}

func (h *Holder) encode() []byte {
	b, err := json.Marshal(document{V: docVersion, Token: h.Token, Hash: h.hash[:]})
	if err != nil {
		panic(fmt.Sprintf("token: a document cannot be rendered: %v", err)) // its types cannot fail
	}
	return b
}

func (k *Keep) holder(t Token, a presence.Addr, d digest) *Holder {
	return &Holder{Token: t, Addr: a, hash: d, ended: make(chan struct{}), pace: newPace(k.o.Rate, k.o.Burst)}
}

func (k *Keep) put(h *Holder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens[h.ID] = h
	for _, o := range h.Origins {
		k.pages[o]++
	}
}

// drop ends tokens.
func (k *Keep) drop(ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		h := k.tokens[id]
		if h == nil {
			continue
		}
		delete(k.tokens, id)
		close(h.ended)
		for _, o := range h.Origins {
			if k.pages[o]--; k.pages[o] == 0 {
				delete(k.pages, o)
			}
		}
	}
}

// Check finds the holder of a token's text. ok is false for one that never was,
// was revoked or has expired; which of them is not told.
func (k *Keep) Check(text string, now time.Time) (*Holder, bool) {
	id, secret, shaped := split(text)
	k.mu.RLock()
	h := k.tokens[id]
	k.mu.RUnlock()
	want := &digest{}
	if h != nil {
		want = &h.hash
	}
	if same := want.is(secret); !same || !shaped || h == nil || !now.Before(h.Expires) {
		return nil, false
	}
	return h, true
}

// Page reports whether any token may be used from pages of the origin.
func (k *Keep) Page(origin string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.pages[origin] > 0
}

// List returns all tokens, the latest last.
func (k *Keep) List() []Token {
	k.mu.RLock()
	defer k.mu.RUnlock()
	list := make([]Token, 0, len(k.tokens))
	for _, h := range k.tokens {
		list = append(list, h.Token)
	}
	slices.SortFunc(list, func(a, b Token) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Create makes a token and returns its text, which nothing tells again and which
// is worth nothing beside an error. The error wraps ErrInvalid, ErrTooMany or engine.ErrRefused.
func (k *Keep) Create(ctx context.Context, r Request, now time.Time) (Token, string, error) {
	t, a, err := r.check(k.o.Domain, now)
	if err != nil {
		return t, "", err
	}
	k.change.Lock()
	defer k.change.Unlock()
	docs := make(map[string][]byte)
	k.mu.RLock()
	for id, h := range k.tokens {
		if now.Sub(h.Expires) > sweepAfter {
			docs[id] = nil
		}
	}
	full := len(k.tokens)-len(docs) >= maxTokens
	k.mu.RUnlock()
	if full {
		return t, "", ErrTooMany
	}
	old := slices.Collect(maps.Keys(docs))
	id, text, d := mint()
	t.ID = id
	h := k.holder(t, a, d)
	docs[id] = h.encode()
	return t, text, k.save(ctx, docs, func() { k.drop(old); k.put(h) })
}

// Revoke ends a token. The error wraps ErrUnknown or engine.ErrRefused.
func (k *Keep) Revoke(ctx context.Context, id string) error {
	k.change.Lock()
	defer k.change.Unlock()
	k.mu.RLock()
	_, there := k.tokens[id]
	k.mu.RUnlock()
	if !there {
		return ErrUnknown
	}
	return k.save(ctx, map[string][]byte{id: nil}, func() { k.drop([]string{id}) })
}

// Forget ends every token of a principal, named by the key of its address, and
// has that stored.
func (k *Keep) Forget(key string) {
	docs := make(map[string][]byte)
	k.mu.RLock()
	for id, h := range k.tokens {
		if h.Addr.Key() == key {
			docs[id] = nil
		}
	}
	k.mu.RUnlock()
	if len(docs) == 0 {
		return
	}
	k.drop(slices.Collect(maps.Keys(docs)))
	k.o.Store.Save(engine.Write{User: User, Docs: docs}, func(err error) {
		if err != nil {
			k.o.Log.Error("tokens of an erased user could not be removed from the store; revoke them after the next start", "error", err)
		}
	})
}

// save stores documents and waits until they are durable and in force. What
// becomes durable after ctx has ended is in force then.
func (k *Keep) save(ctx context.Context, docs map[string][]byte, commit func()) error {
	done := make(chan error, 1) // the store calls back once, whoever still listens
	k.o.Store.Save(engine.Write{User: User, Docs: docs}, func(err error) {
		if err == nil {
			commit()
		}
		done <- err
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w in time; look whether it was made before trying again: %w", engine.ErrRefused, ctx.Err())
	}
}
