package explain

import (
	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// doing tells what decided her state: the inputs that won (S5.7), as clauses.
func (w *words) doing() string {
	var reasons []string
	for _, kind := range [...]string{ // the order of S5.3
		aggregation.KindManual, aggregation.KindClaim, aggregation.KindCalendar,
		aggregation.KindResource, aggregation.KindOutOfOffice, aggregation.KindHours,
	} {
		for i := range w.e.Inputs {
			if in := &w.e.Inputs[i]; in.Won && in.Kind == kind {
				reasons = append(reasons, w.won(in))
			}
		}
	}
	if gone := w.gone(); gone != "" {
		reasons = append([]string{gone}, reasons...)
	}
	if reasons == nil {
		return w.t("why.device.none")
	}
	all := reasons[0]
	for _, r := range reasons[1:] {
		all = w.t("why.and", all, r)
	}
	return all
}

// gone tells why she is offline without having chosen it; empty if she is not.
func (w *words) gone() string {
	if w.projected().Availability < presence.OfflineFrom || w.hidden() {
		return ""
	}
	for _, in := range w.e.Inputs {
		if in.Kind == aggregation.KindResource && in.Rule == "S5.0" {
			return w.t("why.device.silent")
		}
	}
	return w.t("why.device.none")
}

// hidden reports whether she appears offline by choice (S5.0).
func (w *words) hidden() bool {
	for _, in := range w.e.Inputs {
		if in.Kind == aggregation.KindManual && in.Won && in.Rule == "S5.0" {
			return true
		}
	}
	return false
}

// won tells one input that took part.
func (w *words) won(in *presence.Input) string {
	switch in.Kind {
	case aggregation.KindManual:
		switch in.Rule {
		case "S5.0":
			return w.t("why.manual.hidden", w.moment(in.Until))
		case "S5.4":
			return w.t("why.manual.free", w.stateOf(in.Says), w.moment(in.Until))
		}
		return w.t("why.manual", w.stateOf(in.Says), w.moment(in.Until))
	case aggregation.KindClaim:
		return w.t("why.claim", in.ID, w.stateOf(in.Says), w.moment(in.Until))
	case aggregation.KindCalendar:
		if in.Says.Activity == presence.InAMeeting {
			return w.t("why.meeting", w.moment(in.Until))
		}
		return w.t("why.event", w.stateOf(in.Says), w.moment(in.Until))
	case aggregation.KindOutOfOffice:
		if in.Until.IsZero() {
			return w.t("why.office.open")
		}
		return w.t("why.office", w.moment(in.Until))
	case aggregation.KindHours:
		return w.t("why.hours")
	}
	return w.device(in)
}

// device tells what a device says.
func (w *words) device(in *presence.Input) string {
	switch class := in.Says.Availability.Class(); {
	case class == presence.ClassDoNotDisturb:
		return w.t("why.device.dnd", in.ID)
	case in.Says.Activity == presence.FreeForChat:
		return w.t("why.device.chat", in.ID)
	case class == presence.ClassAvailable:
		return w.t("why.device.active", in.ID)
	case in.Since.IsZero() || in.Says.Activity == presence.ExtendedAway:
		return w.t("why.device.away", in.ID)
	}
	return w.t("why.device.idle", in.ID, w.moment(in.Since))
}

// lost tells the inputs that did not count, each with what beat it.
func (w *words) lost() {
	for i := range w.e.Inputs {
		if in := &w.e.Inputs[i]; !in.Won {
			w.say("why.lost", w.what(in), w.t(w.beaten(in)))
		}
	}
}

func (w *words) what(in *presence.Input) string {
	switch in.Kind {
	case aggregation.KindManual:
		return w.t("why.what.manual", w.stateOf(in.Says))
	case aggregation.KindClaim:
		return w.t("why.what.claim", in.ID)
	case aggregation.KindCalendar:
		return w.t("why.what.event", w.moment(in.Since))
	case aggregation.KindOutOfOffice:
		return w.t("why.what.office")
	case aggregation.KindHours:
		return w.t("why.what.hours")
	}
	return w.t("why.what.device", in.ID)
}

// beaten tells the rule that an input lost by. What a rule means depends on what
// it beat: beats holds the words of each pair, this the two that need more.
func (w *words) beaten(in *presence.Input) text.Key {
	if in.Rule == "S5.0" {
		switch {
		case w.hidden():
			return "why.lost.hidden"
		case in.Kind == aggregation.KindResource:
			return "why.lost.silent"
		}
		return "why.lost.offline"
	}
	if key, ok := beats[beat{in.Kind, in.Rule}]; ok {
		return key
	}
	return "why.lost.first"
}

// beat is a kind of input and the rule that beat it.
type beat struct{ kind, rule string }

var beats = map[beat]text.Key{
	{aggregation.KindResource, "S4.4"}:    "why.lost.own",
	{aggregation.KindResource, "S5.1"}:    "why.lost.device",
	{aggregation.KindResource, "S5.3"}:    "why.lost.first",
	{aggregation.KindResource, "S5.4"}:    "why.lost.chosen",
	{aggregation.KindManual, "S5.2"}:      "why.lost.ended",
	{aggregation.KindManual, "S5.3"}:      "why.lost.first",
	{aggregation.KindManual, "S5.4"}:      "why.lost.later",
	{aggregation.KindClaim, "S5.2"}:       "why.lost.ended",
	{aggregation.KindClaim, "S5.3"}:       "why.lost.first",
	{aggregation.KindClaim, "S5.5"}:       "why.lost.idle",
	{aggregation.KindCalendar, "S5.3"}:    "why.lost.first",
	{aggregation.KindCalendar, "S5.4"}:    "why.lost.chosen",
	{aggregation.KindCalendar, "S5.5"}:    "why.lost.idle",
	{aggregation.KindCalendar, "S6.1"}:    "why.lost.nothing",
	{aggregation.KindCalendar, "S6.2"}:    "why.lost.ignored",
	{aggregation.KindCalendar, "S6.3"}:    "why.lost.overlap",
	{aggregation.KindCalendar, "S6.4"}:    "why.lost.stale",
	{aggregation.KindOutOfOffice, "S5.5"}: "why.lost.onlyaway",
	{aggregation.KindOutOfOffice, "S6.1"}: "why.lost.notnow",
	{aggregation.KindHours, "S5.5"}:       "why.lost.onlyaway",
}
