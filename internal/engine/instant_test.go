package engine

import (
	"slices"
	"testing"
	"time"

	"presenced/privacy"
)

func TestInstant_SinceTheStartAndNone(t *testing.T) {
	e := &Engine{born: time.Now()}
	if e.instant(time.Time{}) != 0 {
		t.Error("no time is not no instant")
	}
	for _, d := range []time.Duration{1, time.Second, -time.Second, 1000 * time.Hour} {
		if got := e.instant(e.born.Add(d)); got != instant(d) {
			t.Errorf("%v after the start became %v", d, time.Duration(got))
		}
	}
	if e.instant(e.born) == 0 {
		t.Error("the beginning reads as never")
	}
}

// TestStamp_ErrsOnTheSideOfLater: what may have been sent after the last
// confirmation is never taken for confirmed.
func TestStamp_ErrsOnTheSideOfLater(t *testing.T) {
	const unit = instant(1) << stampBits
	for _, c := range []struct {
		sent, confirmed instant
		after           bool
	}{
		{5, 4, true}, {5, 5, true}, {3 * unit, 3*unit - 1, true},
		{3 * unit, 4 * unit, false}, {3 * unit, 3*unit + unit/2, true}, {1 << 61, 1 << 62, true},
		{5, minInstant, true},
	} {
		if got := c.sent.stamp().after(c.confirmed); got != c.after {
			t.Errorf("sent at %d, confirmed at %d: after is %v, want %v", c.sent, c.confirmed, got, c.after)
		}
	}
	if stamp(0).after(0) || !stamp(0).after(minInstant) {
		t.Error("what was never sent is after the start, or not after everything")
	}
}

func TestDecodeSettings_LeavesTheSharedRulesAlone(t *testing.T) {
	set, err := decodeSettings(map[string][]byte{DocRules: []byte(`{"v":1,"rules":[{"container":32000,"type":"federated"}]}`)})
	if err != nil || len(set.rules.Rules) != 1 {
		t.Fatalf("got %+v, %v", set.rules, err)
	}
	if got := newSettings().rules.Rules; !slices.Equal(got, privacy.Bootstrap()) {
		t.Errorf("the next user begins with %v", got)
	}
}
