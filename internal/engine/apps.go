package engine

import (
	"slices"
	"time"

	"presenced/internal/presence"
)

// DocApps is the document of the apps a user lets claim for her (S5.2).
const DocApps = "apps"

// maxApps bounds the apps of one user: a phone, a calendar bot, a door.
const maxApps = 32

// AllowApp lets an app claim for the user (SetClaim), named by the address it asks
// from.
type AllowApp struct{ JID string }

// DenyApp takes that back; what the app claims ends at once.
type DenyApp struct{ JID string }

func (AllowApp) change() {}
func (DenyApp) change()  {}

type appsDoc struct {
	V    version  `json:"v"`
	Apps []string `json:"apps"` // as spelled

	addrs []presence.Addr
}

// allowsApp reports whether an address may claim for the user.
func (s *settings) allowsApp(a presence.Addr) bool {
	return s.rare != nil && slices.Contains(s.rare.apps.addrs, a)
}

// read fills what is not stored.
func (d *appsDoc) read() error {
	d.addrs = nil
	for _, jid := range d.Apps {
		a, err := presence.ParseAddr(jid)
		if err != nil {
			return err
		}
		d.addrs = append(d.addrs, a)
	}
	return nil
}

// appOf reads the address of an app.
func (u *user) appOf(jid string) (presence.JID, *RefusedError) {
	j, err := presence.ParseJID(jid)
	switch {
	case err != nil:
		return j, refuse(Invalid, "app", "%.64q is not an address; write the one the app asks from, like phone@example.org", jid)
	case j.Addr == u.addr:
		return j, refuse(Invalid, "app", "your own programs may do that already")
	case j.Addr.Domain() == presence.MustAddr(u.sh.e.opt.Domain).Domain():
		return j, refuse(Invalid, "app", "an address of this service is no app")
	}
	return j, nil
}

func (u *user) allowApp(jid string, answer answerFunc) {
	j, r := u.appOf(jid)
	if r != nil {
		answer(Result{}, r)
		return
	}
	doc := u.set.apps()
	switch {
	case slices.Contains(doc.addrs, j.Addr):
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	case len(doc.Apps) >= maxApps:
		answer(Result{}, refuse(TooMany, "app", "you allow %d apps, the most there may be; remove one first", maxApps))
		return
	}
	doc.Apps = append(slices.Clone(doc.Apps), j.Bare)
	doc.addrs = append(slices.Clone(doc.addrs), j.Addr)
	u.saveApps(doc, answer)
}

func (u *user) denyApp(jid string, answer answerFunc) {
	a, err := presence.ParseAddr(jid)
	doc := u.set.apps()
	at := slices.Index(doc.addrs, a)
	if err != nil || at < 0 {
		answer(Result{}, refuse(NotFound, "app", "%.64q is none of your apps", jid))
		return
	}
	doc.Apps = slices.Delete(slices.Clone(doc.Apps), at, at+1)
	doc.addrs = slices.Delete(slices.Clone(doc.addrs), at, at+1)
	u.saveApps(doc, answer)
}

func (u *user) saveApps(doc appsDoc, answer answerFunc) {
	doc.V = docVersion
	var raw []byte
	if len(doc.Apps) > 0 {
		raw = encode(doc)
	}
	u.saveDoc(DocApps, raw, func() {
		u.set.chooseRare(func(r *rare) { r.apps = doc })
		u.endUnallowed(time.Now())
	}, func(err error) { answer(Result{}, err) })
}

// endUnallowed ends the claims of apps that may claim no longer.
func (u *user) endUnallowed(now time.Time) {
	listed := u.sh.e.rules().Enrolment.Apps
	u.dropClaims(now, func(c presence.Claim) bool {
		return c.App != (presence.Addr{}) && !listed[c.App] && !u.set.allowsApp(c.App)
	})
}
