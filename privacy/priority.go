package privacy

import "presenced/internal/presence"

// prefer compiles the priority list. What is no address stands for nobody.
func (p *Policy) prefer(people []string) {
	for _, jid := range people {
		if a, err := presence.ParseAddr(jid); err == nil {
			if p.priority == nil {
				p.priority = make(map[presence.Addr]struct{}, len(people))
			}
			p.priority[a] = struct{}{}
		}
	}
}

// Preferred reports whether w is on the owner's priority list (S7).
func (p *Policy) Preferred(w presence.Addr) bool {
	_, ok := p.priority[w]
	return ok
}

// Prefer gives a view what the priority list adds to what its container grants:
// the right to interrupt, while anything is shown at all (S7).
func Prefer(v *presence.View) { v.Interrupt = v.Availability < presence.OfflineFrom }
