package calendar

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"presenced/internal/presence"
)

func noon(minutes int) time.Time {
	return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

func TestPack_GivesBackWhatCounts(t *testing.T) {
	events := []presence.Event{
		{Start: noon(60), End: noon(90), Kind: presence.EventBusy, Subject: "Budget", Location: "Room 412", Categories: []string{"Red", "Money"}, Attendees: true},
		{Start: noon(0), End: noon(30), Kind: presence.EventTentative, Subject: "Budget"},
		{Start: noon(0), End: noon(0).Add(time.Second), Kind: presence.EventElsewhere},
		{Start: noon(-6000), End: noon(6000), Kind: presence.EventOOF, AllDay: true, Categories: []string{"Red"}},
		{Start: noon(61).Add(7 * time.Second), End: noon(62), Kind: presence.EventAway, Private: true},
	}
	want := []presence.Event{events[3], events[2], events[1], events[0], events[4]}
	var got Unpacked
	if packed := Pack(events); !got.Unpack(packed) || !reflect.DeepEqual(got.Events, want) {
		t.Errorf("unpacked %q:\n %+v\nwant\n %+v", packed, got.Events, want)
	}
}

func TestPack_LeavesOutWhatNeverCounts(t *testing.T) {
	e := presence.Event{Start: noon(0), End: noon(30), Kind: presence.EventBusy, Subject: "secret", Location: "here"}
	for name, change := range map[string]func(*presence.Event){
		"cancelled":   func(e *presence.Event) { e.Cancelled = true },
		"declined":    func(e *presence.Event) { e.Declined = true },
		"transparent": func(e *presence.Event) { e.Transparent = true },
		"all-day":     func(e *presence.Event) { e.AllDay = true },
		"no duration": func(e *presence.Event) { e.End = e.Start },
		"backwards":   func(e *presence.Event) { e.End = e.Start.Add(-time.Hour) },
	} {
		out := e
		change(&out)
		if packed := Pack([]presence.Event{out}); packed != "" {
			t.Errorf("%s: packed as %q, want nothing", name, packed)
		}
	}
	e.Private = true
	if packed := Pack([]presence.Event{e}); packed == "" || strings.Contains(packed, "secret") || strings.Contains(packed, "here") {
		t.Errorf("a private event is packed as %q; want it without its texts", packed)
	}
}

func TestPack_IsBounded(t *testing.T) {
	var many []presence.Event
	for i := range 5 * maxPacked {
		many = append(many, presence.Event{
			Start: noon(i), End: noon(i + 1), Kind: presence.EventBusy,
			Subject: strings.Repeat("ü", 300) + fmt.Sprint(i), Categories: make([]string, 50),
		})
	}
	packed := Pack(many)
	var got Unpacked
	if !got.Unpack(packed) || len(got.Events) != maxPacked || len(packed) > maxPackedAll+20*maxPacked {
		t.Fatalf("%d events in %d bytes; want %d", len(got.Events), len(packed), maxPacked)
	}
	if s := got.Events[0].Subject; len(s) != maxPackedText || strings.Trim(s, "ü") != "" {
		t.Errorf("the subject is cut to %q", s)
	}
}

// A user's schedule of 20 intervals is to fit beside its keeper into 400 bytes.
func TestPack_IsSmall(t *testing.T) {
	var day []presence.Event
	for i := range 20 {
		day = append(day, presence.Event{Start: noon(75 * i), End: noon(75*i + 45), Kind: presence.EventBusy, Attendees: true})
	}
	if n := len(Pack(day)); n > 100 {
		t.Errorf("20 intervals take %d bytes, want at most 100", n)
	}
}

func TestUnpack_AllocatesNothingTheSecondTime(t *testing.T) {
	packed := Pack([]presence.Event{
		{Start: noon(0), End: noon(30), Kind: presence.EventBusy, Subject: "Budget", Categories: []string{"Red"}},
		{Start: noon(60), End: noon(90), Kind: presence.EventOOF, Location: "Berlin"},
	})
	var u Unpacked
	u.Unpack(packed)
	if n := testing.AllocsPerRun(100, func() { u.Reset(); u.Unpack(packed) }); n != 0 {
		t.Errorf("unpacking allocates %v objects, want none", n)
	}
}

// What somebody put into a store or an import file never panics and never makes
// events out of nothing.
func FuzzUnpack(f *testing.F) {
	f.Add(Pack([]presence.Event{{Start: noon(0), End: noon(30), Kind: presence.EventBusy, Subject: "Budget", Categories: []string{"Red"}}}))
	f.Add("\x01\x00")
	f.Add("\x02")
	f.Fuzz(func(t *testing.T, packed string) {
		var u Unpacked
		if !u.Unpack(packed) {
			if len(u.Events) != 0 {
				t.Errorf("%q was refused, and gave %d events", packed, len(u.Events))
			}
			return
		}
		for _, e := range u.Events {
			if !e.Start.Before(e.End) {
				t.Errorf("%q gives an event from %v to %v", packed, e.Start, e.End)
			}
		}
		var again Unpacked
		if again.Unpack(Pack(u.Events)); len(again.Events) > len(u.Events) {
			t.Errorf("%q gives %d events, packed again %d", packed, len(u.Events), len(again.Events))
		}
	})
}
