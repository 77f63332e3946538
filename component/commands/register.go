package commands

import (
	"context"
	"encoding/xml"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// wireRegister is a registration query as it is received (XEP-0077 §3).
type wireRegister struct {
	Remove []struct{}  `xml:"jabber:iq:register remove"`
	Forms  []wireForm  `xml:"jabber:x:data x"`
	All    []wireChild `xml:",any"`
}

type wireChild struct{ XMLName xml.Name }

// register is enable and disable under the names of XEP-0077. Whoever is no user
// of a served host finds no registration here at all.
func (s *Server) register(ctx context.Context, from presence.JID, typ, lang string, payload []byte) ([]byte, *StanzaError) {
	if !s.serves(from.Addr) {
		return nil, &StanzaError{Type: "cancel", Condition: "service-unavailable"}
	}
	r := s.run(ctx, from, lang)
	var w wireRegister
	if stream.Decode(payload, &w) != nil {
		return nil, r.badRegistration()
	}
	if typ == "get" {
		return r.registration()
	}
	f, bad := submission(w.Forms)
	switch {
	case bad != nil, len(w.Remove) > 1, len(w.Remove) == 1 && len(w.Forms)+len(w.All) > 0:
		return nil, r.badRegistration()
	case len(w.Remove) == 1:
		return nil, r.registrationError(r.change(engine.Disable{}))
	case f != nil && f.Type == formCancel:
		return nil, nil
	}
	return nil, r.registrationError(r.change(engine.Enable{}))
}

func (r *run) change(c engine.Change) error {
	_, err := r.s.door.Apply(r.ctx, r.who(), r.user, c)
	return err
}

// registration tells what registering means, and to a registered user that she is.
func (r *run) registration() ([]byte, *StanzaError) {
	have, err := r.s.door.Inspect(r.ctx, r.who(), r.user.Addr)
	if kind, refused := engine.KindOf(err); err != nil && (!refused || kind != engine.NotEnrolled) {
		return nil, r.registrationError(err)
	}
	out := []byte("<query xmlns='" + NSRegister + "'>")
	key := text.Key("register.offer")
	if err == nil && have.Enabled {
		out = append(out, "<registered/>"...)
		key = "register.done"
	}
	out = element(out, "instructions", r.t(key))
	// Nothing is asked, but some programs take an answer without a form for a mistake.
	out = append(out, "<x xmlns='"+NSForms+"' type='form'>"...)
	out = element(out, "title", r.t("command.enable"))
	out = element(out, "instructions", r.t(key))
	return append(out, "<field type='hidden' var='FORM_TYPE'><value>"+NSRegister+"</value></field></x></query>"...), nil
}

func (r *run) badRegistration() *StanzaError {
	return &StanzaError{Type: "modify", Condition: "bad-request", Text: r.t("register.bad"), Lang: r.lang}
}

func (r *run) registrationError(err error) *StanzaError {
	if err == nil {
		return nil
	}
	e := &StanzaError{Type: "wait", Condition: "internal-server-error", Text: r.reason(err), Lang: r.lang}
	switch kind, refused := engine.KindOf(err); {
	case !refused:
	case kind == engine.NotEnrolled:
		e.Type, e.Condition, e.Text = "auth", "registration-required", r.t("register.none")
	case kind == engine.NotAllowed:
		e.Type, e.Condition = "cancel", "not-allowed"
	case kind == engine.TooMany, kind == engine.Unavailable:
		e.Condition = "resource-constraint"
	default:
		e.Type, e.Condition = "modify", "not-acceptable"
	}
	return e
}
