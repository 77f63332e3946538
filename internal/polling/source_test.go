package polling

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
)

// TestNewOwn_AnAnswerIsSmall: many addresses that users gave are asked at a time, and
// all may be out for the memory.
func TestNewOwn_AnAnswerIsSmall(t *testing.T) {
	text := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	defer srv.Close()
	source := NewOwn([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})[engine.CalendarICS]
	for size, want := range map[int]bool{ownSize - 100: true, ownSize + 1: false} {
		text = "BEGIN:VCALENDAR\r\n" + strings.Repeat("X-FILL:1\r\n", size/10) + "END:VCALENDAR\r\n"
		now := time.Now()
		got, err := source.Fetch(t.Context(), sources.Window{From: now, To: now.Add(time.Hour)}, []sources.Mailbox{{User: "alice@example.org", Address: srv.URL}})
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if ok := got[0].Err == nil; ok != want || !ok && sources.KindOf(got[0].Err) != sources.TooLarge {
			t.Errorf("%d bytes: %v", len(text), got[0].Err)
		}
	}
}
