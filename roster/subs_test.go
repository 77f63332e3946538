package roster

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

var asked = time.Date(2026, 3, 2, 10, 0, 0, 123, time.UTC)

func TestS14_OneStateForAllSpellings(t *testing.T) {
	var s Subs
	s.Put(presence.MustAddr("Bob@Example.org"), Entry{Bare: "Bob@Example.org", Spelling: "Alice@presence.example.org", Standing: Accepted, Lang: "de"})
	e, ok := s.Get(presence.MustAddr("bob@example.ORG"))
	if !ok || e.Bare != "Bob@Example.org" || e.Spelling != "Alice@presence.example.org" || e.Lang != "de" {
		t.Errorf("got %+v, %v", e, ok)
	}
	s.Put(presence.MustAddr("bob@example.org"), Entry{Bare: "bob@example.org", Spelling: `alice\40example.org@presence.example.org`, Standing: Accepted})
	if e, _ := s.Get(presence.MustAddr("bob@example.org")); s.Len() != 1 || e.Spelling != `alice\40example.org@presence.example.org` {
		t.Errorf("%d entries, latest %+v", s.Len(), e)
	}
}

func TestSubs_BareOfNobodyIsAJID(t *testing.T) {
	var s Subs
	a := presence.MustAddr(`d\27artagnan@example.org`)
	s.Put(a, Entry{Standing: Accepted})
	if e, _ := s.Get(a); e.Bare != a.String() {
		t.Errorf("bare %q, want %q", e.Bare, a.String())
	}
}

// TestSubs_IsAMap drives Subs and a map with the same steps, through clones and
// stored documents.
func TestSubs_IsAMap(t *testing.T) {
	entry := rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{
			Spelling: rapid.SampledFrom([]string{"alice@p.test", `alice\40x.test@p.test`, "ALICE@p.test"}).Draw(t, "spelling"),
			Standing: Standing(rapid.IntRange(1, int(numStandings)-1).Draw(t, "standing")),
			Lang:     rapid.SampledFrom([]string{"", "en", "de"}).Draw(t, "lang"),
		}
		if rapid.Bool().Draw(t, "asked") {
			e.AskedAt = asked
		}
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		var s Subs
		want := map[presence.Addr]Entry{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			jid := rapid.SampledFrom(append(pool, "A@x.test", "B@X.test")).Draw(t, "jid")
			a := presence.MustAddr(jid)
			switch rapid.IntRange(0, 4).Draw(t, "op") {
			case 0:
				_, known := want[a]
				delete(want, a)
				if s.Remove(a) != known {
					t.Fatalf("removing %s", jid)
				}
			case 1:
				kept := s.Clone()
				s.Put(a, Entry{Bare: jid, Spelling: "lost@p.test", Standing: Refused})
				s.Remove(presence.MustAddr(pool[0]))
				s = kept
			case 2:
				data, err := json.Marshal(&s)
				if err != nil {
					t.Fatal(err)
				}
				s = Subs{}
				if err := json.Unmarshal(data, &s); err != nil {
					t.Fatalf("%s: %v", data, err)
				}
			default:
				e := entry.Draw(t, "entry")
				e.Bare = jid
				s.Put(a, e)
				want[a] = e
			}
			check(t, &s, want)
		}
	})
}

func check(t *rapid.T, s *Subs, want map[presence.Addr]Entry) {
	got := map[presence.Addr]Entry{}
	var count [numStandings]int
	s.Each(func(a presence.Addr, e Entry) {
		got[a] = e
		count[e.Standing]++
		if s.Standing(a) != e.Standing {
			t.Fatalf("%s: standing %s, entry %+v", a.Key(), s.Standing(a), e)
		}
	})
	if !maps.Equal(got, want) || s.Len() != len(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for st := range numStandings {
		if s.Count(st) != count[st] {
			t.Fatalf("count of %s is %d, want %d", st, s.Count(st), count[st])
		}
	}
}

func TestSubs_StoredDocument(t *testing.T) {
	var s Subs
	s.Put(presence.MustAddr("Bob@x.test"), Entry{Bare: "Bob@x.test", Spelling: "alice@p.test", Standing: Pending, Lang: "en", AskedAt: asked})
	s.Put(presence.MustAddr("a@x.test"), Entry{Bare: "a@x.test", Spelling: "alice@p.test", Standing: Accepted})
	data, err := json.Marshal(&s)
	want := `{"v":1,"subs":[{"jid":"a@x.test","mirror":"alice@p.test","standing":"accepted"},` +
		`{"jid":"Bob@x.test","mirror":"alice@p.test","standing":"pending","lang":"en","asked_at":"2026-03-02T10:00:00.000000123Z"}]}`
	if err != nil || string(data) != want {
		t.Errorf("got %s, %v\nwant %s", data, err, want)
	}
	for _, bad := range []string{
		`{"v":2,"subs":[]}`, `{"subs":[]}`, `[]`, `{"v":1,"subs":[{"jid":"a@b@c","standing":"accepted"}]}`,
		`{"v":1,"subs":[{"jid":"a@b","standing":"friendly"}]}`, `{"v":1,"subs":[{"jid":"a@b","standing":"none"}]}`,
	} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
	if s.Len() != 2 {
		t.Error("a bad document replaced what was known")
	}
}

// TestSubs_DocumentIsWhatEncodingJSONWrites compares with the reflected form, so
// that what older versions stored and what is stored now are one format.
func TestSubs_DocumentIsWhatEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Subs
		want := subsDoc{V: subsVersion, Subs: []entryJS{}}
		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z<>&"\\ -~]*`))
			e := Entry{Bare: text.Draw(t, "bare"), Spelling: text.Draw(t, "spelling"), Standing: Accepted, Lang: text.Draw(t, "lang")}
			if rapid.Bool().Draw(t, "asked") {
				e.AskedAt = asked
			}
			s.Put(presence.MustAddr(rapid.SampledFrom(pool).Draw(t, "jid")), e)
		}
		s.Each(func(_ presence.Addr, e Entry) {
			want.Subs = append(want.Subs, entryJS{e.Bare, e.Spelling, e.Standing.String(), e.Lang, e.AskedAt})
		})
		got, err := s.MarshalJSON()
		text, err2 := json.Marshal(want)
		if err != nil || err2 != nil || string(got) != string(text) {
			t.Fatalf("got  %s %v\nwant %s %v", got, err, text, err2)
		}
	})
	var s Subs
	s.Put(presence.MustAddr("a@x.test"), Entry{Standing: Pending, AskedAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if doc, err := s.MarshalJSON(); err == nil {
		t.Errorf("the year 10000 was written: %s", doc)
	}
}

func TestS10_LimitsOfRequestsAndWatchers(t *testing.T) {
	var s Subs
	l := Limits{Watchers: 3, Requests: 2}
	put := func(i int, st Standing) {
		s.Put(presence.MustAddr(fmt.Sprintf("u%d@x.test", i)), Entry{Standing: st})
	}
	for i := range 2 {
		if s.Room(Pending, l) != nil || s.Room(Accepted, l) != nil {
			t.Fatalf("no room for entry %d", i)
		}
		put(i, Pending)
		put(10+i, Accepted)
	}
	if s.Room(Pending, l) != ErrFull || s.Room(Accepted, l) != nil {
		t.Error("the third request fits, or the third watcher does not")
	}
	put(12, Accepted)
	if s.Room(Accepted, l) != ErrFull {
		t.Error("the fourth watcher fits")
	}
}

func TestSubs_SilentRequestsAreBounded(t *testing.T) {
	var s Subs
	at := func(i int) presence.Addr { return presence.MustAddr(fmt.Sprintf("u%d@x.test", i)) }
	s.Put(at(9999), Entry{Standing: Accepted})
	for i := range maxSilent + 50 {
		s.Put(at(i), Entry{Bare: fmt.Sprintf("U%d@x.test", i), Spelling: fmt.Sprintf("Alice%d@p.test", i), Standing: Refused, AskedAt: asked.Add(time.Duration(i) * time.Minute)})
	}
	if got := s.Count(Refused); got != maxSilent {
		t.Errorf("%d refusals are kept, want %d", got, maxSilent)
	}
	if s.Standing(at(49)) != None || s.Standing(at(50)) != Refused || s.Standing(at(9999)) != Accepted {
		t.Error("not the ones asked longest ago were forgotten")
	}
	if n, room := len(s.words), 3*s.Len()+10; n > room {
		t.Errorf("%d words for %d entries", n, s.Len())
	}
}

func TestSubs_WordsDoNotPileUp(t *testing.T) {
	var s Subs
	a := presence.MustAddr("bob@x.test")
	for i := range 5000 {
		want := Entry{Bare: "bob@x.test", Spelling: fmt.Sprintf("Alice%d@p.test", i), Lang: fmt.Sprint(i), Standing: Accepted}
		s.Put(a, want)
		if got, _ := s.Get(a); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	if len(s.words) > 20 {
		t.Errorf("%d words for one entry", len(s.words))
	}
}

// TestShare_SaysTheSame: a roster and subscriptions that have their addresses in
// common are what they were, and change apart from those they were made of.
func TestShare_SaysTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New(drawContacts(t, "contacts"), "")
		s, want := new(Subs), map[presence.Addr]Entry{}
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			jid := rapid.SampledFrom(pool).Draw(t, "jid")
			e := Entry{
				Bare: jid, Spelling: rapid.SampledFrom([]string{"alice@p.test", "ALICE@p.test"}).Draw(t, "spelling"),
				Standing: Standing(rapid.IntRange(0, int(numStandings)-1).Draw(t, "standing")),
			}
			s.Put(presence.MustAddr(jid), e)
			if want[presence.MustAddr(jid)] = e; e.Standing == None {
				delete(want, presence.MustAddr(jid))
			}
			shared, other := Share(r, s)
			if !shared.Equal(r) || !r.Equal(shared) || shared.Len() != r.Len() {
				t.Fatalf("%+v became %+v", r, shared)
			}
			check(t, other, want)
			for row := range other.Rows() {
				e, ok := other.At(row)
				if at, known := other.Row(other.Addr(row)); ok != known || known && at != row || e != want[other.Addr(row)] {
					t.Fatalf("row %d is %+v, %v; found at %d, %v", row, e, ok, at, known)
				}
			}
			if again, others := Share(shared, other); again != shared || others != other {
				t.Fatal("shared once more")
			}
			changed := other.Clone()
			changed.Put(presence.MustAddr("b@x.test"), Entry{Spelling: "other@p.test", Standing: Refused})
			changed.Remove(presence.MustAddr("a@x.test"))
			check(t, other, want)
			check(t, s, want)
			if rapid.Bool().Draw(t, "go on shared") {
				r, s = shared, other
			}
		}
	})
}

// TestShare_LeavesRoomForEveryEntry: addresses of contacts take no watcher's place.
func TestShare_LeavesRoomForEveryEntry(t *testing.T) {
	var contacts []presence.Contact
	entries := map[presence.Addr]Entry{}
	for i := range maxEntries {
		contacts = append(contacts, c(fmt.Sprintf("c%05d@x.test", i), presence.SubBoth))
	}
	for i := range 3 * maxEntries / 4 {
		entries[contacts[i].Addr] = Entry{Spelling: "alice@p.test", Standing: Accepted}
	}
	own := pile(entries)
	_, s := Share(New(contacts, ""), &own)
	if s.Rows() != maxEntries {
		t.Fatalf("%d rows: nothing was shared", s.Rows())
	}
	for i := range 100 {
		s.Put(presence.MustAddr(fmt.Sprintf("w%05d@x.test", i)), Entry{Spelling: "alice@p.test", Standing: Accepted})
	}
	if s.Len() != len(entries)+100 {
		t.Errorf("%d entries, want %d", s.Len(), len(entries)+100)
	}
}
