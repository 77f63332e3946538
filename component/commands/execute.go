package commands

import (
	"context"
	"crypto/rand"
	"maps"
	"strings"
	"time"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// The actions of XEP-0050 §3.4.
const (
	actionExecute  = "execute"
	actionPrev     = "prev"
	actionNext     = "next"
	actionComplete = "complete"
	actionCancel   = "cancel"
)

// run is one step of an execution as a command sees it.
type run struct {
	ctx     context.Context //nolint:containedctx // a run lives no longer than the request it answers
	s       *Server
	now     time.Time
	lang    string
	user    presence.JID // bare
	have    engine.Inspection
	in      answers // of this page and the ones before
	cmd     *command
	session string
	resumed string // the session that was named, be it one or not

	suggested *suggestion // nil: not asked for
	chat      bool        // it is said in words: no form is opened
	usage     text.Key    // what is told where something is missing in words; empty: the form
	last      reply       // what was answered
}

func (s *Server) command(ctx context.Context, from presence.JID, typ, lang string, payload []byte) ([]byte, *StanzaError) {
	if !s.serves(from.Addr) {
		return nil, outside()
	}
	var w wireCommand
	malformed := stream.Decode(payload, &w)
	if w.Lang != "" {
		lang = w.Lang
	}
	r := s.run(ctx, from, lang)
	f, badForm := submission(w.Forms)
	r.cmd, r.resumed = find(w.Node), w.Session
	switch {
	case malformed != nil || typ != "set" || badForm != nil:
		return nil, r.refuse("bad-payload")
	case r.cmd == nil:
		return nil, &StanzaError{Type: "cancel", Condition: "item-not-found", Text: r.t("error.command"), Lang: r.lang}
	}
	switch w.Action {
	case "":
		w.Action = actionExecute
	case actionExecute, actionPrev, actionNext, actionComplete, actionCancel:
	default:
		return nil, r.refuse("malformed-action")
	}
	if w.Session == "" {
		return r.begin(w.Action, f)
	}
	return r.resume(&w, f)
}

// begin starts an execution; a form sent with it is taken for the answers.
func (r *run) begin(action string, f *wireForm) ([]byte, *StanzaError) {
	switch {
	case action != actionExecute:
		return nil, r.refuse("bad-sessionid")
	case f != nil && f.Type == formCancel:
		return r.canceled(), nil
	}
	if n := r.inspect(); n.text != "" {
		return r.completed(n, nil), nil
	}
	if f != nil {
		r.in.add(f)
	}
	return r.advance(0, f != nil), nil
}

// resume goes on with an open form.
func (r *run) resume(w *wireCommand, f *wireForm) ([]byte, *StanzaError) {
	open, expired := r.s.sessions.take(w.Session, r.user.Addr, r.now)
	switch {
	case expired:
		return nil, r.refuse("session-expired")
	case open == nil:
		return nil, r.refuse("bad-sessionid")
	case open.node != r.cmd.node:
		r.s.sessions.put(open, r.now)
		return nil, r.refuse("bad-sessionid")
	}
	r.session = open.id
	if w.Action == actionCancel || f != nil && f.Type == formCancel {
		return r.canceled(), nil
	}
	maps.Copy(r.in, open.kept)
	if n := r.inspect(); n.text != "" {
		return r.completed(n, nil), nil
	}
	before := r.before(open.page)
	if wrong := r.actionFault(w.Action, f, open.page, before); wrong != "" {
		r.s.sessions.put(open, r.now)
		return nil, r.refuse(wrong)
	}
	if w.Action == actionPrev {
		return r.show(before, note{}), nil
	}
	r.in.add(f)
	return r.advance(open.page, true), nil
}

// actionFault names the condition an action on a page is refused with, if any. Going
// on from the last page completes: some programs say "next" whatever is offered.
func (r *run) actionFault(action string, f *wireForm, page, before int) string {
	last := page == len(r.cmd.pages)-1
	switch {
	case action == actionPrev && before < 0, action == actionComplete && !last:
		return "bad-action"
	case action != actionPrev && f == nil:
		return "bad-payload"
	}
	return ""
}

// before returns the page shown before one, -1 for none.
func (r *run) before(page int) int {
	for i := page - 1; i >= 0; i-- {
		if r.cmd.pages[i](r) != nil {
			return i
		}
	}
	return -1
}

// inspect reads the user's settings; the note tells why the command cannot go on.
func (r *run) inspect() note {
	have, err := r.s.door.Inspect(r.ctx, r.who(), r.user.Addr)
	r.have = have
	if own := have.Profile.Language; own != "" {
		r.lang = own // what she chose, rather than what her program sends by default
	}
	kind, refused := engine.KindOf(err)
	switch {
	case err == nil && have.Enabled, r.cmd.open && (err == nil || refused && kind == engine.NotEnrolled):
		return note{}
	case err == nil:
		return note{bad, r.t("error.notenrolled")}
	}
	return note{bad, r.reason(err)}
}

func (r *run) who() engine.Principal {
	way := engine.WayCommand
	if r.chat {
		way = engine.WayChat
	}
	return engine.Principal{Addr: r.user.Addr, JID: r.user.Bare, Way: way}
}

// advance goes through the pages from one on until something has to be asked, and
// makes the changes when nothing is left to ask. given tells that the first of
// them was submitted.
func (r *run) advance(page int, given bool) []byte {
	last := -1
	for i := page; i < len(r.cmd.pages); i++ {
		f := r.cmd.pages[i](r)
		if f == nil {
			continue
		}
		last = i
		if i > page {
			given = f.asked(r.in)
		}
		if !given {
			return r.show(i, note{})
		}
		if faults := r.check(f); len(faults) > 0 {
			return r.show(i, r.blame(f, faults))
		}
	}
	p, faults := r.cmd.change(r)
	if len(faults) > 0 && last >= 0 {
		return r.show(last, r.blame(r.cmd.pages[last](r), faults))
	}
	return r.apply(p, last)
}

// show opens a page, with what was submitted; the note tells what is wrong with it.
func (r *run) show(page int, n note) []byte {
	f := r.cmd.pages[page](r)
	f.fill(r.in)
	if n.text != "" { // many clients show no note beside an open form
		f.instructions = n.text + " " + f.instructions
	}
	if r.session == "" {
		r.session = rand.Text()
	}
	kept := make(answers)
	for i := range page {
		if earlier := r.cmd.pages[i](r); earlier != nil {
			for _, fd := range earlier.fields {
				if one := r.in[fd.name]; one != nil && fd.kind != fixed && fd.kind != textPrivate {
					kept[fd.name] = one
				}
			}
		}
	}
	if !r.chat {
		r.s.sessions.put(&session{id: r.session, user: r.user.Addr, node: r.cmd.node, page: page, kept: kept}, r.now)
	}
	out := reply{node: r.cmd.node, session: r.session, status: statusExecuting, lang: r.lang, form: f, note: n}
	if page == len(r.cmd.pages)-1 {
		out.actions = append(out.actions, actionComplete)
	} else {
		out.actions = append(out.actions, actionNext)
	}
	if r.before(page) >= 0 {
		out.actions = append(out.actions, actionPrev)
	}
	r.last = out
	return out.append(nil)
}

// blame joins what is wrong with the fields of a form into sentences.
func (r *run) blame(f *form, faults []fault) note {
	told := make([]string, len(faults))
	for i, one := range faults {
		label := one.field
		if fd := f.find(one.field); fd != nil {
			label = fd.label
		}
		told[i] = r.t("error.field", label, one.why)
	}
	return note{bad, strings.Join(told, " ")}
}

func (r *run) canceled() []byte {
	out := reply{node: r.cmd.node, session: r.session, status: statusCanceled, lang: r.lang}
	return out.append(nil)
}

func (r *run) completed(n note, result *form) []byte {
	if r.session == "" {
		r.session = rand.Text()
	}
	if r.resumed != "" && result != nil && result.reported != nil {
		result = result.inLines() // Gajim 1.7 cannot show a table, and waits for ever
	}
	out := reply{node: r.cmd.node, session: r.session, status: statusCompleted, lang: r.lang, note: n, form: result}
	r.last = out
	return out.append(nil)
}
