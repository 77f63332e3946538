package explain

import (
	"strings"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
	"presenced/roster"
)

// Why tells in sentences why the watcher of e sees her user as he does: what he
// sees and what decided it first, then his subscription, what did not count, and
// each category. level names the operator's containers, empty for those of S1; nil:
// there are none.
func Why(lang string, e *engine.Explained, level func(presence.ContainerID) string) []string {
	w := &words{lang: lang, e: e, named: level}
	w.held()
	w.decided()
	w.standing()
	w.policy()
	w.passed()
	w.unread()
	w.lost()
	w.categories()
	return w.lines
}

// words is one explanation while it is told.
type words struct {
	lang  string
	e     *engine.Explained
	named func(presence.ContainerID) string
	lines []string
}

func (w *words) level(id presence.ContainerID) string {
	if w.named != nil {
		if name := w.named(id); name != "" {
			return name
		}
	}
	return text.Container(w.lang, id)
}

func (w *words) t(key text.Key, args ...any) string { return text.T(w.lang, key, args...) }

func (w *words) say(key text.Key, args ...any) { w.lines = append(w.lines, w.t(key, args...)) }

// moment tells an instant in the user's own zone: she is who reads it.
func (w *words) moment(t time.Time) string {
	return text.Moment(w.lang, t, w.e.At, text.Zone(w.e.Zone))
}

func (w *words) self() bool { return w.e.Watcher == w.e.User }

// shows reports whether the watcher's container shows anything at all.
func (w *words) shows() bool { return w.e.Container.Sees }

func (w *words) held() {
	switch {
	case w.self():
	case w.e.Hold == engine.HoldLink:
		w.say("why.held.link", w.e.Watcher)
	case w.e.Hold == engine.HoldLoading:
		w.say("why.held.loading", w.e.Watcher)
	}
}

// decided tells what he sees, what decided it, and where he stands.
func (w *words) decided() {
	level := w.level(w.e.Container.ID)
	switch {
	case w.self():
		w.say("why.self", w.state(), w.doing())
		return
	case !w.shows():
		w.say("why.hidden", w.e.Watcher, text.Class(w.lang, presence.ClassOffline), level, w.tier())
		w.closed(level)
		return
	}
	w.say("why.sees", w.e.Watcher, w.state(), w.doing())
	w.say("why.level", level, w.tier())
	if w.e.Container.Base == presence.Workgroup && w.projected().Activity == presence.UrgentOnlyA {
		w.say("why.urgent", text.Activity(w.lang, presence.UrgentOnlyA))
	}
}

// closed tells who closed a level that by itself would show something.
func (w *words) closed(level string) {
	for _, c := range w.e.Categories {
		switch {
		case c.Category != privacy.CatState:
		case c.Cause == privacy.CellOwn:
			w.say("why.own.state", level)
		case c.Cause == privacy.CellOperator:
			w.say("why.operator.state", level)
		}
	}
}

// projected is what his container sees, also while nothing is sent.
func (w *words) projected() presence.Shown {
	p := &w.e.Projection
	s := presence.Shown{Availability: p.Availability}
	if p.Activity != nil {
		s.Activity = presence.Activity(*p.Activity)
	}
	return s
}

func (w *words) state() string { return w.stateOf(w.projected()) }

// stateOf tells a number and a token, such as "Busy: In a meeting"; a state of the
// operator's by her name for it.
func (w *words) stateOf(s presence.Shown) string {
	class := text.Class(w.lang, s.Availability.Class())
	doing := text.Worded(w.lang, s.Activity, w.e.Wordings[s.Activity])
	switch {
	case s.Activity == presence.NoActivity:
		return class
	case class == "":
		return doing
	}
	return w.t("why.doing", class, doing)
}

// standing tells how far his subscription goes, and what goes around this service.
func (w *words) standing() {
	switch {
	case w.self():
		return
	case w.e.Standing == roster.Accepted:
		w.say("why.sub.accepted", w.e.Mirror)
	case w.e.Standing == roster.Pending:
		w.say("why.sub.pending")
	case w.e.Standing == roster.Refused:
		w.say("why.sub.refused")
	default:
		w.say("why.sub.none")
	}
	if w.e.Native {
		w.say("why.native")
	}
}

func (w *words) policy() {
	p := w.e.Policy
	switch {
	case p == nil:
	case p.Undeclared:
		w.say("why.policy.gone", p.Name)
	default:
		w.say("why.policy", p.Name)
	}
}

// list joins a list for a sentence.
func list(items []string) string { return strings.Join(items, ", ") }

// categories tells what of her he is shown, and why not the rest.
func (w *words) categories() {
	if !w.shows() {
		return
	}
	var of [privacy.CellEmpty + 1][]string
	for _, field := range [...]bool{false, true} { // her state before what is known of her
		for _, c := range w.e.Categories {
			if field == (c.Category < privacy.CatState) {
				of[c.Cause] = append(of[c.Cause], text.Category(w.lang, c.Name))
			}
		}
	}
	level := w.level(w.e.Container.ID)
	for _, part := range [...]struct {
		cause privacy.CellCause
		key   text.Key
		named bool // with the level
	}{
		{privacy.CellShown, "why.shown", false}, {privacy.CellWidened, "why.own.on", true},
		{privacy.CellLevel, "why.withheld", false}, {privacy.CellOwn, "why.own.off", true}, {privacy.CellOperator, "why.operator", true},
		{privacy.CellEmpty, "why.empty", false},
	} {
		switch names := list(of[part.cause]); {
		case of[part.cause] == nil:
		case part.named:
			w.say(part.key, level, names)
		default:
			w.say(part.key, names)
		}
	}
	for _, part := range [...]struct {
		cause privacy.CellCause
		key   text.Key
	}{
		{privacy.CellOffline, "why.offline"}, {privacy.CellPhoto, "why.photo"}, {privacy.CellActiveOff, "why.active.off"},
		{privacy.CellAwake, "why.awake"}, {privacy.CellDisturbing, "why.disturbing"},
	} {
		if of[part.cause] != nil {
			w.say(part.key)
		}
	}
}
