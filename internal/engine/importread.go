package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/roster"
)

// readImport reads documents somebody handed in and holds them to what the
// commands would accept. The values come back in the form the commands store.
func (e *Engine) readImport(who Principal, user presence.JID, docs map[string][]byte) (*imported, error) {
	if !who.Operator {
		return nil, refuse(NotAllowed, "", "only the operator may import settings")
	}
	if r := e.foreign(user); r != nil {
		return nil, r
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		if err := strictly(name, docs[name]); err != nil {
			return nil, err
		}
	}
	set, err := decodeSettings(docs)
	if err != nil {
		return nil, &RefusedError{Kind: Invalid, Reason: err.Error() + "; correct it, or export it again", Err: err}
	}
	im := &imported{set: set}
	for _, check := range []func(presence.JID, *imported) error{e.readEnrol, e.readRules, e.readSubs, e.readChosen, e.readProfile, e.readBadge, e.readRare, readCalendars} {
		if err := check(user, im); err != nil {
			return nil, err
		}
	}
	im.docs = im.set.documents()
	return im, nil
}

// docForms makes an empty document of each name there is of a user.
var docForms = map[string]func() any{
	DocEnrol:     func() any { return new(enrolDoc) },
	DocRules:     func() any { return new(rulesDoc) },
	DocSubs:      func() any { return new(roster.Subs) },
	DocManual:    func() any { return new(manualDoc) },
	DocNote:      func() any { return new(noteDoc) },
	DocOOF:       func() any { return new(oofDoc) },
	DocProfile:   func() any { return new(profileDoc) },
	DocLists:     func() any { return new(listsDoc) },
	DocBadge:     func() any { return new(badgeDoc) },
	DocCals:      func() any { return new(calsDoc) },
	DocSchedule:  func() any { return new(scheduleDoc) },
	DocEgress:    func() any { return new(egressDoc) },
	DocApps:      func() any { return new(appsDoc) },
	DocPlans:     func() any { return new(plansDoc) },
	DocPriority:  func() any { return new(priorityDoc) },
	DocCells:     func() any { return new(cellsDoc) },
	DocProvision: func() any { return new(provisionDoc) },
}

// strictly refuses a document whose name, version or form this presenced does
// not know: what is not understood would be lost. What her server holds of ours is
// not moved.
func strictly(name string, raw []byte) error {
	form := docForms[name]
	if form == nil || name == DocEgress || name == DocProvision {
		return refuse(Invalid, name, "document %q is not known here; import it with the presenced that wrote it", name)
	}
	var version struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(raw, &version); err != nil {
		return wrong(name, err)
	}
	switch {
	case version.V > docVersion:
		return &RefusedError{Kind: Invalid, Field: name, Err: ErrNewerSchema,
			Reason: "document " + name + " is of a newer version; import it with the presenced that wrote it"}
	case version.V < 1:
		return refuse(Invalid, name, "document %s has no version; export it again", name)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(form()); err != nil {
		return wrong(name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(Invalid, name, "document %s is followed by something else; export it again", name)
	}
	return nil
}

// readBadge wants a handle nobody else has, such as SetBadge makes.
func (e *Engine) readBadge(user presence.JID, im *imported) error {
	h := im.set.badge
	if h == "" {
		return nil
	}
	if len(h) != handleLength || strings.Trim(h, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return refuse(Invalid, DocBadge, "document %s: %q is no handle; take the document out, and give her a new badge", DocBadge, h)
	}
	if a, taken := e.handles.owner(h); taken && a != user.Addr {
		return refuse(Invalid, DocBadge, "document %s: somebody else has this handle; take the document out, and give her a new badge", DocBadge)
	}
	return nil
}

// wrong refuses a document for a reason somebody else put into words.
func wrong(name string, err error) error {
	return &RefusedError{Kind: Invalid, Field: name, Err: err, Reason: "document " + name + ": " + err.Error() + "; correct it, or export it again"}
}

func (e *Engine) readEnrol(user presence.JID, im *imported) error {
	d := &im.set.enrol
	if d.V == 0 {
		return refuse(Invalid, DocEnrol, "document %s is missing, and without it nobody has settings; export her again", DocEnrol)
	}
	j, err := presence.ParseJID(d.JID)
	switch {
	case err != nil:
		return wrong(DocEnrol, err)
	case j.Addr != user.Addr || j.Resource != "" || !sendable(j.Bare):
		return refuse(Invalid, DocEnrol, "document %s is of %q; write one address, without a resource, in both places", DocEnrol, d.JID)
	}
	return nil
}

func (e *Engine) readRules(_ presence.JID, im *imported) error {
	rules := slices.Clone(im.set.rules.Rules) // those of the bootstrap are everybody's
	if len(rules) > maxRules {
		return refuse(TooMany, DocRules, "document %s has %d rules, and there may be %d; take some out", DocRules, len(rules), maxRules)
	}
	for i, r := range rules {
		r, err := e.rules().System.Site.NewRule(r, true)
		if err != nil {
			return wrong(DocRules, err)
		}
		rules[i] = r
	}
	doc := *im.set.rules
	doc.Rules = rules
	if err := e.readTimed(&doc, time.Now()); err != nil {
		return err
	}
	im.set.rules = &doc
	return nil
}

func (e *Engine) readSubs(user presence.JID, im *imported) error {
	limits := e.rules().Limits
	for _, l := range []struct {
		standing roster.Standing
		limit    int
		key      string
	}{{roster.Accepted, limits.Watchers, "limits.watchers"}, {roster.Pending, limits.Requests, "limits.requests"}} {
		if n := im.set.subs.Count(l.standing); n > l.limit {
			return refuse(TooMany, DocSubs, "document %s has %d subscriptions that are %s, and %s allows %d; raise it, or take some out", DocSubs, n, l.standing, l.key, l.limit)
		}
	}
	subs := im.set.subs.Clone()
	var fault error
	im.set.subs.Each(func(w presence.Addr, entry roster.Entry) {
		if fault == nil {
			entry, fault = e.readSub(user, w, entry)
			subs.Put(w, entry)
		}
	})
	im.set.subs = &subs
	return fault
}

// readSub checks one subscription: everything of it is sent to servers.
func (e *Engine) readSub(user presence.JID, w presence.Addr, entry roster.Entry) (roster.Entry, error) {
	switch year := entry.AskedAt.Year(); {
	case e.rules().System.Site.Own(w):
		return entry, refuse(Invalid, DocSubs, "document %s: %s is on the component's own domain, where nobody watches; take it out", DocSubs, w)
	case !sendable(entry.Bare) || strings.ContainsRune(entry.Bare, '/'):
		return entry, refuse(Invalid, DocSubs, "document %s: %q is not the address of a watcher; write it like bob@example.org", DocSubs, entry.Bare)
	case year < 1 || year > 9999:
		return entry, refuse(Invalid, DocSubs, "document %s: %s cannot have asked in the year %d; correct asked_at", DocSubs, w, year)
	}
	var ok bool
	if entry.Spelling, ok = e.mirrorOf(user.Addr, entry.Spelling); !ok {
		return entry, refuse(Invalid, DocSubs, "document %s: %s watches %q, which is not a mirror of %s at %s; a subscription cannot move to another component domain",
			DocSubs, w, entry.Spelling, user.Bare, e.opt.Domain)
	}
	if entry.Lang != "" {
		entry.Lang = text.Match(entry.Lang, e.opt.Language)
	}
	return entry, nil
}

// mirrorOf returns a mirror's JID with our domain as we write it; ok is false
// where it encodes somebody else (XEP-0106, or the local part alone).
func (e *Engine) mirrorOf(user presence.Addr, spelling string) (string, bool) {
	local, domain, _ := strings.Cut(spelling, "@")
	if d, err := presence.ParseAddr(domain); err != nil || !e.rules().System.Site.Own(d) || !sendable(spelling) {
		return spelling, false
	}
	shown := local + "@" + user.Domain()
	if strings.Contains(local, `\40`) {
		shown = presence.Unescape(local)
	}
	j, err := presence.ParseJID(shown)
	return local + "@" + e.opt.Domain, err == nil && j.Resource == "" && j.Addr == user
}

// sendable reports whether an address can stand in a stanza (RFC 7622 §3.3.1):
// others never came from a server, and could cost the link.
func sendable(bare string) bool {
	return utf8.ValidString(bare) && !strings.ContainsFunc(bare, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError || strings.ContainsRune(`"&'<>`, r)
	})
}

// readChosen checks what she set herself: state, note and out-of-office.
func (e *Engine) readChosen(user presence.JID, im *imported) error {
	if m := im.set.manual; m != nil {
		if err := aggregation.ValidManual(m); err != nil {
			return wrong(DocManual, err)
		}
		if !e.mayShow(m.Activity) {
			return refuse(Invalid, DocManual, "document %s: the activity %q is not known here; take it out", DocManual, m.Activity)
		}
	}
	note, err := e.readNote(user.Addr, DocNote, im.set.note, im)
	if err != nil {
		return err
	}
	im.set.choose(func(c *choices) { c.note = note })
	o := im.set.oof
	if o == nil {
		return nil
	}
	if o.Start.IsZero() || !o.End.IsZero() && !o.End.After(o.Start) {
		return refuse(Invalid, DocOOF, "document %s: the period needs a start, and an end after it or none", DocOOF)
	}
	o.Note, err = e.readNote(user.Addr, DocOOF, o.Note, im)
	return err
}

// readProfile checks what she told of herself, as the command does.
func (e *Engine) readProfile(user presence.JID, im *imported) error {
	if im.set.told == nil {
		return nil
	}
	p, res, err := e.checkProfile(user.Addr, *im.set.told)
	if err != nil {
		return wrong(DocProfile, err)
	}
	im.set.choose(func(c *choices) { c.told = &p })
	im.advise(res)
	return nil
}

// advise keeps what is to be said about a link that was changed, once.
func (im *imported) advise(res Result) {
	if slices.Contains(res.Advice, AdviceNeutralised) && !slices.Contains(im.advice, AdviceNeutralised) {
		im.advice = append(im.advice, AdviceNeutralised)
	}
}

// readNote is checkNote with the document named.
func (e *Engine) readNote(user presence.Addr, doc, note string, im *imported) (string, error) {
	note, res, err := e.checkNote(user, note)
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return "", &RefusedError{Kind: r.Kind, Field: doc, Reason: "document " + doc + ": " + r.Reason, Err: r}
	}
	im.advise(res)
	return note, err
}
