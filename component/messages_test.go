package component

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMessages(t *testing.T) {
	const head = " id='m' from='" + asker + "' to='"
	tests := []struct{ name, in, want string }{
		{"chat", "<message type='chat'" + head + mirrorA + "'><body>hi</body></message>", "This address shows presence only. Write to alice@" + testHost + " instead."},
		{"normal", "<message" + head + mirrorA + "'><body>hi</body></message>", "Write to alice@" + testHost},
		{"unknown type", "<message type='x'" + head + mirrorA + "'><body>hi</body></message>", "Write to alice@" + testHost},
		{"to a spelling without an address", "<message" + head + `a\40b\40c@` + testDomain + "'><body>hi</body></message>", "shows presence only.</text>"},
		{"to the component", "<message" + head + testDomain + "'><body>hi</body></message>", "Use the commands"},
		{"no body", "<message type='chat'" + head + mirrorA + "'><active xmlns='http://jabber.org/protocol/chatstates'/></message>", ""},
		{"empty body", "<message type='chat'" + head + mirrorA + "'><body/></message>", ""},
		{"headline", "<message type='headline'" + head + mirrorA + "'><body>hi</body></message>", ""},
		{"groupchat", "<message type='groupchat'" + head + mirrorA + "'><body>hi</body></message>", ""},
		{"error", "<message type='error'" + head + mirrorA + "'><body>hi</body></message>", ""},
		{"malformed", "<message" + head + mirrorA + "'><body>hi</message>", ""},
	}
	for _, tt := range tests {
		d := newDesk(t)
		got := d.ask(t, tt.in)
		wellFormed(t, got)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) ||
			tt.want != "" && (!strings.HasPrefix(got, "<message type='error' id='m' from='") || !strings.Contains(got, "<service-unavailable")) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestMessages_RateLimited(t *testing.T) {
	d := newDesk(t)
	n := 0
	for range 500 {
		n += strings.Count(d.ask(t, "<message from='"+asker+"' to='"+mirrorA+"'><body>hi</body></message>"), "<message")
	}
	if n < domainBurst || n > domainBurst+20 {
		t.Errorf("%d of 500 answered, want about %d", n, domainBurst)
	}
}

func TestLimiter_BoundsDomains(t *testing.T) {
	l, now, n := newLimiter(), time.Now(), 0
	for i := range 5 * maxBuckets {
		if l.allow(fmt.Sprintf("d%d.example", i), now) {
			n++
		}
	}
	if len(l.domains) > maxBuckets || n > totalBurst {
		t.Errorf("%d domains remembered, %d answered at once", len(l.domains), n)
	}
	now = now.Add(time.Hour)
	for i := range maxBuckets {
		l.allow(fmt.Sprintf("later%d.example", i), now)
	}
	if l.domains["d0.example"] != nil {
		t.Error("a full bucket is kept although room is needed")
	}
}
