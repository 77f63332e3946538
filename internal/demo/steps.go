package main

import (
	"context"
	"time"

	"presenced/internal/testbed"
)

// How Alice may look. Numbers and tokens are those of SEMANTICS S3 and S4.
var (
	available  = look{"available", 3500, ""}
	idle       = look{"away (idle)", 5000, ""}
	busy       = look{"busy", 6500, ""}
	away       = look{"away", 15500, ""}
	disturbNot = look{"do not disturb", 9500, ""}
	urgent     = look{"busy: urgent only", 6900, urgentOnly}
	meeting    = look{"busy: In a meeting", 6500, "in-a-meeting"}
	meetingIn  = look{"busy: Room 412", 6500, "in-a-meeting"}
	planned    = look{"busy: " + untilItsEnd, 6500, "in-a-meeting"}
	noted      = look{"available: Room 412", 3500, ""}
	notedAway  = look{"away: Room 412", 15500, ""}
	backMonday = look{"out: Back Monday", 15500, outOfOffice}
)

// step is one event and what bob, boss, fred and mallory see after it.
type step struct {
	event string
	act   func(ctx context.Context, s *stage) error
	want  [len(columns)]look
	// crash marks the step that kills the daemon: states in between may have
	// been seen or not, and what a watcher was sent last may come once more.
	crash bool
}

// steps is the demo. What is not said to change must not be sent.
var steps = [...]step{
	{event: "her desk comes online", act: deskComes,
		want: row(available, available, available)},
	{event: "her phone comes online", act: phoneComes,
		want: row(available, available, available)},
	{event: "desk idle for 6 minutes", act: deskIdles,
		want: row(available, available, available)},
	{event: "phone away: both unused", act: phone(testbed.PresenceOptions{Show: "away"}),
		want: row(idle, idle, idle)},
	{event: "phone in use again", act: phone(testbed.PresenceOptions{}),
		want: row(available, available, available)},
	{event: "phone loses its connection", act: phoneDrops,
		want: row(idle, idle, idle)},
	{event: "desk says do not disturb", act: desk(testbed.PresenceOptions{Show: "dnd"}),
		want: row(disturbNot, urgent, disturbNot)},
	{event: "desk says available", act: desk(testbed.PresenceOptions{}),
		want: row(available, available, available)},
	{event: "her calendar has a meeting", act: meets,
		want: row(planned, planned, busy)},
	{event: "the meeting is over", act: waits,
		want: row(available, available, available)},
	{event: "set-state: in a meeting", act: command("set-state", "state", "in-a-meeting"),
		want: row(meeting, meeting, busy)},
	{event: `note: "Room 412"`, act: command("note", "text", "Room 412"),
		want: row(meetingIn, meetingIn, busy)},
	{event: "clear-state: meeting is over", act: command("clear-state"),
		want: row(noted, noted, available)},
	{event: "out-of-office: on; desk away", act: leavesOffice,
		want: row(backMonday, backMonday, away)},
	{event: "desk back; out-of-office: off", act: returns,
		want: row(noted, noted, available)},
	{event: "set-state: appear offline", act: command("set-state", "state", "appear-offline"),
		want: row(offline, offline, offline)},
	{event: "clear-state: visible again", act: command("clear-state"),
		want: row(noted, noted, available)},
	{event: "block: fred", act: command("block", "jid", addresses[2]),
		want: row(noted, noted, offline)},
	{event: "unblock: fred", act: command("unblock", "jid", addresses[2]),
		want: row(noted, noted, available)},
	{event: "kill -9; desk away; restarted", act: killed, crash: true,
		want: row(notedAway, notedAway, away)},
	{event: "desk logs out", act: logsOut,
		want: row(offline, offline, offline)},
	{event: "desk is back, for you to play", act: deskComes,
		want: row(noted, noted, available)},
}

// row is a line of the table: nobody shows mallory anything.
func row(bob, boss, fred look) [len(columns)]look {
	return [len(columns)]look{bob, boss, fred, offline}
}

func deskComes(ctx context.Context, s *stage) error  { return s.come(ctx, &s.desk, "desk") }
func phoneComes(ctx context.Context, s *stage) error { return s.come(ctx, &s.phone, "phone") }
func phoneDrops(_ context.Context, s *stage) error   { return s.phone.Drop() }
func logsOut(_ context.Context, s *stage) error      { return s.desk.Close() }

func deskIdles(_ context.Context, s *stage) error {
	return s.desk.Presence(testbed.PresenceOptions{IdleSince: time.Now().Add(-6 * time.Minute)})
}

func desk(p testbed.PresenceOptions) func(context.Context, *stage) error {
	return func(_ context.Context, s *stage) error { return s.desk.Presence(p) }
}

func phone(p testbed.PresenceOptions) func(context.Context, *stage) error {
	return func(_ context.Context, s *stage) error { return s.phone.Presence(p) }
}

// command has Alice run a command with these fields, name and value in turn.
func command(node string, fields ...string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		_, err := s.command(ctx, node, fields...)
		return err
	}
}

// leavesOffice: the period alone shows nothing while she sits at her desk
// (SEMANTICS S5.5).
func leavesOffice(ctx context.Context, s *stage) error {
	if _, err := s.command(ctx, "out-of-office", "on", "1", "note", "Back Monday"); err != nil {
		return err
	}
	return s.desk.Presence(testbed.PresenceOptions{Show: "away"})
}

func returns(ctx context.Context, s *stage) error {
	if err := s.desk.Presence(testbed.PresenceOptions{}); err != nil {
		return err
	}
	if err := s.desk.Ping(ctx, component); err != nil { // in this order
		return err
	}
	_, err := s.command(ctx, "out-of-office", "on", "0")
	return err
}

// killed: the daemon dies in the middle of one change and misses the next.
func killed(ctx context.Context, s *stage) error {
	if err := s.desk.Presence(testbed.PresenceOptions{Show: "dnd"}); err != nil {
		return err
	}
	if err := s.daemon.Kill(); err != nil {
		return err
	}
	if err := s.desk.Presence(testbed.PresenceOptions{Show: "away"}); err != nil {
		return err
	}
	return s.daemon.Start(ctx)
}
