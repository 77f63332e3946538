package engine

import (
	"time"

	"presenced/internal/presence"
)

// decoy is a user nobody is, on whom a question about nobody does the work that
// one about somebody costs: else the half microsecond between the two could be
// told by asking often enough (I2). It is enrolled, has no devices and is in no
// list of users.
type decoy struct {
	u     *user
	rules *Rules // for which its policy was made
}

var decoyAddr = presence.MustAddr("nobody@decoy.invalid")

// pretend places the asker and projects for him, and throws the result away.
func (s *shard) pretend(asker presence.Addr, now time.Time) {
	d := &s.decoy
	if r := s.e.rules(); d.u == nil || d.rules != r {
		d.u = &user{sh: s, addr: decoyAddr, slot: -1, host: &hostState{}}
		d.u.set = newSettings()
		d.u.set.enrol.JID = decoyAddr.String()
		d.u.sorted = d.u.set.subs
		d.u.set.enrol.Enabled = true
		d.u.obey()
		d.rules = r
		d.u.recompile()
	}
	_ = d.u.stranger(asker) && !d.u.person.Admits(asker)
	d.u.project(d.u.place(asker).Container, now, &s.view)
}
