package away

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"presenced/internal/presence"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestNew_Periods(t *testing.T) {
	tests := []struct {
		name       string
		start, end time.Time
		r          Replies
		want       bool
		note       string
	}{
		{"off", now, time.Time{}, Off, false, ""},
		{"running, without an end", time.Time{}, time.Time{}, Note, true, "back soon"},
		{"without the text", now, now.Add(time.Hour), Period, true, ""},
		{"to come", now.Add(time.Hour), now.Add(2 * time.Hour), Note, true, "back soon"},
		{"over", now.Add(-2 * time.Hour), now, Note, false, ""},
		{"backwards", now.Add(2 * time.Hour), now.Add(time.Hour), Note, false, ""},
	}
	for _, tt := range tests {
		got := New(tt.start, tt.end, "<p>back soon</p>", tt.r, now)
		if (got != nil) != tt.want {
			t.Errorf("%s: got %+v, want one: %v", tt.name, got, tt.want)
		} else if got != nil && got.Note != tt.note {
			t.Errorf("%s: note %q, want %q", tt.name, got.Note, tt.note)
		}
	}
}

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Back on Monday.\r\n\tAlice", "Back on Monday. Alice"},
		{"HTML of Outlook", `<html><head><title>x</title><style>p{margin:0}</style></head><body><!-- c --><p>I am&nbsp;away &amp; offline.<br>Call Bob</p></body></html>`, "I am away & offline. Call Bob"},
		{"words stay whole inside tags", `<b>B</b>ack`, "Back"},
		{"a style that never ends", `Hi<style>p{`, "Hi"},
		{"bytes that are no text", "a\xffb\x00c", "ab c"},
		{"nothing", "<p></p>", ""},
	}
	for _, tt := range tests {
		if got := Text(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, in := range []string{strings.Repeat("word ", 100), strings.Repeat("ä", 1000), "ab " + strings.Repeat("x", 1000)} {
		if got := Text(in); utf8.RuneCountInString(got) > presence.MaxNote || !strings.HasSuffix(got, "…") {
			t.Errorf("Text of %d bytes is %d characters: %q", len(in), utf8.RuneCountInString(got), got)
		}
	}
}

func TestMemory_OutlivesAFailureForADay(t *testing.T) {
	o := &presence.OutOfOffice{Start: now.Add(-time.Hour), End: now.Add(72 * time.Hour), Note: strings.Repeat("𝄞", presence.MaxNote)}
	raw := Told(o, now).Bytes()
	if len(raw) > maxState {
		t.Fatalf("%d bytes of state", len(raw))
	}
	m := Read(raw)
	if got := m.Still(now.Add(23 * time.Hour)); got == nil || !got.End.Equal(o.End) || got.Note != "" {
		t.Errorf("after 23 h: %+v, want the period without its over-long note", got)
	}
	if got := m.Still(now.Add(25 * time.Hour)); got != nil {
		t.Errorf("after 25 h it is still believed: %+v", got)
	}
	o.Note = "short"
	if got := Read(Told(o, now).Bytes()).Still(now); got == nil || got.Note != "short" {
		t.Errorf("a short note: %+v", got)
	}
	ended := &presence.OutOfOffice{Start: now, End: now.Add(time.Hour)}
	if got := Read(Told(ended, now).Bytes()).Still(now.Add(2 * time.Hour)); got != nil {
		t.Errorf("a period that is over: %+v", got)
	}
	if Told(nil, now).Bytes() != nil || Read([]byte("{")).Still(now) != nil || Read(nil).Still(now) != nil {
		t.Error("nothing became something")
	}
}
