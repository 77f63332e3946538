package privilege

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"

	"presenced/component/stream"
)

// Presence is a permission about presence (XEP-0356 §7).
type Presence uint8

// The presence permissions. ManagedEntity means the presence of the host's
// users, Roster also that of their contacts.
const (
	NoPresence Presence = iota
	ManagedEntity
	Roster
)

// Grant is what one host has granted in one privilege advert.
type Grant struct {
	Version   int // of the namespace: 1 or 2
	ReadsList bool
	SetsList  bool // rosters, both
	Sends     bool // messages for its users
	Presence  Presence
	IQ        []string // namespaces that may be read or written for a user, sorted
	IQSet     []string // those of them that may be written, sorted
}

// Advert is what one message of a host announces. Several parts may come in
// one message; each is absent unless the message has it.
type Advert struct {
	Grant     *Grant
	Delegated []string // namespaces of a delegation advert
}

// maxNames bounds the namespaces remembered of one advert; servers announce
// fewer than ten.
const maxNames = 256

// ParseAdvert reads a message of a served host. A message without adverts
// gives an empty Advert; an error means malformed XML.
func ParseAdvert(frame []byte) (Advert, error) {
	var a Advert
	d := stream.NewDecoder(frame)
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return Advert{}, fmt.Errorf("privilege: advert: %w", err)
		}
		if start, ok := t.(xml.StartElement); ok {
			a.take(start)
		}
	}
}

// take adds what one element at any depth says.
func (a *Advert) take(e xml.StartElement) {
	switch v := versionOf(e.Name.Space, nsPrivilege); {
	case v != 0 && e.Name.Local == "privilege":
		if a.Grant == nil {
			a.Grant = &Grant{Version: v}
		}
	case v != 0 && e.Name.Local == "perm" && a.Grant != nil:
		a.Grant.permit(attr(e, "access"), attr(e, "type"))
	case v != 0 && e.Name.Local == "namespace" && a.Grant != nil:
		if typ := attr(e, "type"); typ == "both" || typ == "get" || typ == "set" {
			a.Grant.IQ = insert(a.Grant.IQ, attr(e, "ns"))
			if typ != "get" {
				a.Grant.IQSet = insert(a.Grant.IQSet, attr(e, "ns"))
			}
		}
	case versionOf(e.Name.Space, nsDelegation) != 0 && e.Name.Local == "delegated":
		a.Delegated = insert(a.Delegated, attr(e, "namespace"))
	}
}

// permit adds one permission; unknown ones grant nothing.
func (g *Grant) permit(access, typ string) {
	switch access {
	case "roster":
		g.ReadsList = g.ReadsList || typ == "get" || typ == "both"
		g.SetsList = g.SetsList || typ == "set" || typ == "both"
	case "message":
		g.Sends = g.Sends || typ == "outgoing"
	case "presence":
		switch typ {
		case "managed_entity":
			g.Presence = max(g.Presence, ManagedEntity)
		case "roster":
			g.Presence = Roster
		}
	}
}

// Managed reports whether the presence of the host's users is forwarded. The
// roster permission includes that of managed_entity (XEP-0356 §7.2).
func (g *Grant) Managed() bool { return g != nil && g.Presence != NoPresence }

// Words names the permissions for people: "privilege:2", "roster get" and so on.
func (a *Advert) Words() []string {
	var out []string
	if g := a.Grant; g != nil {
		out = append(out, fmt.Sprintf("privilege:%d", g.Version))
		for _, w := range []struct {
			has  bool
			word string
		}{
			{g.ReadsList, "roster get"}, {g.SetsList, "roster set"}, {g.Sends, "message"},
			{g.Presence == ManagedEntity, "presence managed_entity"}, {g.Presence == Roster, "presence roster"},
		} {
			if w.has {
				out = append(out, w.word)
			}
		}
		for _, ns := range g.IQ {
			out = append(out, "iq "+ns)
		}
	}
	for _, ns := range a.Delegated {
		out = append(out, "delegated "+ns)
	}
	return out
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// insert adds a name to a sorted list, once and within bounds.
func insert(names []string, name string) []string {
	i, found := slices.BinarySearch(names, name)
	if found || name == "" || len(names) >= maxNames {
		return names
	}
	return slices.Insert(names, i, name)
}

// MayIQ reports whether IQs of a namespace may be sent for the host's users.
func (g *Grant) MayIQ(ns string) bool { return g != nil && slices.Contains(g.IQ, ns) }
