package engine

import (
	"slices"
	"strings"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

// Profile is what a user tells of herself (PRODUCT, command profile). Every text
// may be empty: not told.
type Profile struct {
	Timezone string `json:"timezone,omitempty"` // a name of the time zone database
	Language string `json:"language,omitempty"` // of what is said to her; one of text.Languages
	Hours    string `json:"hours,omitempty"`    // working hours, as aggregation.ParseHours reads them
	Location string `json:"location,omitempty"` // at most presence.MaxNote characters
}

// SetProfile replaces the profile.
type SetProfile struct{ Profile Profile }

func (SetProfile) change() {}

type profileDoc struct {
	V       version `json:"v"`
	Profile Profile `json:"profile"`
}

// profile is what she told; the zero value for nothing.
func (s *settings) profile() Profile {
	if s.told == nil {
		return Profile{}
	}
	return *s.told
}

// about is what is kept of a person beside her presence. Many users have none.
type about struct {
	hours    aggregation.Hours
	rulesEnd instant // when a rule for a while ends; 0: none does
	// rulesHeard is until when what has ended is known; 0: nothing is.
	rulesHeard instant
	zone       *time.Location // in which she keeps them
	// hoursEnd is when she comes to, or goes from, her working hours; 0: unknown.
	hoursEnd instant
	card     *presence.Profile // what her own vCard says; nil: nothing
	lists    *listWrites       // on their way to her server; nil: none
	offered  offerStep         // mirrors are being offered to her (privacy.provisioning)
}

// herself returns what is kept about a user, to be filled.
func (u *user) herself() *about {
	if u.about == nil {
		u.about = new(about)
	}
	return u.about
}

// checkProfile makes a profile fit to be stored, or refuses it with the field and
// what to write.
func (e *Engine) checkProfile(user presence.Addr, p Profile) (Profile, Result, error) {
	p = Profile{
		Timezone: strings.TrimSpace(p.Timezone), Language: strings.TrimSpace(p.Language),
		Hours: strings.Join(strings.Fields(p.Hours), " "), Location: strings.TrimSpace(p.Location),
	}
	if p.Timezone != "" && text.Zone(p.Timezone) == nil {
		return p, Result{}, refuse(Invalid, "timezone", "%.64q is no time zone; write a name such as Europe/Berlin, or UTC", p.Timezone)
	}
	if p.Language != "" && !slices.Contains(text.Languages(), p.Language) {
		return p, Result{}, refuse(Invalid, "language", "%.16q is no language of this service; write one of %s", p.Language, strings.Join(text.Languages(), ", "))
	}
	if len(p.Hours) > presence.MaxNote {
		return p, Result{}, refuse(Invalid, "hours", "the working hours are longer than %d characters; write fewer periods", presence.MaxNote)
	}
	if _, err := aggregation.ParseHours(p.Hours); err != nil {
		return p, Result{}, &RefusedError{Kind: Invalid, Field: "hours", Reason: err.Error(), Err: err}
	}
	if err := privacy.CheckNote(p.Location); err != nil || strings.ContainsAny(p.Location, "\r\n\t") {
		return p, Result{}, refuse(Invalid, "location", "the location has to be one line of at most %d characters", presence.MaxNote)
	}
	op, _ := e.policyOf(user)
	switch v := op.Links.Apply(p.Location); {
	case v.Refused:
		return p, Result{}, refuse(Invalid, "location", "links are not allowed here; write the location without it")
	case v.Text != p.Location:
		p.Location = v.Text
		return p, Result{Advice: []Advice{AdviceNeutralised}}, nil
	}
	return p, Result{}, nil
}

func (u *user) setProfile(p Profile, answer answerFunc) {
	p, res, err := u.sh.e.checkProfile(u.addr, p)
	if err != nil {
		answer(Result{}, err)
		return
	}
	if p == u.set.profile() {
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	}
	var told *Profile
	var doc []byte
	if p != (Profile{}) {
		told, doc = &p, encode(profileDoc{V: docVersion, Profile: p})
	}
	u.saveDoc(DocProfile, doc, func() {
		u.set.choose(func(c *choices) { c.told = told })
		u.compose()
	}, func(err error) { answer(res, err) })
}

// compose puts together what is known of the person: the operator's directory, her
// vCard, and what she told us. The operator's word goes before the vCard's, field by
// field; what she told us is about things the directory does not hold. It sets the
// working hours too.
func (u *user) compose() {
	defer u.wantCalendars() // her zone and her address may be others
	r := u.sh.e.rules()
	own := u.set.profile()
	var base *presence.Profile
	if r.Directory != nil {
		base = r.Directory(u.addr)
	}
	zone, name := u.zone()
	u.workHours(zone)
	u.person.Profile = base
	var vcard *presence.Profile
	if u.about != nil {
		vcard = u.about.card
	}
	if vcard == nil && name == "" && own.Hours == "" && own.Location == "" {
		return
	}
	p := new(presence.Profile)
	if base != nil {
		*p = *base
	}
	if vcard != nil {
		fillIn(p, vcard)
	}
	p.Text[presence.FieldTimezone] = name
	p.Text[presence.FieldWorkingHours] = own.Hours
	if own.Location != "" {
		p.Text[presence.FieldLocation] = u.operator().Links.Shown(own.Location)
	}
	u.person.Profile = p
}

// fillIn takes from her vCard what the directory does not say.
func fillIn(p, vcard *presence.Profile) {
	for f := range p.Text {
		if p.Text[f] == "" {
			p.Text[f] = vcard.Text[f]
		}
	}
	if p.PhotoSource == presence.NoPhoto {
		p.PhotoSource = vcard.PhotoSource
	}
}

// zone returns her time zone and its name: her own, else the operator's. The name
// is empty where neither says one, or the operator UTC, which says nothing of
// where she is.
func (u *user) zone() (*time.Location, string) {
	if own := u.set.profile().Timezone; own != "" {
		if z := text.Zone(own); z != nil {
			return z, own
		}
	}
	if z := u.sh.e.rules().Zone; z != nil && z != time.UTC {
		return z, z.String()
	}
	return time.UTC, ""
}

// workHours takes her working hours. What cannot be read, as after the rules for
// them have changed, is none: nobody is off work by mistake.
func (u *user) workHours(zone *time.Location) {
	u.person.Inputs.OffHours = false
	hours, err := aggregation.ParseHours(u.set.profile().Hours)
	if err != nil {
		hours = aggregation.Hours{}
	}
	if !hours.IsZero() || u.about != nil {
		a := u.herself()
		a.hours, a.zone, a.hoursEnd = hours, zone, 0
	}
}

// watchClock tells the inputs whether she is outside her working hours (S5.5).
func (u *user) watchClock(now time.Time) {
	a := u.about
	if a == nil || a.hours.IsZero() || a.hoursEnd != 0 && u.sh.e.instant(now) < a.hoursEnd {
		return
	}
	off, next := a.hours.Off(now, a.zone)
	u.person.Inputs.OffHours, a.hoursEnd = off, u.sh.e.instant(next)
}
