package component

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"presenced/component/privilege"
	"presenced/component/stream"
	"presenced/internal/directory"
	"presenced/internal/presence"
)

const (
	// cardReaders is how many vCards are asked for at once: no hurry, and a server
	// that keeps them in files is slow at it.
	cardReaders = 8
	// maxCards is how many users may wait for theirs. The engine asks again for more.
	maxCards = 4 << 10
	// maxCardText is the longest value of a vCard that is shown, in characters.
	maxCardText = 256
)

// ReadCard fetches a user's vCard; the answer comes through Door.CardRead unless
// the link is lost before. It reports false, and asks nothing, while too many wait.
func (c *Component) ReadCard(user presence.Addr, bare string) bool {
	l := c.link.Load()
	if l == nil {
		return true // the next attach asks anew
	}
	select {
	case l.cards <- presence.JID{Addr: user, Bare: bare}:
		return true
	default:
		return false
	}
}

// readCards asks for one vCard after the other until ctx ends.
func (l *link) readCards(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case user := <-l.cards:
			_, _ = l.readCard(ctx, user) // the door is told
		}
	}
}

// readCard asks a user's server for her vCard, tells the engine what it says and
// returns the photo in it. Where the server lets us ask for her (XEP-0356), it is
// asked as herself; else the component asks as any stranger may, and is told what
// any stranger is told. ok is false where there is no photo.
func (l *link) readCard(ctx context.Context, user presence.JID) (photo directory.Picture, ok bool) {
	frame, g, err := l.fetchCard(ctx, user)
	if err != nil && ctx.Err() != nil {
		return photo, false // the link or the asker is gone: no answer
	}
	var found *presence.Profile
	if err == nil {
		// What cannot be understood says nothing (I3).
		if card, wrong := parseCard(frame, g); wrong == nil {
			found, photo = card.profile()
		}
	} else if _, refused := errors.AsType[*StanzaError](err); refused {
		// Servers answer so for a user without a vCard, and for one who shows it
		// to nobody; with a privilege they tell no other error.
		err = nil
	}
	l.c.door.CardRead(user.Addr, found, err)
	return photo, photo.Hash != ""
}

// fetchCard asks and returns the answer, and the grant by which it was asked for;
// nil: as a stranger.
func (l *link) fetchCard(ctx context.Context, user presence.JID) (frame []byte, g *privilege.Grant, err error) {
	const payload = "<vCard xmlns='" + nsVCard + "'/>"
	answers := make(chan answer, 1)
	id := l.tracker.add(request{
		from: presence.JID{Addr: user.Addr}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			a.frame = append([]byte(nil), a.frame...) // it is the reader's
			answers <- a
		},
	})
	g = l.granted(user.Addr.Domain(), (*hostLink).readsCards)
	l.send(func(dst []byte) []byte {
		if g != nil {
			return g.AppendWrapped(dst, "get", id, l.c.o.Domain, user.Bare, []byte(payload))
		}
		return append(append(stream.AppendIQ(dst, "get", id, l.c.o.Domain, user.Bare), payload...), "</iq>"...)
	})
	select {
	case a := <-answers:
		return a.frame, g, a.err
	case <-ctx.Done():
		return nil, g, ctx.Err()
	}
}

// readsCards reports whether a host lets us read its users' vCards; link.mu is held.
func (h *hostLink) readsCards() bool {
	g := h.advert.Grant
	return g != nil && g.MayIQ(nsVCard)
}

// vcard is a vCard as XEP-0054 writes it, as far as it is used.
type vcard struct {
	XMLName xml.Name `xml:"vcard-temp vCard"`
	FN      string   `xml:"FN"`
	Title   string   `xml:"TITLE"`
	Org     []struct {
		Name string `xml:"ORGNAME"`
	} `xml:"ORG"`
	Email []struct {
		kinds
		UserID string `xml:"USERID"`
	} `xml:"EMAIL"`
	Tel []struct {
		kinds
		Number string `xml:"NUMBER"`
	} `xml:"TEL"`
	Adr []struct {
		kinds
		Locality string `xml:"LOCALITY"`
	} `xml:"ADR"`
	Photo []struct {
		Binval string `xml:"BINVAL"`
	} `xml:"PHOTO"`
}

// kinds are the marks on addresses and numbers.
type kinds struct {
	Home  *struct{} `xml:"HOME"`
	Work  *struct{} `xml:"WORK"`
	Cell  *struct{} `xml:"CELL"`
	Fax   *struct{} `xml:"FAX"`
	Pager *struct{} `xml:"PAGER"`
}

// parseCard reads the answer to a vCard get. A result without a card is an empty
// one.
func parseCard(frame []byte, g *privilege.Grant) (*vcard, error) {
	if g != nil {
		card := new(vcard)
		return card, privilege.Unwrap(frame, card)
	}
	var x struct {
		Card vcard `xml:"vcard-temp vCard"`
	}
	return &x.Card, stream.Decode(frame, &x)
}

// profile turns a card into a profile, nil for one that says nothing, and the photo
// in it. Values that cannot be shown are left out.
func (v *vcard) profile() (*presence.Profile, directory.Picture) {
	p := new(presence.Profile)
	set := func(f presence.Field, s string) {
		if p.Text[f] == "" && showable(s) {
			p.Text[f] = strings.TrimSpace(s)
		}
	}
	set(presence.FieldName, v.FN)
	set(presence.FieldTitle, v.Title)
	for _, o := range v.Org {
		set(presence.FieldCompany, o.Name)
	}
	// An address at home is not for everybody who may see the one at work.
	for _, e := range v.Email {
		if e.Home == nil || e.Work != nil {
			set(presence.FieldEmail, e.UserID)
		}
	}
	for _, a := range v.Adr {
		if a.Home == nil || a.Work != nil {
			set(presence.FieldLocation, a.Locality)
		}
	}
	for _, t := range v.Tel {
		if t.Fax == nil && t.Pager == nil {
			set(t.phone(), t.Number)
		}
	}
	pic := v.photo()
	if pic.Hash != "" {
		p.Text[presence.FieldPhoto], p.PhotoSource = pic.Hash, presence.UserPhoto
	}
	if *p == (presence.Profile{}) {
		return nil, pic
	}
	return p, pic
}

// phone is the field of a number: a private one is never taken for one at work.
func (k *kinds) phone() presence.Field {
	switch {
	case k.Cell != nil:
		return presence.FieldMobilePhone
	case k.Home != nil:
		return presence.FieldHomePhone
	case k.Work != nil:
		return presence.FieldWorkPhone
	}
	return presence.FieldOtherPhone
}

// photo returns the first photo that may be shown.
func (v *vcard) photo() directory.Picture {
	for _, p := range v.Photo {
		compact := strings.Join(strings.Fields(p.Binval), "")
		if base64.StdEncoding.DecodedLen(len(compact)) > directory.MaxPicture+2 {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(compact)
		if err != nil {
			continue
		}
		if pic, err := directory.NewPicture(data); err == nil {
			return pic
		}
	}
	return directory.Picture{}
}

// showable reports whether a value of a vCard fits on one line.
func showable(s string) bool {
	s = strings.TrimSpace(s)
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxCardText && !strings.ContainsFunc(s, unicode.IsControl)
}
