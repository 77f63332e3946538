//go:build integration

package acceptance

import (
	"context"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// dropLimit is within how long a dropped connection must be shown: at once
// where the server reports it, else within presence.liveness.
func (s *site) dropLimit() time.Duration {
	return converge + 10*time.Second // the configured liveness
}

var quickLiveness = map[string]any{"presence": map[string]any{"liveness": "10s"}}

func TestMirror_OnePresenceThroughDevices(t *testing.T) {
	everywhere(t, quickLiveness, func(s *site) {
		desk := s.login("alice", "desk")
		bob := s.login("bob", "home")
		s.enable(desk)
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)

		phone := s.login("alice", "phone")
		s.must(phone.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.sees(bob, "alice", "dnd 9500", converge)
		s.must(phone.Drop())
		s.sees(bob, "alice", "online 3500", s.dropLimit())

		s.must(desk.Presence(testbed.PresenceOptions{Show: "away"}))
		s.sees(bob, "alice", "away 15500", converge)
		s.must(desk.Presence(testbed.PresenceOptions{Show: "xa"}))
		s.sees(bob, "alice", "xa 15500 extended-away", converge)
		s.must(desk.Drop())
		s.sees(bob, "alice", "offline", s.dropLimit())

		desk = s.login("alice", "desk")
		s.sees(bob, "alice", "online 3500", converge)
		s.noRepeats(bob, "alice", 0)

		// A watcher who logs in is shown the state at once, exactly once.
		again := s.login("bob", "work")
		s.sees(again, "alice", "online 3500", converge)
		s.must(desk.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.sees(again, "alice", "dnd 9500", converge)
		s.noRepeats(again, "alice", 0)
	})
}

func TestMirror_KilledWhileStatesChange(t *testing.T) {
	everywhere(t, quickLiveness, func(s *site) {
		desk, phone := s.login("alice", "desk"), s.login("alice", "phone")
		bob := s.login("bob", "home")
		s.enable(desk)
		s.watch(bob, "alice")
		s.must(phone.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.sees(bob, "alice", "dnd 9500", converge)

		s.must(s.d.Kill())
		s.must(phone.Drop())
		mark := bob.Mark()
		s.must(desk.Presence(testbed.PresenceOptions{Show: "xa"}))
		s.must(desk.Quiet(s.Context()))
		s.must(s.d.Start(s.Context()))
		if s.learnsAtAttach() {
			s.sees(bob, "alice", "xa 15500 extended-away", converge)
		} else {
			s.sees(bob, "alice", "xa 15500 extended-away", s.dropLimit())
		}
		s.must(desk.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.sees(bob, "alice", "dnd 9500", converge)
		s.noRepeats(bob, "alice", mark)
	})
}

// learnsAtAttach: the server tells the state, or answers probes, at the attach.
func (s *site) learnsAtAttach() bool { return s.kind == testbed.Prosody || !s.privileged }

func TestMirror_ServerRestarts(t *testing.T) {
	everywhere(t, quickLiveness, func(s *site) {
		desk := s.login("alice", "desk")
		bob := s.login("bob", "home")
		s.enable(desk)
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)
		s.must(s.srv.Kill())
		s.must(s.srv.Start(s.Context()))
		desk = s.login("alice", "desk")
		s.must(desk.Presence(testbed.PresenceOptions{Show: "dnd"}))
		bob = s.login("bob", "home")
		s.sees(bob, "alice", "dnd 9500", converge)
		s.must(desk.Drop())
		s.sees(bob, "alice", "offline", s.dropLimit())
	})
}

// TestMirror_CleanStopLeavesNoGreenDot: a drain says goodbye, a start greets.
func TestMirror_CleanStopLeavesNoGreenDot(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		desk := s.login("alice", "desk")
		bob := s.login("bob", "home")
		s.enable(desk)
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)
		s.must(s.d.Stop())
		s.sees(bob, "alice", "offline", converge)
		s.must(s.d.Start(s.Context()))
		s.sees(bob, "alice", "online 3500", converge)
		s.noRepeats(bob, "alice", 0)
	})
}

func TestSelf_SeesHerMirror(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		desk := s.login("alice", "desk")
		s.enable(desk)
		s.watch(desk, "alice")
		s.sees(desk, "alice", "online 3500", converge)
		s.within(converge, "the watcher in her own roster", func(ctx context.Context) error {
			return desk.Ping(ctx, mirrorOf("alice"))
		})
	})
}

// TestEnrolment_ByAddingTheContact: who adds the component is enrolled, is
// asked for her presence in return where that is needed, and is shown; who
// removes it is shown no more.
func TestEnrolment_ByAddingTheContact(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		desk := s.login("alice", "desk")
		bob := s.login("bob", "home")
		s.must(desk.Subscribe(component))
		s.within(converge, "the component accepts", func(ctx context.Context) error {
			_, err := desk.WaitPresence(ctx, component, func(st testbed.Stanza) bool { return st.Type == "subscribed" })
			return err
		})
		s.within(converge, "it shows itself", func(ctx context.Context) error {
			_, err := desk.WaitPresence(ctx, component, testbed.Stanza.Available)
			return err
		})
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)
		s.must(desk.RemoveContact(s.Context(), component))
		s.sees(bob, "alice", "offline", converge)
		s.must(desk.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.must(testbed.Barrier(s.Context(), component, desk, bob))
		s.sees(bob, "alice", "offline", converge)
	})
}
