//go:build integration

package acceptance

import (
	"testing"

	"presenced/internal/testbed"
)

// TestSharedGroups_AreGroupsOfHerOwn tells what docs/privacy.md says: ejabberd adds
// its shared roster groups to rosters without a mark, so that a rule for a group
// counts for them whatever presence.shared_groups says.
func TestSharedGroups_AreGroupsOfHerOwn(t *testing.T) {
	s := &site{T: t, topology: topology{testbed.Ejabberd, true}}
	s.srv = testbed.RunServer(t, testbed.Ejabberd, testbed.Options{Privileged: true, ExtraGlobal: "  mod_shared_roster: {}"})
	for _, user := range []string{"alice", "bob", "carol"} {
		s.must(s.srv.AddUser(t.Context(), user, host, "pw"))
	}
	s.must(s.srv.EjabberdCommand(t.Context(), "srg_create",
		map[string]any{"group": "staff", "host": host, "label": "Staff", "description": "", "display": "staff"}, nil))
	for _, user := range []string{"alice", "bob"} {
		s.must(s.srv.EjabberdCommand(t.Context(), "srg_user_add",
			map[string]any{"user": user, "host": host, "group": "staff", "grouphost": host}, nil))
	}
	_, store := storeOf(t)
	config := lay(map[string]any{"store": store, "presence": map[string]any{"shared_groups": false}}, testbed.ConfigFor(s.srv))
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Config: config})

	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.enable(alice)
	s.run(alice, "levels", "action", "put", "container", "300", "type", "group", "value", "Staff")
	s.watch(bob, "alice")
	s.watch(carol, "alice")
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd", Priority: 5}))
	s.sees(carol, "alice", "dnd 9500", converge)
	s.sees(bob, "alice", "dnd 6900 urgent-interruptions-only", converge)
}
