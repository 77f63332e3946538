package privacy

import (
	"fmt"

	"presenced/internal/presence"
)

// Limits of custom container ids (S1).
const (
	minCustom presence.ContainerID = 4
	maxCustom presence.ContainerID = 31999
)

// CheckCustom tells why a custom container cannot have this id or base (S1).
func CheckCustom(id, base presence.ContainerID) error {
	switch {
	case id < minCustom || id > maxCustom:
		return fmt.Errorf("container %d: a custom id lies between %d and %d; choose another", id, minCustom, maxCustom)
	case visible(id):
		return fmt.Errorf("container %d is predefined; choose another id", id)
	case !visible(base):
		return fmt.Errorf("container %d: base %d is none of 100, 200, 300 and 400; choose one of them", id, base)
	}
	return nil
}

var predefined = [...]presence.ContainerID{presence.External, presence.Colleagues, presence.Workgroup, presence.Friends}

// visible reports whether id is one of the predefined containers that show
// something to others.
func visible(id presence.ContainerID) bool {
	for _, p := range predefined {
		if id == p {
			return true
		}
	}
	return false
}

// target tells why a rule cannot place somebody in id (S1).
func (s *Site) target(id presence.ContainerID) error {
	if id == presence.DefaultContainer || id == presence.Blocked || visible(id) {
		return nil
	}
	if _, ok := s.custom[id]; ok {
		return nil
	}
	return fmt.Errorf("container %d is unknown; use 0, 100, 200, 300, 400, 32000 or a declared custom id", id)
}

// nameOf is how explanations call a container.
func nameOf(id presence.ContainerID) string {
	switch id {
	case presence.DefaultContainer:
		return "Default (0)"
	case presence.Self:
		return "Self (1)"
	case presence.External:
		return "External (100)"
	case presence.Colleagues:
		return "Colleagues (200)"
	case presence.Workgroup:
		return "Workgroup (300)"
	case presence.Friends:
		return "Friends and Family (400)"
	case presence.Blocked:
		return "Blocked (32000)"
	}
	return fmt.Sprintf("container %d", id)
}
