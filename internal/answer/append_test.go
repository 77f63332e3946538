package answer

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// TestAppend_IsWhatEncodingJSONWrites of the same view.
func TestAppend_IsWhatEncodingJSONWrites(t *testing.T) {
	told := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{"a", "<b>&\"\\", "\xff", "Grüße", "\u2028", "\x00", "~\x7f"}))
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), 5)
	})
	rapid.Check(t, func(t *rapid.T) {
		v := presence.View{
			Availability: presence.Availability(rapid.Uint16Max(18999).Draw(t, "number")),
			Activity:     presence.Activity(rapid.SampledFrom([]string{"", string(presence.InAMeeting), "of-its-own"}).Draw(t, "activity")),
			Until:        instant.Draw(t, "until"), LastActive: instant.Draw(t, "last"), Interrupt: rapid.Bool().Draw(t, "interrupt"),
			Zone: rapid.Bool().Draw(t, "zone"),
		}
		for f := range v.Text {
			v.Text[f] = told.Draw(t, "text")
		}
		user, lang := told.Draw(t, "user"), rapid.SampledFrom([]string{"en", "de"}).Draw(t, "lang")
		want, err := json.Marshal(Of(user, lang, &v))
		if err != nil {
			t.Fatal(err)
		}
		if got := Append([]byte("x"), user, lang, &v); string(got) != "x"+string(want) {
			t.Fatalf("got  %s\nwant x%s", got, want)
		}
	})
}
