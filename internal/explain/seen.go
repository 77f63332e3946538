package explain

import (
	"strconv"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// Item is one thing a watcher is sent. Key is its name on the wire: an element or
// attribute of the presence, or a field of the answer to a query.
type Item struct{ Key, Label, Value string }

// The keys of what is no field.
const (
	KeyAvailability = "availability"
	KeyShow         = "show"
	KeyStatus       = "status"
	KeyActivity     = "activity"
	KeyUntil        = "until"
	KeyIdle         = "idle"
	KeyInterrupt    = "interrupt"
)

// Seen lists what the watcher of e is sent now, with labels in lang. The status
// text is in the watcher's language, as it is sent; instants are as on the wire.
func Seen(lang string, e *engine.Explained) []Item {
	v := &e.View
	var items []Item
	add := func(key, label, value string) {
		if value != "" {
			items = append(items, Item{key, label, value})
		}
	}
	add(KeyAvailability, text.T(lang, "seen.availability"), strconv.Itoa(int(v.Availability)))
	add(KeyShow, text.T(lang, "seen.show"), v.Show().String())
	add(KeyStatus, text.T(lang, "seen.status"), text.Status(e.Lang, v))
	add(KeyActivity, text.T(lang, "seen.activity"), string(v.Activity))
	add(KeyUntil, text.T(lang, "seen.until"), instant(v.Until))
	add(KeyIdle, text.T(lang, "seen.idle"), instant(v.LastActive))
	add(KeyInterrupt, text.T(lang, "seen.interrupt"), strconv.FormatBool(v.Interrupt))
	for f := range presence.FieldLastActive {
		add(f.String(), text.Category(lang, f.String()), v.Text[f])
	}
	return items
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// AsSeen tells the same in lines that a person reads, a heading first.
func AsSeen(lang string, e *engine.Explained) []string {
	v := &e.View
	if e.Hold != engine.HoldNone && e.Watcher != e.User {
		return []string{text.T(lang, "seen.held", e.Watcher)}
	}
	if *v == presence.OfflineView(v.Container) {
		return []string{text.T(lang, "seen.nothing", e.Watcher)}
	}
	state := text.Class(lang, v.Availability.Class())
	if v.Activity != presence.NoActivity {
		state = text.T(lang, "why.doing", state, text.Worded(lang, v.Activity, v.Wording))
	}
	lines := []string{
		text.T(lang, "seen.intro", e.Watcher),
		text.T(lang, "seen.line", text.T(lang, "seen.state"), state),
	}
	for _, it := range Seen(lang, e) {
		switch it.Key {
		case KeyAvailability, KeyActivity:
			continue // the state says it
		case KeyInterrupt:
			it.Value = text.T(lang, "seen.no")
			if v.Interrupt {
				it.Value = text.T(lang, "seen.yes")
			}
		case KeyUntil:
			it.Value = text.Moment(lang, v.Until, e.At, text.Zone(e.Zone))
		case KeyIdle:
			it.Value = text.Moment(lang, v.LastActive, e.At, text.Zone(e.Zone))
		}
		lines = append(lines, text.T(lang, "seen.line", it.Label, it.Value))
	}
	return lines
}
