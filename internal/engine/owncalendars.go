package engine

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"presenced/internal/presence"
)

// What a user may add.
const (
	maxOwnCalendars = 8
	maxCalendarURL  = 2048 // bytes; a private address holds a long secret
	maxCalendarName = 64   // characters
	maxCredential   = 256  // bytes
	maxCalendarID   = 80   // bytes
)

// The kinds of calendars a user may add.
const (
	CalendarICS    = "ics"    // one iCalendar file behind a web address
	CalendarCalDAV = "caldav" // a CalDAV server, or one calendar there
)

// OwnCalendar is a calendar a user added. Address and credentials are sealed: a
// private address is a credential too.
type OwnCalendar struct {
	ID     string `json:"id"`
	Name   string `json:"name"` // what she calls it
	Kind   string `json:"kind"` // CalendarICS or CalendarCalDAV
	Sealed []byte `json:"sealed"`
}

// CalendarAccess is what is sealed in an OwnCalendar, as JSON.
type CalendarAccess struct {
	URL      string `json:"url"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
}

// Sealer encrypts what is kept of users' calendars. The context is bound to the
// result: it opens for the same context only.
type Sealer interface {
	Seal(context string, plain []byte) []byte
}

// CalendarContext is the context an OwnCalendar is sealed in: nobody can put it
// among somebody else's, or in the place of another of hers.
func CalendarContext(user presence.Addr, id string) string { return user.Key() + "\x00" + id }

// AddCalendar adds a calendar of the user's own. Name may be empty.
type AddCalendar struct {
	Name, Kind string
	Access     CalendarAccess
}

// RemoveCalendar takes one away, by its id.
type RemoveCalendar struct{ ID string }

// SetSiteCalendars says whether the operator's calendars are read for the user.
type SetSiteCalendars struct{ On bool }

func (AddCalendar) change()      {}
func (RemoveCalendar) change()   {}
func (SetSiteCalendars) change() {}

// calsDoc is what a user chose about calendars.
type calsDoc struct {
	V       version       `json:"v"`
	Refuse  bool          `json:"refuse,omitempty"`
	Publish bool          `json:"publish,omitempty"`
	Own     []OwnCalendar `json:"own,omitempty"`
}

// choiceDoc renders what the user chose; nil where she chose nothing.
func (c *calendars) choiceDoc() []byte {
	if c == nil || !c.refuse && !c.publish && len(c.own) == 0 {
		return nil
	}
	return encode(calsDoc{V: docVersion, Refuse: c.refuse, Publish: c.publish, Own: c.own})
}

// CheckCalendar holds an addition to what may be stored, and gives it back in the
// form it is kept in. The error is a *RefusedError with the field. Whether somebody
// may ask that address is not looked at here.
func CheckCalendar(c AddCalendar) (AddCalendar, error) {
	c.Name, c.Access.URL = strings.TrimSpace(c.Name), strings.TrimSpace(c.Access.URL)
	c.Access.Username = strings.TrimSpace(c.Access.Username)
	if rest, ok := strings.CutPrefix(c.Access.URL, "webcal://"); ok {
		c.Access.URL = "https://" + rest
	}
	at, err := url.Parse(c.Access.URL)
	switch {
	case c.Kind != CalendarICS && c.Kind != CalendarCalDAV:
		return c, refuse(Invalid, "kind", "%.16q is no kind of calendar; write ics or caldav", c.Kind)
	case err != nil, at.Host == "", at.Scheme != "https" && at.Scheme != "http":
		return c, refuse(Invalid, "url", "this is no web address; copy it from the settings of your calendar, it begins with https://")
	case at.User != nil:
		return c, refuse(Invalid, "url", "the address holds a name or a password; write them into their own fields")
	case at.Scheme == "http" && c.Access.Password != "":
		return c, refuse(Invalid, "url", "a password would be sent unencrypted; write an address that begins with https://")
	case len(c.Access.URL) > maxCalendarURL:
		return c, refuse(Invalid, "url", "the address is longer than %d bytes", maxCalendarURL)
	case len(c.Access.Username) > maxCredential:
		return c, refuse(Invalid, "username", "the name is longer than %d bytes", maxCredential)
	case len(c.Access.Password) > maxCredential:
		return c, refuse(Invalid, "password", "the password is longer than %d bytes", maxCredential)
	case c.Access.Username == "" && c.Access.Password != "":
		return c, refuse(Invalid, "username", "write whom to sign in as, or leave out the password")
	}
	if c.Name == "" {
		c.Name = at.Hostname()
	}
	name := []rune(c.Name)
	c.Name = string(name[:min(len(name), maxCalendarName)])
	if strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return c, refuse(Invalid, "name", "the name has to be one line")
	}
	return c, nil
}

func (u *user) addCalendar(add AddCalendar, answer answerFunc) {
	add, err := CheckCalendar(add)
	if err != nil {
		answer(Result{}, err)
		return
	}
	c := u.calendars()
	switch sealer := u.sh.e.opt.Sealer; {
	case sealer == nil:
		answer(Result{}, refuse(NotAllowed, "", "the operator has not set calendar.key_file, so addresses and passwords could not be kept encrypted; ask the operator to set it"))
	case len(c.own) >= maxOwnCalendars:
		answer(Result{}, refuse(TooMany, "", "you have %d calendars, and there may not be more; remove one first", len(c.own)))
	default:
		plain, err := json.Marshal(add.Access) //nolint:gosec // it is sealed before it goes anywhere
		if err != nil {
			answer(Result{}, refuse(Invalid, "url", "the address cannot be stored"))
			return
		}
		own := OwnCalendar{ID: strings.ToLower(rand.Text()[:10]), Name: add.Name, Kind: add.Kind}
		own.Sealed = sealer.Seal(CalendarContext(u.addr, own.ID), plain)
		u.chooseCalendars(calendars{own: append(slices.Clip(c.own), own), refuse: c.refuse, publish: c.publish}, answer)
	}
}

func (u *user) removeCalendar(id string, answer answerFunc) {
	c := u.calendars()
	at := slices.IndexFunc(c.own, func(o OwnCalendar) bool { return o.ID == id })
	if at < 0 {
		answer(Result{}, refuse(NotFound, "calendar", "there is no such calendar; \"list\" shows which there are"))
		return
	}
	u.chooseCalendars(calendars{own: slices.Delete(slices.Clone(c.own), at, at+1), refuse: c.refuse, publish: c.publish}, answer)
}

func (u *user) setSiteCalendars(on bool, answer answerFunc) {
	c := u.calendars()
	if c.refuse == !on {
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	}
	u.chooseCalendars(calendars{own: c.own, refuse: !on, publish: c.publish}, answer)
}

// chooseCalendars stores other choices and puts them in force: what is not to be
// read any more is not shown any more, at once.
func (u *user) chooseCalendars(next calendars, answer answerFunc) {
	u.save(Write{Docs: map[string][]byte{DocCals: next.choiceDoc()}}, func(now time.Time, err error) {
		if err == nil {
			c := u.calendars()
			c.own, c.refuse, c.publish = next.own, next.refuse, next.publish
			u.wantCalendars()
			for _, p := range slices.Clone(c.parts) {
				if !c.wants(p.id) {
					u.sh.e.CalendarGone(u.addr, p.id)
				}
			}
		}
		answer(Result{}, refusedStore(err))
	})
}

// wants reports whether the user's choices let a calendar count.
func (c *calendars) wants(id CalendarID) bool {
	if own, ok := strings.CutPrefix(string(id), "own:"); ok {
		return slices.ContainsFunc(c.own, func(o OwnCalendar) bool { return o.ID == own })
	}
	return !c.refuse
}

// tell adds the calendars to what is told of a user.
func (c *calendars) tell(out *Inspection) {
	if c == nil {
		return
	}
	out.CalendarsRefused = c.refuse
	for _, o := range c.own {
		s := CalendarSummary{ID: o.ID, Name: o.Name, Kind: o.Kind}
		if at, known := c.find(OwnCalendarID(o.ID)); known {
			s.ReadAt = time.Unix(c.parts[at].fetched, 0).UTC()
		}
		out.Calendars = append(out.Calendars, s)
	}
	for i := range c.parts {
		if name, ok := strings.CutPrefix(string(c.parts[i].id), "site:"); ok {
			out.SiteCalendars = append(out.SiteCalendars, CalendarSummary{Name: name, ReadAt: time.Unix(c.parts[i].fetched, 0).UTC()})
		}
	}
}
