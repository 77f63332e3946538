package engine

import (
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestCalendars_AwayOfTheServerStandsInForHerOwn(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowAway})
		w.watch(bob)
		w.CalendarRead(presence.MustAddr(alice), groupware, CalendarReading{
			FetchedAt: time.Now(), Reach: time.Now().Add(48 * time.Hour),
			Away: &presence.OutOfOffice{Start: at(10), End: at(60), Note: "At sea"},
		})
		w.expect()
		note := func() string {
			v := w.Look(w.Context(), Principal{Addr: presence.MustAddr(bob)}, []presence.Addr{presence.MustAddr(alice)})[0]
			return v.Text[presence.FieldNoteOOF]
		}
		time.Sleep(time.Until(at(10)))
		w.expect(to(bob, "15500 out-of-office en"))
		if got := note(); got != "At sea" {
			t.Errorf("the note is %q, want the server's", got)
		}
		w.apply(alice, SetOutOfOffice{Period: &presence.OutOfOffice{End: at(20), Note: "Mine"}})
		if got := note(); got != "Mine" {
			t.Errorf("the note is %q, want her own", got)
		}
		w.apply(alice, SetOutOfOffice{})
		time.Sleep(time.Until(at(60)))
		w.out.take()
		if got := note(); got != "" {
			t.Errorf("after the period the note is %q", got)
		}
	})
}

// Automatic replies change while the calendar does not: what the server tells beside
// "unchanged" counts, for the note too, whose links go by the policy (S6.1, S9).
func TestCalendars_AwayIsToldBesideUnchanged(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowAway})
		w.watch(bob)
		who := presence.MustAddr(alice)
		w.CalendarRead(who, groupware, CalendarReading{FetchedAt: time.Now(), Reach: time.Now().Add(48 * time.Hour)})
		w.expect()
		away := &presence.OutOfOffice{Start: at(-10), Note: "Ask Carol"}
		w.CalendarUnchanged(who, groupware, time.Now(), away)
		w.expect(to(bob, "15500 out-of-office en"))
		seen := func() string {
			v := w.Look(w.Context(), Principal{Addr: presence.MustAddr(bob)}, []presence.Addr{who})[0]
			return v.Text[presence.FieldNoteOOF]
		}
		if got := seen(); got != "Ask Carol" {
			t.Errorf("the note is %q, want the reply", got)
		}
		w.CalendarUnchanged(who, groupware, time.Now(), away)
		w.expect() // the same again is no news
		w.CalendarUnchanged(who, groupware, time.Now(), nil)
		w.expect(to(bob, "15500 en"))
		if got := seen(); got != "" {
			t.Errorf("after the replies the note is %q", got)
		}
	})
}
