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
	if burst := int(bounceRates.burst); n < burst || n > burst+20 {
		t.Errorf("%d of 500 answered, want about %d", n, burst)
	}
}

func TestLimiter_BoundsDomains(t *testing.T) {
	l, now, n := newLimiter(bounceRates), time.Now(), 0
	senders := bounceRates.senders
	for i := range 5 * senders {
		if l.take(fmt.Sprintf("d%d.example", i), 1, now) {
			n++
		}
	}
	if len(l.of) > senders || n > int(bounceRates.totalBurst) {
		t.Errorf("%d domains remembered, %d answered at once", len(l.of), n)
	}
	swept := l.swept
	for i := range senders { // each would look at as many buckets
		if l.take(fmt.Sprintf("e%d.example", i), 1, swept.Add(sweepEvery-1)); !l.swept.Equal(swept) {
			t.Fatal("the buckets are looked through at every turn")
		}
	}
	now = now.Add(time.Hour)
	for i := range senders {
		l.take(fmt.Sprintf("later%d.example", i), 1, now)
	}
	if l.of["d0.example"] != nil {
		t.Error("a full bucket is kept although room is needed")
	}
}

// TestRates_EachHasItsOwn: one who asks too fast is refused, everybody else is
// answered, and it passes.
func TestRates_EachHasItsOwn(t *testing.T) {
	d := newDesk(t)
	still := func(r rates) *limiter { // however slow the machine is
		r.each = 0
		return newLimiter(r)
	}
	d.c.queries, d.c.claims = still(queryRates), still(claimRates)
	list := "<query xmlns='urn:presenced:1'>" + strings.Repeat("<presence jid='x@y.example'/>", 200) + "</query>"
	refused := 0
	for range 40 { // 8000 presences
		if strings.Contains(d.ask(t, iq("get", testDomain, list)), "<resource-constraint") {
			refused++
		}
	}
	if want := 40 - int(queryRates.burst)/200; refused != want {
		t.Errorf("%d of 40 lists refused, want %d", refused, want)
	}
	other := strings.Replace(iq("get", testDomain, list), asker, "fred@elsewhere.example/x", 1)
	if got := d.ask(t, other); !strings.Contains(got, "type='result'") {
		t.Errorf("somebody else: %.200s", got)
	}
	for range 2500 {
		if got := d.ask(t, iq("set", mirrorA, aClaim)); strings.Contains(got, "<resource-constraint") {
			return
		}
	}
	t.Error("claims are not limited")
}
