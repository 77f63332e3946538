package privacy

import "presenced/internal/presence"

// people reads the priority list. What is no address stands for nobody.
func people(list []string) map[presence.Addr]struct{} {
	set := make(map[presence.Addr]struct{}, len(list))
	for _, jid := range list {
		if a, err := presence.ParseAddr(jid); err == nil {
			set[a] = struct{}{}
		}
	}
	return set
}

// Preferred reports whether w is on the owner's priority list (S7).
func (p *Policy) Preferred(w presence.Addr) bool {
	if p.special == nil {
		return false
	}
	_, ok := p.special.priority[w]
	return ok
}

// Prefer gives a view what the priority list adds to what its container grants:
// the right to interrupt, while anything is shown at all (S7).
func Prefer(v *presence.View) { v.Interrupt = v.Availability < presence.OfflineFrom }
