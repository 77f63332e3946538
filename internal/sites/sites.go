package sites

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"presenced/aggregation/calendar/sources"
	"presenced/config"
	"presenced/internal/directory"
	"presenced/internal/polling"
	"presenced/internal/presence"
)

// Of returns the operator's sources as the poller takes them. book returns the
// directory in force, whenever an address is looked up in it. The error names the
// entry and ends in a hint.
func Of(c *config.Config, book func() *directory.Book) ([]polling.Site, error) {
	sites := make([]polling.Site, 0, len(c.Calendar.Sources))
	for i := range c.Calendar.Sources {
		site, err := one(&c.Calendar.Sources[i], book)
		if err != nil {
			return nil, fmt.Errorf("calendar.sources[%d]: %w", i, err)
		}
		sites = append(sites, site)
	}
	return sites, nil
}

func one(s *config.CalendarSource, book func() *directory.Book) (polling.Site, error) {
	if !asksForMany(s) {
		if err := sources.CheckTemplate(s.URL.Reveal()); err != nil {
			return polling.Site{}, fmt.Errorf("url: %w; put {user} or {jid} into the path", err)
		}
	}
	covers, err := coverOf(s.Users)
	if err != nil {
		return polling.Site{}, err
	}
	roots, text, err := authorities(s.CAFile)
	if err != nil {
		return polling.Site{}, err
	}
	source, err := open(s, roots)
	if err != nil {
		return polling.Site{}, err
	}
	return polling.Site{
		Name: s.Name, Source: source, Version: versionOf(s, text), InFlight: s.InFlight,
		Mailbox: func(user presence.Addr, bare string) (sources.Mailbox, bool) {
			if !covers(user) {
				return sources.Mailbox{}, false
			}
			address, ok := Address(s, book(), user, bare)
			return sources.Mailbox{Address: address}, ok
		},
	}, nil
}

func asksForMany(s *config.CalendarSource) bool {
	return s.Kind == "ews" || s.Kind == "graph" || s.Kind == "google"
}

// Address says where a user's calendar is at a source: a URL or path, which may
// be a template, or the address of her mailbox. It is false where she has none.
// An e-mail address is the directory's only: what users write into their own
// vCards would let anybody read anybody's calendar.
func Address(s *config.CalendarSource, book *directory.Book, user presence.Addr, bare string) (string, bool) {
	if !asksForMany(s) {
		return s.URL.Reveal(), true
	}
	email := ""
	if p := book.Profile(user); p != nil {
		email = p.Text[presence.FieldEmail]
	}
	pattern := s.Mailbox
	if pattern == "" {
		if pattern = "{jid}"; email != "" {
			pattern = "{email}"
		}
	}
	local, _, _ := strings.Cut(bare, "@")
	address := strings.NewReplacer("{user}", local, "{jid}", bare, "{email}", email).Replace(pattern)
	return address, strings.Contains(address, "@")
}

// coverOf says for whom a source is: users, domains, or with none of both
// everybody.
func coverOf(names []string) (func(presence.Addr) bool, error) {
	if len(names) == 0 || slices.Contains(names, "*") {
		return func(presence.Addr) bool { return true }, nil
	}
	users, domains := map[presence.Addr]bool{}, map[string]bool{}
	for _, name := range names {
		a, err := presence.ParseAddr(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("users: %q: %w; write an address such as alice@example.org", name, err)
		case a.Local() == "":
			domains[a.Domain()] = true
		default:
			users[a] = true
		}
	}
	return func(a presence.Addr) bool { return users[a] || domains[a.Domain()] }, nil
}

// versionOf tells configurations of a source apart, with its secrets and the
// authorities it trusts.
func versionOf(s *config.CalendarSource, authorities []byte) string {
	text, err := json.Marshal([]any{s, s.URL.Reveal(), s.Password.Reveal(), s.Key.Reveal(), authorities})
	if err != nil {
		return "" // texts can always be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
