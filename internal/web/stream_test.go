package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// event is one message of a stream.
type event struct{ id, name, data string }

// events reads a stream in the background.
type events struct {
	t     *testing.T
	head  http.Header
	said  chan event // closed with the stream
	close func()
}

// open begins a stream of the users as the principal.
func (s *site) open(addr, as, last string, users ...string) *events {
	s.Helper()
	return s.openAt("http://"+addr+"/v1/stream?"+url.Values{"user": users}.Encode(), as, last)
}

// openAt begins the stream at an address.
func (s *site) openAt(target, as, last string) *events {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", target, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens[as])
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		s.Fatalf("the stream begins with %d %v", res.StatusCode, res.Header)
	}
	e := &events{t: s.T, head: res.Header, said: make(chan event, 1000)}
	done := make(chan struct{})
	e.close = func() { cancel(); <-done }
	s.Cleanup(e.close)
	go func() {
		defer close(done)
		defer close(e.said)
		var one event
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "id":
				one.id = value
			case "event":
				one.name = value
			case "data":
				one.data = value
			case "":
				if one.data != "" {
					e.said <- one
				}
				one = event{}
			}
		}
	}()
	return e
}

// next returns the next message; "" when the stream has ended.
func (e *events) next() event {
	e.t.Helper()
	select {
	case one := <-e.said:
		return one
	case <-time.After(patience):
		e.t.Fatal("the stream is silent")
		return event{}
	}
}

// expect reads one message about a user.
func (e *events) expect(user string, availability int) event {
	e.t.Helper()
	one := e.next()
	var p struct {
		User         string
		Availability int
	}
	if json.Unmarshal([]byte(one.data), &p) != nil || p.User != user || p.Availability != availability || one.name != "presence" {
		e.t.Errorf("told %+v, want %s %d", one, user, availability)
	}
	return one
}

// silent fails when something was said before the marker, a change of bob that
// the stream follows as well.
func (s *site) marker(e *events, n int) {
	s.Helper()
	s.apply(bob, engine.SetNote{Text: fmt.Sprint(n)})
	one := e.next()
	if !strings.Contains(one.data, fmt.Sprintf(`"notePersonal":"%d"`, n)) {
		s.Errorf("told %+v, want nothing before the change that marks the end", one)
	}
}

// withBob has bob enrolled and online too, who follows himself to mark instants.
func (s *site) withBob() {
	s.Helper()
	s.online()
	s.apply(bob, engine.Enable{})
	j, _ := presence.ParseJID(bob + "/desk")
	s.e.Device(engine.Device{User: j})
	s.apply(bob, engine.ClearState{})
}

func TestStream_NowAndThenEachChange(t *testing.T) {
	s := newSite(t)
	s.withBob()
	addr := s.listen()
	e := s.open(addr, bob, "", alice)
	first := e.expect(alice, 3500)
	var v any
	if err := json.Unmarshal([]byte(first.data), &v); err != nil {
		t.Fatal(err)
	}
	if err := s.told.valid(map[string]any{"$ref": "#/components/schemas/Presence"}, v, "$"); err != nil {
		t.Errorf("not as described: %v", err)
	}
	if got := s.ask(bob, "GET", "/v1/presence/"+alice, "").body; got != first.data {
		t.Errorf("the stream tells %s\na question %s", first.data, got)
	}
	s.device(presence.ShowDND, false)
	second := e.expect(alice, 9500)
	if first.id == second.id {
		t.Error("two messages with one id")
	}
	s.device(presence.ShowNone, true)
	e.expect(alice, 18500)
}

func TestStream_HiddenChangesAreNoMessagesAndCountNothing(t *testing.T) {
	s := newSite(t)
	s.withBob()
	s.apply(alice, engine.Block{JID: bob})
	e := s.open(s.listen(), bob, "", alice, "nobody@example.org", bob)
	ids := []string{}
	for range 3 {
		ids = append(ids, e.next().id)
	}
	s.device(presence.ShowDND, false)
	s.apply(alice, engine.SetNote{Text: "x"})
	s.apply(alice, engine.Disable{})
	s.apply(bob, engine.SetNote{Text: "1"})
	one := e.next()
	if !strings.Contains(one.data, `"notePersonal":"1"`) {
		t.Errorf("told %+v of somebody hidden", one)
	}
	epoch, _, _ := strings.Cut(one.id, "-")
	if want := []string{epoch + "-1", epoch + "-2", epoch + "-3"}; !slices.Equal(ids, want) || one.id != epoch+"-4" {
		t.Errorf("ids %v and then %s: they count more than was told", ids, one.id)
	}
}

func TestStream_ComesBackToWhatChanged(t *testing.T) {
	s := newSite(t)
	s.withBob()
	addr := s.listen()
	e := s.open(addr, bob, "", alice, bob)
	e.next()
	last := e.next().id
	e.close()
	s.device(presence.ShowDND, false)
	e = s.open(addr, bob, last, alice, bob)
	last = e.expect(alice, 9500).id
	s.marker(e, 1)
	e.close()
	for why, id := range map[string]string{"of another run": "0123456789ab-99", "nonsense": "x", "overflow": "a-99999999999999999999999"} {
		e = s.open(addr, bob, id, alice)
		if got := e.expect(alice, 9500); got.id != last {
			t.Errorf("an id %s: the same state now has the id %s, had %s", why, got.id, last)
		}
		e.close()
	}
	e = s.open(addr, fred, last, alice)
	e.expect(alice, 9500) // an id of somebody else means nothing
}

func TestStream_OneUserByTwoNamesIsToldTwice(t *testing.T) {
	s := newSite(t)
	s.withBob()
	e := s.open(s.listen(), bob, "", alice, "a.smith@corp.example", "ALICE@example.org")
	for range 2 {
		names := []string{}
		for range 3 {
			var p struct{ User string }
			_ = json.Unmarshal([]byte(e.next().data), &p)
			names = append(names, p.User)
		}
		slices.Sort(names)
		if want := []string{"ALICE@example.org", "a.smith@corp.example", alice}; !slices.Equal(names, want) {
			t.Errorf("told of %v, want %v", names, want)
		}
		s.device(presence.ShowDND, false)
	}
}

func TestStream_EndsWithItsToken(t *testing.T) {
	s := newSite(t)
	s.withBob()
	addr := s.listen()
	e := s.open(addr, bob, "", alice)
	e.next()
	for _, tok := range s.o.Tokens.List() {
		if tok.As == bob {
			if err := s.o.Tokens.Revoke(t.Context(), tok.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if one := e.next(); one.data != "" {
		t.Errorf("after the revocation: %+v", one)
	}
}

func TestStream_EndsWithTheServer(t *testing.T) {
	s := newSite(t)
	s.withBob()
	e := s.open(s.listen(), bob, "", alice)
	e.next()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if one := e.next(); one.data != "" {
		t.Errorf("after the end: %+v", one)
	}
}

// pipes is a listener whose connections have no buffer at all.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestStream_WhoReadsNothingIsCutOff, and nobody else waits for him.
func TestStream_WhoReadsNothingIsCutOff(t *testing.T) {
	s := newSite(t)
	s.withBob()
	s.stalled = 300 * time.Millisecond
	addr := s.listen()
	l := make(pipes, 1)
	defer close(l)
	s.serve.Go(func() { _ = s.http.Serve(l) })
	here, there := net.Pipe()
	defer here.Close()
	l <- there
	if _, err := fmt.Fprintf(here, "GET /v1/stream?user=%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", bob, s.tokens[bob]); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	e := s.open(addr, bob, "", bob)
	e.next()
	for i := range 3 {
		s.marker(e, i)
	}
	for limit := time.Now().Add(patience); s.streams.Load() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the stream nobody reads is still open")
		}
	}
}

// TestHub_KeepsTheLatestForASlowReader: what waits is bounded by the users he
// follows, not by what happens to them.
func TestHub_KeepsTheLatestForASlowReader(t *testing.T) {
	var tell func(*presence.View)
	h := newHub(nil, func(v *presence.View) []byte { return fmt.Append(nil, v.Availability) }, nil)
	ends := 0
	h.follow = func(_ want, told func(*presence.View)) (following, error) {
		tell = told
		return closer(func() { ends++ }), nil
	}
	who := engine.Principal{Addr: presence.MustAddr(bob)}
	r, err := h.join([]want{{who: who, subject: subject{user: presence.MustAddr(alice)}}}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		tell(&presence.View{Availability: presence.Availability(3000 + i)})
		h.publish()
	}
	got := h.take(r, nil)
	if len(got) != 1 || string(got[0].body) != "3999" || got[0].id != 1000 {
		t.Errorf("waiting are %v", got)
	}
	tell(&presence.View{Availability: 3999})
	h.publish()
	if got := h.take(r, nil); len(got) != 0 {
		t.Errorf("told again what did not change: %v", got)
	}
	h.leave(r)
	h.sweep(time.Now().Add(linger / 2))
	if ends != 0 {
		t.Error("nothing is kept for one who comes back")
	}
	h.sweep(time.Now().Add(linger + time.Second))
	if ends != 1 || len(h.askers) != 0 || h.topics != 0 {
		t.Errorf("left behind: %d ended, %d askers, %d topics", ends, len(h.askers), h.topics)
	}
}

type closer func()

func (c closer) Close() { c() }
