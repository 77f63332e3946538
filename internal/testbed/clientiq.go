package testbed

import (
	"context"
	"crypto/sha1" // the capabilities hash of XEP-0115
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// capsNode names the testbed's client software in capabilities.
const capsNode = "urn:presenced:testbed"

// IQ sends a get or set and returns the reply, matched by id and sender. An
// error reply is returned together with its *StanzaError. An empty to asks
// the user's own account.
func (c *Client) IQ(ctx context.Context, typ, to, payload string) (Stanza, error) {
	id := c.nextID()
	w := c.log.expect(id, func(s Stanza) bool { return c.repliesFor(to, s.From) })
	defer c.log.forget(id)
	attr := c.fromAttr(c.JID)
	if to != "" {
		attr += " to='" + Escape(to) + "'"
	}
	if err := c.Send(fmt.Sprintf("<iq type='%s' id='%s'%s>%s</iq>", typ, id, attr, payload)); err != nil {
		return Stanza{}, err
	}
	select {
	case s := <-w.reply:
		return s, replyError(s)
	case <-c.log.ended:
	case <-ctx.Done():
		return Stanza{}, fmt.Errorf("testbed: %s got no reply from %q: %w", c.JID, to, context.Cause(ctx))
	}
	select { // the reply may have come with the end
	case s := <-w.reply:
		return s, replyError(s)
	default:
		return Stanza{}, c.Err()
	}
}

func replyError(s Stanza) error {
	if s.Type != "error" {
		return nil
	}
	if s.Err == nil {
		return &StanzaError{Condition: "error without error child"}
	}
	return s.Err
}

// repliesFor tells whether a reply from this sender answers a request to that
// address; the own account may leave its address out (RFC 6120 §8.1.2.1).
func (c *Client) repliesFor(to, from string) bool {
	if to == "" || strings.EqualFold(to, c.Bare()) {
		return from == "" || from == c.Bare() || from == c.JID || (to == "" && from == c.Domain())
	}
	return strings.EqualFold(to, from)
}

// Ping pings an address (XEP-0199) and returns when any answer has come: a
// service-unavailable is an answer too. An empty to pings the own server.
// Every stanza the answering party sent this client before is then received.
func (c *Client) Ping(ctx context.Context, to string) error {
	if to == "" {
		to = c.Domain()
	}
	reply, err := c.IQ(ctx, "get", to, "<ping xmlns='"+nsPing+"'/>")
	if reply.Kind == "iq" {
		return nil
	}
	return err
}

// Quiet is a barrier through the client's server: when it returns, all that
// the server had sent this client before is in the log.
func (c *Client) Quiet(ctx context.Context) error { return c.Ping(ctx, "") }

// Barrier makes every client ping an address, one after the other, twice
// around. With the component's domain, what the clients had sent it before is
// processed by then, and what it had sent them is received, provided it
// answers in order.
func Barrier(ctx context.Context, to string, clients ...*Client) error {
	for range 2 {
		for _, c := range clients {
			if err := c.Ping(ctx, to); err != nil {
				return err
			}
			if err := c.Quiet(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Roster fetches the user's roster; the server then sends her its pushes.
func (c *Client) Roster(ctx context.Context) ([]RosterItem, error) {
	s, err := c.IQ(ctx, "get", "", "<query xmlns='"+nsRoster+"'/>")
	if err != nil {
		return nil, err
	}
	query, _ := s.Root.child(nsRoster, "query")
	return RosterItems(query), nil
}

// RosterItems reads the items of a roster query.
func RosterItems(query Element) []RosterItem {
	var items []RosterItem
	for _, e := range query.Children {
		if e.Name.Local != "item" {
			continue
		}
		it := RosterItem{JID: e.Attr("jid"), Name: e.Attr("name"), Subscription: e.Attr("subscription"), Ask: e.Attr("ask")}
		for _, g := range e.Children {
			if g.Name.Local == "group" {
				it.Groups = append(it.Groups, g.Text)
			}
		}
		items = append(items, it)
	}
	return items
}

// SetContact puts a contact's name and groups into the roster; it does not
// touch the subscription.
func (c *Client) SetContact(ctx context.Context, jid, name string, groups ...string) error {
	return c.setItem(ctx, RosterItem{JID: jid, Name: name, Groups: groups})
}

// RemoveContact takes a contact out of the roster, which cancels both
// subscriptions (RFC 6121 §2.5).
func (c *Client) RemoveContact(ctx context.Context, jid string) error {
	return c.setItem(ctx, RosterItem{JID: jid, Subscription: "remove"})
}

func (c *Client) setItem(ctx context.Context, it RosterItem) error {
	_, err := c.IQ(ctx, "set", "", "<query xmlns='"+nsRoster+"'>"+it.xml()+"</query>")
	return err
}

// react answers what a living client answers by itself.
func (c *Client) react(s Stanza) {
	switch {
	case s.Kind == "presence" && s.Type == "subscribe" && c.opts.AutoApprove != nil && c.opts.AutoApprove(s.From):
		o := PresenceOptions{To: Bare(s.From), Type: "subscribed"}
		if c.isComponent() {
			o.From = s.To
		}
		_ = c.Presence(o) // a dead stream is reported by the reader
	case s.Kind == "iq" && (s.Type == "get" || s.Type == "set"):
		_ = c.Send(c.iqAnswer(s))
	}
}

func (c *Client) iqAnswer(s Stanza) string {
	to := c.fromAttr(s.To)
	if s.From != "" {
		to += " to='" + Escape(s.From) + "'"
	}
	payload, ok := c.answerPayload(s)
	if ok {
		return fmt.Sprintf("<iq type='result' id='%s'%s>%s</iq>", Escape(s.ID), to, payload)
	}
	return fmt.Sprintf("<iq type='error' id='%s'%s><error type='cancel'><service-unavailable xmlns='%s'/></error></iq>",
		Escape(s.ID), to, nsStanzas)
}

func (c *Client) answerPayload(s Stanza) (string, bool) {
	if c.opts.OnIQ != nil {
		if payload, ok := c.opts.OnIQ(s); ok {
			return payload, true
		}
	}
	if len(s.Root.Children) == 0 {
		return "", false
	}
	query := s.Root.Children[0]
	switch query.Name.Space {
	case nsPing:
		return "", true
	case nsRoster, "urn:xmpp:blocking":
		return "", s.Type == "set" && (s.From == "" || s.From == c.Bare()) // a push
	case nsDisco:
		return discoAnswer(query.Attr("node"), c.opts.Features), true
	}
	return "", false
}

// discoAnswer lists the client's identity and features.
func discoAnswer(node string, features []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<query xmlns='%s'", nsDisco)
	if node != "" {
		fmt.Fprintf(&b, " node='%s'", Escape(node))
	}
	b.WriteString("><identity category='client' type='bot' name='testbed'/>")
	for _, f := range features {
		fmt.Fprintf(&b, "<feature var='%s'/>", Escape(f))
	}
	b.WriteString("</query>")
	return b.String()
}

// capsVer computes the verification string of XEP-0115 §5.1 for discoAnswer.
func capsVer(features []string) string {
	parts := append([]string{"client/bot//testbed"}, slices.Sorted(slices.Values(features))...)
	sum := sha1.Sum([]byte(strings.Join(parts, "<") + "<"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
