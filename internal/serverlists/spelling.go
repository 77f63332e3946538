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
const spellingsOf = 2

// spellings returns them. ejabberd stores names as nodeprep has them (RFC 3920
// appendix A), the escapes of XEP-0106 left as they are, and hosts as nameprep has
// them: the first is the escaped form of presence.Addr. On the stream it spells a
// user as her client did, which some ejabberd may store instead.
func spellings(user presence.Addr, bare string) spelled {
	local, domain, found := strings.Cut(bare, "@")
	if !found {
		local, domain = presence.Escape(user.Local()), user.Domain()
	}
	return spelled{
		names: different(presence.Escape(user.Local()), local),
		hosts: different(strings.ToLower(domain), user.Domain()),
	}
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
