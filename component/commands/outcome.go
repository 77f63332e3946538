package commands

import (
	"errors"
	"slices"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/text"
)

// plan is what the answers to a command come to.
type plan struct {
	changes []engine.Change
	done    string        // the sentence when all of them were made
	unseen  string        // instead of done while something else is shown; empty: done fits
	result  *form         // data to show
	tell    func() string // makes done from what is so now; nil: done says it
	failed  error         // what was asked could not be told; nothing else counts
}

// apply makes the changes in order and tells what came of them. page is the one
// that was filled in last, -1 for none: it comes back when the engine finds one
// of its values wrong.
func (r *run) apply(p plan, page int) []byte {
	if p.failed != nil {
		return r.refused(p.failed, page, 0, 0)
	}
	var advice []engine.Advice
	unchanged := 0
	for i, c := range p.changes {
		res, err := r.s.door.Apply(r.ctx, r.who(), r.user, c)
		if err != nil {
			return r.refused(err, page, i, len(p.changes))
		}
		for _, a := range res.Advice {
			switch {
			case a == engine.AdviceNothing:
				unchanged++
			case !slices.Contains(advice, a):
				advice = append(advice, a)
			}
		}
	}
	told := []string{p.done}
	if p.unseen != "" && (slices.Contains(advice, engine.AdviceBeaten) || slices.Contains(advice, engine.AdviceNoDevice)) {
		told[0] = p.unseen
	}
	if unchanged > 0 && unchanged == len(p.changes) {
		told[0] = r.t("note.nothing")
	}
	if p.tell != nil {
		told[0] = p.tell()
	}
	n := note{severity: info}
	for _, a := range advice {
		if key, ok := advices[a]; ok {
			told = append(told, r.t(key))
			n.severity = warn
		}
	}
	n.text = strings.Join(told, " ")
	return r.completed(n, p.result)
}

var advices = map[engine.Advice]text.Key{
	engine.AdviceLink:         "note.advice.link",
	engine.AdviceNeutralised:  "note.advice.neutralised",
	engine.AdviceConsent:      "note.advice.consent",
	engine.AdviceNativeBlock:  "note.advice.native",
	engine.AdviceServerFailed: "note.advice.server",
	engine.AdviceNoDevice:     "note.advice.nodevice",
	engine.AdviceBeaten:       "note.advice.beaten",
	engine.AdviceOutranked:    "note.advice.outranked",
	engine.AdviceRosterNeeded: "note.advice.roster",
	engine.AdviceCeiling:      "note.advice.ceiling",
}

// refused tells why change number made, counted from 0, of all was not made.
func (r *run) refused(err error, page, made, all int) []byte {
	why := r.reason(err)
	if made > 0 {
		return r.completed(note{bad, r.t("error.partly", made, all, why)}, nil)
	}
	refusal, _ := errors.AsType[*engine.RefusedError](err)
	if page < 0 || refusal == nil {
		return r.completed(note{bad, why}, nil)
	}
	switch refusal.Kind {
	case engine.Unavailable: // she can send the same once more
		return r.show(page, note{bad, why})
	case engine.Invalid:
		name := refusal.Field
		if own, ok := r.cmd.names[name]; ok {
			name = own
		}
		if f := r.cmd.pages[page](r); f.find(name) != nil {
			return r.show(page, r.blame(f, []fault{{name, why}}))
		}
	}
	return r.completed(note{bad, why}, nil)
}

// reason is the sentence for an error of the engine. Where no translated one
// says as much, the engine's English reason is added.
func (r *run) reason(err error) string {
	refusal, ok := errors.AsType[*engine.RefusedError](err)
	if !ok {
		return r.t("error.internal")
	}
	switch refusal.Kind {
	case engine.NotEnrolled:
		return r.t("error.notenrolled")
	case engine.NotAllowed:
		return r.t("error.notallowed")
	case engine.NotFound:
		return r.t("error.notfound")
	case engine.TooMany:
		return r.t("error.toomany")
	case engine.Unavailable:
		return r.t("error.unavailable")
	}
	if refusal.Field == "value" && r.needsRoster() {
		return r.t("error.roster") // its value was checked before (S2.6)
	}
	if key, ok := invalid[refusal.Field]; ok {
		return r.t(key)
	}
	return r.t("error.invalid", refusal.Reason)
}

// invalid holds the sentences for values only the engine can judge, by the
// engine's name of the field.
var invalid = map[string]text.Key{
	"note":         "error.note",
	"end":          "error.end",
	"availability": "error.availability",
	"timezone":     "error.timezone",
	"hours":        "error.hours",
	"location":     "error.location",
	"app":          "error.app",
	"jid":          "error.person",
	"activity":     "error.activity",
	"until":        "error.until",
	"category":     "error.category",
}
