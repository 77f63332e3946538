package directory

import (
	"slices"
	"strings"

	"presenced/internal/presence"
)

// Book is a directory that was read. Its methods may be called on nil, which is
// an empty one, and by many goroutines.
type Book struct {
	people map[presence.Addr]*presence.Profile
	emails map[presence.Addr]presence.Addr // an e-mail address is compared as a JID is
	photos map[string]string               // path by hash

	grouped bool // there is a column of groups
	groups  map[presence.Addr][]string
	cells   map[string][]string // the groups of each different cell, kept once
}

// Len returns how many people are in the book.
func (b *Book) Len() int {
	if b == nil {
		return 0
	}
	return len(b.people)
}

// Photos returns how many different photos there are.
func (b *Book) Photos() int {
	if b == nil {
		return 0
	}
	return len(b.photos)
}

// Profile returns what the book holds of a person, nil for nobody. It is shared
// and must not be changed.
func (b *Book) Profile(a presence.Addr) *presence.Profile {
	if b == nil {
		return nil
	}
	return b.people[a]
}

// ByEmail returns the person with that e-mail address; case does not matter. Only
// the operator's word counts here: what users write into their own vCards would
// let anybody pose as anybody.
func (b *Book) ByEmail(email string) (presence.Addr, bool) {
	if b == nil {
		return presence.Addr{}, false
	}
	key, err := emailKey(email)
	if err != nil {
		return presence.Addr{}, false
	}
	a, ok := b.emails[key]
	return a, ok
}

// HasGroups reports whether the book tells who is in which of the operator's groups.
func (b *Book) HasGroups() bool { return b != nil && b.grouped }

// Groups returns the operator's groups a person is in, sorted; not to be changed.
func (b *Book) Groups(a presence.Addr) []string {
	if b == nil {
		return nil
	}
	return b.groups[a]
}

// HasGroup reports whether anybody is in the group.
func (b *Book) HasGroup(name string) bool {
	if b == nil {
		return false
	}
	for _, groups := range b.cells {
		if slices.Contains(groups, name) {
			return true
		}
	}
	return false
}

// join puts a person into the groups of a cell, which are separated by semicolons.
func (b *Book) join(a presence.Addr, cell string) {
	if cell == "" {
		return
	}
	groups, known := b.cells[cell]
	if !known {
		for name := range strings.SplitSeq(cell, ";") {
			if name = strings.TrimSpace(name); name != "" {
				groups = append(groups, strings.Clone(name))
			}
		}
		slices.Sort(groups)
		groups = slices.Compact(groups)
		b.cells[strings.Clone(cell)] = groups
	}
	b.groups[a] = groups
}

// Picture returns the photo with that hash. It reads the file anew, since photos
// would take more memory than everything else; a file that was changed since the
// book was read is not shown before the next reload.
func (b *Book) Picture(hash string) (Picture, bool) {
	if b == nil {
		return Picture{}, false
	}
	path, ok := b.photos[hash]
	if !ok {
		return Picture{}, false
	}
	p, err := readPicture(path)
	return p, err == nil && p.Hash == hash
}

// Strangers returns people at none of the hosts (domains in IDNA form), sorted,
// and at most n of them: they are never shown.
func (b *Book) Strangers(hosts []string, n int) []presence.Addr {
	if b == nil {
		return nil
	}
	var all []presence.Addr
	for a := range b.people {
		if !slices.Contains(hosts, a.Domain()) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, presence.Addr.Compare)
	return all[:min(n, len(all))]
}
