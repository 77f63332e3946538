package serverlists

import (
	"slices"
	"strings"

	"presenced/internal/presence"
)

// spelled are the forms under which a user may stand in the tables, the likely
// ones first.
type spelled struct {
	names []string // at least one, at most spellingsOf
	hosts []string // the same
}

// spellingsOf is the number of forms a query has room for.
const spellingsOf = 3

// spellings returns them. ejabberd stores names as nodeprep has them (RFC 3920
// appendix A), the escapes of XEP-0106 left as they are, and hosts as nameprep has
// them; on the stream it spells a user as her client did. So "Al\u00adice" there
// is "alice" here (S2.7).
func spellings(user presence.Addr, bare string) spelled {
	local, domain, found := strings.Cut(bare, "@")
	if !found {
		local, domain = presence.Escape(user.Local()), user.Domain()
	}
	visible := strings.Map(dropUnseen, local)
	folded := user.Local()
	if a, err := presence.ParseAddr(visible + "@" + domain); err == nil {
		folded = a.Local()
	}
	return spelled{
		names: different(local, strings.ToLower(visible), presence.Escape(folded)),
		hosts: different(domain, strings.ToLower(domain), user.Domain()),
	}
}

// dropUnseen leaves out what nodeprep maps to nothing (RFC 3454 table B.1).
func dropUnseen(r rune) rune {
	switch {
	case r == 0x00AD, r == 0x034F, r == 0x1806, r >= 0x180B && r <= 0x180D, r >= 0x200B && r <= 0x200D,
		r == 0x2060, r >= 0xFE00 && r <= 0xFE0F, r == 0xFEFF:
		return -1
	}
	return r
}

func different(forms ...string) []string {
	var out []string
	for _, f := range forms {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// args are the arguments of a query with room for all forms.
func (s spelled) args(l layout) []any {
	args := padded(s.names)
	if l == layoutHosts {
		args = append(args, padded(s.hosts)...)
	}
	return args
}

// padded repeats the last form.
func padded(forms []string) []any {
	args := make([]any, spellingsOf)
	for i := range args {
		args[i] = forms[min(i, len(forms)-1)]
	}
	return args
}
