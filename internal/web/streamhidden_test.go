package web

import (
	"fmt"
	"strings"
	"testing"
)

// TestStream_HiddenUnknownAndOfflineAreTheSameBytes holds streams to I2: the head
// and the first message are the same but for the random part of the id, whatever
// the reason not to see her.
func TestStream_HiddenUnknownAndOfflineAreTheSameBytes(t *testing.T) {
	want, from := "", ""
	for why, hide := range hidden {
		s := newSite(t)
		hide(s)
		e := s.open(s.listen(), bob, "", alice)
		e.head.Del("Date")
		one := e.next()
		_, number, _ := strings.Cut(one.id, "-")
		got := fmt.Sprintf("%v %s %s %s", e.head, number, one.name, one.data)
		if want == "" {
			want, from = got, why
		}
		if got != want || !strings.Contains(got, `"availability":18500`) {
			t.Errorf("%s:\n%s\n%s:\n%s", why, got, from, want)
		}
	}
}
