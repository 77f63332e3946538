package engine

import "time"

// commandPause keeps a program that sends one command after the other from having
// a roster read for each: privacy.refresh is no shorter either (S8.8).
const commandPause = time.Second

// commanded has what the server keeps of a user read again after a change of hers:
// she may have blocked somebody, or moved a contact, just before (S8.8). It does not
// wait for the answer.
func (u *user) commanded(now time.Time) {
	if u.gone || len(u.person.Inputs.Resources) == 0 || now.Sub(u.serverReadAt()) < commandPause {
		return
	}
	u.reread(now, nil)
}

// serverReadAt is when what the server keeps was last read.
func (u *user) serverReadAt() time.Time { return later(u.roster.readAt, u.lists.readAt) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
