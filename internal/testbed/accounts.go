package testbed

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Account is a user to be created, with her roster.
type Account struct {
	User, Host, Password string
	Roster               []RosterItem
}

// RosterItem is one contact (RFC 6121 §2.1.2).
type RosterItem struct {
	JID, Name string
	// Subscription is none, to, from or both; empty means none.
	Subscription string
	// Ask is "subscribe" while a request is pending; read only.
	Ask    string
	Groups []string
}

func (it RosterItem) subscription() string {
	if it.Subscription == "" {
		return "none"
	}
	return it.Subscription
}

// xml renders the item as it stands inside a roster query.
func (it RosterItem) xml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<item jid='%s'", Escape(it.JID))
	if it.Name != "" {
		fmt.Fprintf(&b, " name='%s'", Escape(it.Name))
	}
	if it.Subscription != "" {
		fmt.Fprintf(&b, " subscription='%s'", Escape(it.Subscription))
	}
	b.WriteString(">")
	for _, g := range it.Groups {
		fmt.Fprintf(&b, "<group>%s</group>", Escape(g))
	}
	b.WriteString("</item>")
	return b.String()
}

// AddUser creates one account on a served host.
func (s *Server) AddUser(ctx context.Context, user, host, password string) error {
	return s.Seed(ctx, []Account{{User: user, Host: host, Password: password}})
}

// Seed creates many accounts with their rosters at once, without a client and
// without presence being exchanged. Users must not be logged in.
func (s *Server) Seed(ctx context.Context, accounts []Account) error {
	for _, a := range accounts {
		if !slices.Contains(s.Hosts, a.Host) {
			return fmt.Errorf("testbed: account %s@%s: host is not served", a.User, a.Host)
		}
	}
	if err := s.product.seed(ctx, s, accounts); err != nil {
		return fmt.Errorf("testbed: seed %d accounts: %w", len(accounts), err)
	}
	return nil
}
