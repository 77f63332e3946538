package privacy

import (
	"time"

	"presenced/internal/presence"
)

// LastActiveMode says how last activity is told (S9). The zero value is off.
type LastActiveMode uint8

// The modes of S9.
const (
	LastActiveOff LastActiveMode = iota
	LastActiveCoarse
	LastActiveExact
)

// PhotoMode says which photos are shown (S9). The zero value shows none.
type PhotoMode uint8

// The photo policies of S9.
const (
	PhotoNone PhotoMode = iota
	PhotoDirectory
	PhotoAll
)

// OfflineDetails says what is told of somebody who is shown offline (S3). The
// zero value tells nothing.
type OfflineDetails uint8

// The values of offline_details.
const (
	OfflineNone OfflineDetails = iota
	OfflineOOF
	OfflineAll
)

var (
	lastActiveNames     = [...]string{"off", "coarse", "exact"}
	photoNames          = [...]string{"none", "directory", "all"}
	offlineDetailsNames = [...]string{"none", "out-of-office", "all"}
)

// String returns the configuration value.
func (m LastActiveMode) String() string { return lastActiveNames[m] }

// String returns the configuration value.
func (m PhotoMode) String() string { return photoNames[m] }

// String returns the configuration value.
func (d OfflineDetails) String() string { return offlineDetailsNames[d] }

// ParseLastActive reads a configuration value.
func ParseLastActive(s string) (LastActiveMode, bool) {
	return index[LastActiveMode](lastActiveNames[:], s)
}

// ParsePhoto reads a configuration value.
func ParsePhoto(s string) (PhotoMode, bool) { return index[PhotoMode](photoNames[:], s) }

// ParseOfflineDetails reads a configuration value.
func ParseOfflineDetails(s string) (OfflineDetails, bool) {
	return index[OfflineDetails](offlineDetailsNames[:], s)
}

func index[T ~uint8](names []string, s string) (T, bool) {
	for i, n := range names {
		if n == s {
			return T(i), true
		}
	}
	return 0, false
}

// Operator is the policy that holds for one user: the global one or a named one.
// It only narrows what S3's matrix and her own cells grant; the zero value of each
// mode narrows most.
type Operator struct {
	Name       string // of a named policy; empty: the global one
	LastActive LastActiveMode
	// Granularity of coarse last activity; below one second it counts as one.
	Granularity    time.Duration
	Photo          PhotoMode
	OfflineDetails OfflineDetails
	Until          bool // calendar.until
	Links          Links
	Withheld       Withheld
	// Wordings are of the activities the operator declared; it is read only.
	Wordings map[presence.Activity]*presence.Wording
	// Unaudited: the audit trail does not tell who asked; it decides about nothing here.
	Unaudited bool
}

// DefaultOperator is the policy of an empty configuration.
func DefaultOperator() Operator {
	return Operator{Granularity: time.Hour, Photo: PhotoAll, OfflineDetails: OfflineOOF, Until: true}
}

// Narrowest is o with everything that a named policy governs at its narrowest: for
// a user whose own policy is named but cannot be found (I3).
func (o *Operator) Narrowest(name string) *Operator {
	n := *o
	n.Name, n.LastActive, n.Photo = name, LastActiveOff, PhotoNone
	n.Links.Mode, n.Links.Intranet = LinksBlock, nil
	n.Unaudited = false
	for i := range n.Withheld { // what is withheld of everybody stays so
		n.Withheld[i] |= withheldMost[i]
	}
	return &n
}

// Person is what is known of a user beside her state.
type Person struct {
	Profile *presence.Profile // nil: none
	Note    string            // her own note, already through Operator.Links
	OOFNote string
	// LastActiveAt is when the last device left; it is told of somebody offline.
	LastActiveAt time.Time
}

// Project writes what a watcher whose column is c may see of st and p. Everything
// in out that is set was granted; nothing else may be derived from st (S3). It does
// not allocate.
func (o *Operator) Project(st *presence.State, p *Person, c Column, out *presence.View) {
	*out = presence.OfflineView(c.Container)
	g := o.Limit(c)
	shown := shownTo(c.Base, st)
	if !g.Has(CatState) || shown.Availability.Class() == presence.ClassUnset {
		return
	}
	if shown.Availability >= presence.OfflineFrom && c.Base != presence.Self {
		o.offline(st, p, g, shown, out)
		return
	}
	out.Availability = shown.Availability
	o.details(st, p, g, shown, out)
}

// offline is what is told of somebody shown offline (S3, offline_details). Her
// number is always the published one: an exact one would tell how she is offline.
func (o *Operator) offline(st *presence.State, p *Person, g Grants, shown presence.Shown, out *presence.View) {
	switch o.OfflineDetails {
	case OfflineOOF:
		if !st.OOF {
			return
		}
		if g.Has(CatActivity) && shown.Activity == presence.OutOfOfficeA {
			out.Activity, out.Wording = shown.Activity, o.Wordings[shown.Activity]
		}
		if g.HasField(presence.FieldNoteOOF) {
			out.Text[presence.FieldNoteOOF] = p.OOFNote
		}
		out.ByEmail = g.HasField(presence.FieldEmail) && (out.Activity != "" || out.Text[presence.FieldNoteOOF] != "")
	case OfflineAll:
		o.details(st, p, g, shown, out)
	}
}

// details fills every granted category but the number.
func (o *Operator) details(st *presence.State, p *Person, g Grants, shown presence.Shown, out *presence.View) {
	if g.Has(CatActivity) {
		out.Activity, out.Wording = shown.Activity, o.Wordings[shown.Activity]
	}
	if o.untilShown(st, g, shown) {
		out.Until = st.Until
	}
	out.Interrupt = canInterrupt(st, g, shown)
	out.Zone = g.HasField(presence.FieldTimezone)
	out.ByEmail = g.HasField(presence.FieldEmail)
	if p.Profile != nil {
		o.profile(p.Profile, g, out)
	}
	set := func(f presence.Field, v string) {
		if g.HasField(f) {
			out.Text[f] = v
		}
	}
	set(presence.FieldDevice, st.Device)
	set(presence.FieldNotePersonal, noteOf(st, p))
	if st.OOF {
		set(presence.FieldNoteOOF, p.OOFNote)
	}
	set(presence.FieldMeetingSubject, st.Subject)
	set(presence.FieldMeetingLocation, st.Location)
	if g.HasField(presence.FieldLastActive) {
		out.LastActive = o.lastActive(st, p, shown.Availability)
	}
}

// untilShown is the until rule of S3. B replaces a token that do-not-disturb
// gave, so the period of A's token is not told with it.
func (o *Operator) untilShown(st *presence.State, g Grants, shown presence.Shown) bool {
	return o.Until && g.Has(CatActivity) && g.HasField(presence.FieldFreeBusy) &&
		shown.Activity != presence.NoActivity && shown.Activity == st.A.Activity
}

// canInterrupt is S7, without the priority list.
func canInterrupt(st *presence.State, g Grants, shown presence.Shown) bool {
	return shown.Availability < presence.OfflineFrom &&
		(st.A.Availability.Class() != presence.ClassDoNotDisturb || g.Has(CatInterrupt))
}

func (o *Operator) profile(pr *presence.Profile, g Grants, out *presence.View) {
	for f := range presence.FieldDevice {
		if g.HasField(f) && (f != presence.FieldPhoto || o.photo(pr.PhotoSource)) {
			out.Text[f] = pr.Text[f]
		}
	}
}

// photo reports whether a photo of that source is shown at all (S9).
func (o *Operator) photo(src presence.PhotoSource) bool {
	switch o.Photo {
	case PhotoAll:
		return src != presence.NoPhoto
	case PhotoDirectory:
		return src == presence.DirectoryPhoto
	}
	return false
}

// noteOf is her note, or the status of her winning device (S4.3).
func noteOf(st *presence.State, p *Person) string {
	if p.Note != "" {
		return p.Note
	}
	return st.Status
}

// lastActive is S9: told only between 5000 and 18000 of the projected number,
// and of somebody offline where details reach her watcher at all.
func (o *Operator) lastActive(st *presence.State, p *Person, shown presence.Availability) time.Time {
	switch {
	case o.LastActive == LastActiveOff || shown < presence.IdleFrom:
		return time.Time{}
	case shown >= presence.OfflineFrom:
		return o.quantise(p.LastActiveAt)
	}
	return o.quantise(st.LastInput)
}

// quantise floors the instant itself on the absolute clock, so that asking often
// tells no more than asking once (S9).
func (o *Operator) quantise(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	step := int64(1)
	if o.LastActive != LastActiveExact {
		step = max(1, int64(o.Granularity/time.Second))
	}
	sec := t.Unix()
	return time.Unix(sec-((sec%step)+step)%step, 0).UTC()
}
