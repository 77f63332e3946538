package component

import (
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// deaf is an Auditor that keeps nothing: the proofs hold while a trail is kept, too.
type deaf struct{}

func (deaf) Looked(engine.Principal, []presence.Addr, []presence.View) {}
func (deaf) Noted(engine.Deed)                                         {}
