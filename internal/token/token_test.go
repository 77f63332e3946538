package token

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// shelf is a store that keeps the documents of one user.
type shelf struct {
	engine.Store
	mu   sync.Mutex
	docs map[string][]byte
	fail error
	hold bool // nothing is acknowledged
	late []func(error)
}

func (s *shelf) Save(w engine.Write, done func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold {
		s.late = append(s.late, done)
		return
	}
	if s.fail == nil {
		for name, doc := range w.Docs {
			if s.docs[name] = doc; doc == nil {
				delete(s.docs, name)
			}
		}
	}
	done(s.fail)
}

func newKeep(t *testing.T) (*Keep, *shelf) {
	t.Helper()
	s := &shelf{docs: map[string][]byte{}}
	return New(Options{Store: s, Domain: presence.MustAddr("presence.example.org"), Log: slog.New(slog.DiscardHandler), Rate: 10, Burst: 20}), s
}

func (k *Keep) must(t *testing.T, r Request) (Token, string) {
	t.Helper()
	tok, text, err := k.Create(t.Context(), r, noon)
	if err != nil {
		t.Fatal(err)
	}
	return tok, text
}

var usual = Request{As: "Bot@example.org/x", Scopes: []Scope{Read}, Life: time.Hour, Origins: []string{"https://Intranet.example.org:443/"}}

func TestCreate_TextIsToldOnceAndOnlyADigestIsStored(t *testing.T) {
	k, s := newKeep(t)
	tok, text := k.must(t, usual)
	if tok.As != "Bot@example.org" || !tok.Expires.Equal(noon.Add(time.Hour)) || tok.Origins[0] != "https://intranet.example.org" {
		t.Errorf("made %+v", tok)
	}
	h, ok := k.Check(text, noon)
	if !ok || h.Addr != presence.MustAddr("bot@example.org") || !h.Allows(Read) || h.Allows(Claims) || !h.From("https://intranet.example.org") {
		t.Fatalf("Check gave %+v, %v", h, ok)
	}
	secret := text[len(prefix)+idLen+1:]
	for _, doc := range s.docs {
		if bytes.Contains(doc, []byte(secret)) {
			t.Errorf("the store holds the secret: %s", doc)
		}
	}
	if !k.Page("https://intranet.example.org") || k.Page("https://evil.example") {
		t.Error("Page does not tell which origins any token names")
	}
}

func TestCheck_RefusesWhatIsNoTokenAnyMore(t *testing.T) {
	k, _ := newKeep(t)
	tok, text := k.must(t, usual)
	other, _ := k.must(t, usual)
	swapped := prefix + other.ID + text[len(prefix)+idLen:]
	for name, bad := range map[string]string{
		"empty": "", "id alone": prefix + tok.ID, "one bit off": text[:len(text)-2] + flip(text[len(text)-2]) + text[len(text)-1:],
		"another's secret": swapped, "longer": text + "A", "unknown id": strings.Replace(text, tok.ID, strings.Repeat("0", idLen), 1),
		"no secret of an unknown": prefix + strings.Repeat("0", idLen) + "_" + strings.Repeat("A", secretLen),
	} {
		if _, ok := k.Check(bad, noon); ok {
			t.Errorf("%s: %q was taken", name, bad)
		}
	}
	if _, ok := k.Check(text, noon.Add(time.Hour)); ok {
		t.Error("an expired token was taken")
	}
	if _, ok := k.Check(text, noon.Add(time.Hour-time.Nanosecond)); !ok {
		t.Error("a token was refused before its end")
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestRevoke_CountsAtOnceAndEndsWhatRuns(t *testing.T) {
	k, s := newKeep(t)
	tok, text := k.must(t, usual)
	h, _ := k.Check(text, noon)
	s.fail = engine.ErrRefused
	if err := k.Revoke(t.Context(), tok.ID); !errors.Is(err, engine.ErrRefused) {
		t.Fatalf("got %v from a store that refuses", err)
	}
	if _, ok := k.Check(text, noon); !ok {
		t.Error("a revocation that was not stored counts")
	}
	s.fail = nil
	if err := k.Revoke(t.Context(), tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Check(text, noon); ok || len(s.docs) != 0 || k.Page("https://intranet.example.org") {
		t.Error("the revoked token is still there")
	}
	select {
	case <-h.Ended():
	default:
		t.Error("who uses the token was not told")
	}
	if err := k.Revoke(t.Context(), tok.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestRevoke_StoredTooLateCountsAllTheSame(t *testing.T) {
	k, s := newKeep(t)
	tok, text := k.must(t, usual)
	s.hold = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Revoke(ctx, tok.ID); !errors.Is(err, engine.ErrRefused) {
		t.Fatalf("got %v", err)
	}
	s.late[0](nil)
	if _, ok := k.Check(text, noon); ok {
		t.Error("the token outlives its revocation")
	}
}

func TestCreate_RefusesWhatCannotBe(t *testing.T) {
	k, s := newKeep(t)
	for name, change := range map[string]func(*Request){
		"no principal": func(r *Request) { r.As = "" }, "the component": func(r *Request) { r.As = "x@presence.example.org" },
		"no scope": func(r *Request) { r.Scopes = nil }, "scope": func(r *Request) { r.Scopes = []Scope{"admin"} },
		"no life": func(r *Request) { r.Life = 0 }, "for ever": func(r *Request) { r.Life = MaxLife + 1 },
		"path": func(r *Request) { r.Origins = []string{"https://a.example/x"} }, "any": func(r *Request) { r.Origins = []string{"*"} },
		"file": func(r *Request) { r.Origins = []string{"file:///x"} }, "null": func(r *Request) { r.Origins = []string{"null"} },
	} {
		r := usual
		change(&r)
		if _, _, err := k.Create(t.Context(), r, noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	s.fail = engine.ErrRefused
	if _, text, err := k.Create(t.Context(), usual, noon); !errors.Is(err, engine.ErrRefused) {
		t.Errorf("a store that refuses: %v", err)
	} else if _, ok := k.Check(text, noon); ok {
		t.Error("a token that was not stored counts")
	}
	if len(k.List()) != 0 || len(s.docs) != 0 {
		t.Error("something was made all the same")
	}
}

func TestLoad_GivesBackWhatWasStoredAndExported(t *testing.T) {
	k, s := newKeep(t)
	tok, text := k.must(t, usual)
	for name, docs := range map[string]map[string][]byte{"stored": s.docs, "exported": k.Export()} {
		again, _ := newKeep(t)
		if err := again.Load(docs); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if h, ok := again.Check(text, noon); !ok || h.As != tok.As || !again.Page("https://intranet.example.org") {
			t.Errorf("%s: the token is not what it was: %+v", name, h)
		}
	}
	for name, doc := range map[string]string{
		"newer": `{"v":2}`, "no JSON": `{`, "no digest": `{"v":1,"id":"a","as":"b@example.org"}`,
	} {
		again, _ := newKeep(t)
		if err := again.Load(map[string][]byte{"a": []byte(doc)}); err == nil {
			t.Errorf("%s: was loaded", name)
		}
	}
}

func TestForget_EndsTheTokensOfOnePrincipal(t *testing.T) {
	k, s := newKeep(t)
	_, text := k.must(t, usual)
	other := usual
	other.As = "alice@example.org"
	_, kept := k.must(t, other)
	k.Forget(presence.MustAddr("BOT@example.org").Key())
	if _, ok := k.Check(text, noon); ok {
		t.Error("a token outlives its principal")
	}
	if _, ok := k.Check(kept, noon); !ok || len(s.docs) != 1 {
		t.Errorf("others' tokens went too; stored are %d", len(s.docs))
	}
}

func TestCreate_SweepsWhatExpiredLongAgo(t *testing.T) {
	k, s := newKeep(t)
	old, _ := k.must(t, usual)
	if _, _, err := k.Create(t.Context(), usual, noon.Add(time.Hour+sweepAfter+time.Second)); err != nil {
		t.Fatal(err)
	}
	if list := k.List(); len(list) != 1 || list[0].ID == old.ID || len(s.docs) != 1 {
		t.Errorf("left are %+v and %d documents", list, len(s.docs))
	}
}

func TestTake_ABurstAndThenTheRate(t *testing.T) {
	p := newPace(10, 20)
	if p.take(20, noon) != 0 {
		t.Error("the burst was not to be had")
	}
	if wait := p.take(1, noon); wait != 100*time.Millisecond {
		t.Errorf("wait %v for one more, want a tenth of a second", wait)
	}
	if p.take(1, noon.Add(100*time.Millisecond)) != 0 {
		t.Error("after the wait it was still refused")
	}
	if p.take(1000, noon.Add(time.Minute)) != 0 {
		t.Error("more than the burst can never be had")
	}
}
