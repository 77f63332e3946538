package engine

import (
	"slices"

	"presenced/internal/presence"
)

// DocPriority is the document of who may interrupt a user's do-not-disturb (S7).
const DocPriority = "priority"

// maxPriority bounds that list; who is on it beyond a few is nobody special.
const maxPriority = 256

// SetPriority puts a person on the user's list of those who may interrupt her, or
// takes him off it.
type SetPriority struct {
	JID string
	On  bool
}

func (SetPriority) change() {}

type priorityDoc struct {
	V      version  `json:"v"`
	People []string `json:"people"` // addresses in the comparison form
}

func (s *settings) priority() []string {
	if s.rare == nil {
		return nil
	}
	return s.rare.priority.People
}

func (u *user) setPriority(c SetPriority, answer answerFunc) {
	j, err := presence.ParseJID(c.JID)
	if err != nil || j.Addr.Local() == "" {
		answer(Result{}, refuse(Invalid, "jid", "%.64q is not the address of a person; write one like bob@example.org", c.JID))
		return
	}
	people := u.set.priority()
	name := j.Addr.String()
	at := slices.Index(people, name)
	switch {
	case (at >= 0) == c.On:
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	case j.Addr == u.addr || u.sh.e.rules().System.Site.Own(j.Addr):
		answer(Result{}, refuse(Invalid, "jid", "name somebody else, by the person's own address"))
		return
	case c.On && len(people) >= maxPriority:
		answer(Result{}, refuse(TooMany, "jid", "%d people are on the list, the most there may be; take one off first", maxPriority))
		return
	case c.On:
		people = append(slices.Clone(people), name)
	default:
		people = slices.Delete(slices.Clone(people), at, at+1)
	}
	doc := priorityDoc{V: docVersion, People: people}
	var raw []byte
	if len(people) > 0 {
		raw = encode(doc)
	}
	u.saveDoc(DocPriority, raw, func() {
		u.set.chooseRare(func(r *rare) { r.priority = doc })
		u.recompile()
	}, func(err error) { answer(Result{}, err) })
}
