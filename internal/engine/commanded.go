package engine

import "time"

// commandPause keeps a program that sends one command after the other from having
// a roster read for each: privacy.refresh is no shorter either (S8.8).
const commandPause = time.Second

// commanded has what the server keeps of a user read again after a change of hers:
// she may have blocked somebody, or moved a contact, just before (S8.8). It does not
// wait for the answer.
func (u *user) commanded(now time.Time) {
	last := max(u.roster.readAt, u.lists.readAt)
	recent := last != 0 && last.age(u.sh.e.instant(now)) < commandPause
	if !u.gone && !recent && len(u.person.Inputs.Resources) > 0 {
		u.reread(now)
	}
}
