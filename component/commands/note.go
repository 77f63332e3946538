package commands

import (
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

func noteForm(r *run) *form {
	return &form{title: r.t("command.note"), instructions: r.toWhom("form.note", presence.FieldNotePersonal), fields: []field{
		{name: "text", kind: textSingle, label: r.t("field.text"), desc: r.t("field.text.desc"),
			values: values(r.have.Note), limit: presence.MaxNote},
	}}
}

// values is a default, none for an empty text.
func values(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func setNote(r *run) (plan, []fault) {
	c := engine.SetNote{Text: r.in.text("text")}
	if c.Text == "" {
		return one(c, r.t("note.note.removed")), nil
	}
	return one(c, r.t("note.note.set")), nil
}

func officeForm(r *run) *form {
	var period presence.OutOfOffice
	on := "0"
	if p := r.have.OutOfOffice; p != nil {
		period, on = *p, "1"
	}
	return &form{title: r.t("command.out-of-office"), instructions: r.toWhom("form.out-of-office", presence.FieldNoteOOF), fields: []field{
		{name: "on", kind: boolean, required: true, label: r.t("field.on"), desc: r.t("field.on.desc"), values: []string{on}},
		{name: "start", kind: textSingle, label: r.t("field.start"), desc: r.t("field.start.desc"), values: values(r.localWhen(period.Start))},
		{name: "end", kind: textSingle, label: r.t("field.end"), desc: r.t("field.end.desc"), values: values(r.localWhen(period.End))},
		{name: "note", kind: textSingle, label: r.t("field.note"), desc: r.t("field.note.desc"), values: values(period.Note), limit: presence.MaxNote},
	}}
}

func setOutOfOffice(r *run) (plan, []fault) {
	if !r.in.yes("on") {
		return one(engine.SetOutOfOffice{}, r.t("note.office.ended")), nil
	}
	period := &presence.OutOfOffice{Note: r.in.text("note")}
	var faults []fault
	if s := r.in.text("start"); s != "" {
		start, ok := parseWhen(s, r.now, r.zone(), false)
		if !ok {
			faults = append(faults, fault{"start", r.t("error.when")})
		}
		period.Start = start
	}
	if s := r.in.text("end"); s != "" {
		from := r.now // "Friday" is the one after she goes
		if period.Start.After(from) {
			from = period.Start
		}
		end, ok := endWhen(s, from, r.now, r.zone(), true)
		switch {
		case !ok:
			faults = append(faults, fault{"end", r.t("error.when")})
		case !end.After(r.now):
			faults = append(faults, fault{"end", r.t("error.past")})
		case !period.Start.IsZero() && !end.After(period.Start):
			faults = append(faults, fault{"end", r.t("error.end")})
		}
		period.End = end
	}
	return one(engine.SetOutOfOffice{Period: period}, r.officeDone(period)), faults
}

// officeDone tells the period and, since it shows only while nothing else is told
// of her (S5.5), when others see it.
func (r *run) officeDone(p *presence.OutOfOffice) string {
	seen := r.t("note.office.seen", text.Activity(r.lang, presence.OutOfOfficeA))
	if p.Note != "" {
		seen = r.t("note.office.seennote", text.Activity(r.lang, presence.OutOfOfficeA))
	}
	return r.officePeriod(p) + " " + seen
}

func (r *run) officePeriod(p *presence.OutOfOffice) string {
	start, end := text.Moment(r.lang, p.Start, r.now, r.zone()), text.Moment(r.lang, p.End, r.now, r.zone())
	switch later := p.Start.After(r.now); {
	case later && p.End.IsZero():
		return r.t("note.office.from", start)
	case later:
		return r.t("note.office.period", start, end)
	case p.End.IsZero():
		return r.t("note.office.now")
	}
	return r.t("note.office.until", end)
}
