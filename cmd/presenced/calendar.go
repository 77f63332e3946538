package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
)

// ahead is how much of a calendar is shown unless --to says otherwise.
const ahead = 24 * time.Hour

// maxWindow bounds --from to --to: a rule is expanded over all of it.
const maxWindow = 10 * 366 * 24 * time.Hour

// busyFlags are the flags of calendar busy as typed.
type busyFlags struct{ from, to, zone, attendee string }

func (a *app) calendarCommand() *cobra.Command {
	cmd := a.group(&cobra.Command{
		Use:     "calendar",
		Short:   "see what a calendar says",
		Example: "  presenced calendar busy team.ics --tz Europe/Berlin",
	})
	cmd.AddCommand(a.calendarBusyCommand())
	return cmd
}

func (a *app) calendarBusyCommand() *cobra.Command {
	var f busyFlags
	cmd := &cobra.Command{
		Use:   "busy FILE|URL",
		Short: "list when a calendar shows its owner as busy",
		Long: `Reads an iCalendar file, from the disk or over http, and lists when its owner is
out of office (oof), busy, tentative or working elsewhere (elsewhere), in this
order where events overlap. Neither a configuration nor a daemon is needed.

All-day events are listed: this is the calendar, not the presence made of it.
Whether it is made, and of what, is decided by [calendar] in the configuration.

What cannot be read of a calendar is told as a warning and left out. A file that
cannot be trusted, because it is cut off or is no calendar, is an error with
exit code 1.`,
		Example: `  presenced calendar busy team.ics --tz Europe/Berlin
  presenced calendar busy https://dav.example.org/alice.ics --tz Europe/Berlin \
      --from 2026-06-10 --to 2026-06-12T12:00 --attendee alice@example.org --json`,
		Args: takes("FILE|URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(time.Now())
			if err != nil {
				return err
			}
			from, err := findCalendar(args[0])
			if err != nil {
				return err
			}
			text, err := from.read(cmd.Context())
			if err != nil {
				return fmt.Errorf("%s: %w", from.shown, err)
			}
			s, err := calendar.Read(text, o)
			if err != nil {
				return fmt.Errorf("%s: %w", from.shown, err)
			}
			return a.printBusy(&s, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "where the window begins: `T` is 2026-06-10, 2026-06-10T09:00 or 2026-06-10T09:00:00+02:00; default: now")
	flags.StringVar(&f.to, "to", "", "where it ends, a `T` as well; default: a day later")
	flags.StringVar(&f.zone, "tz", "UTC", "the owner's time `ZONE`, such as Europe/Berlin: of all-day events, times without a zone, --from and --to")
	flags.StringVar(&f.attendee, "attendee", "", "the owner's `ADDRESS`, by which her answers to invitations are found; default: invitations count as accepted")
	return cmd
}

// options checks what was typed.
func (f *busyFlags) options(now time.Time) (calendar.Options, error) {
	o := calendar.Options{Locate: time.LoadLocation, Attendee: f.attendee}
	var err error
	if f.zone == "" || strings.EqualFold(f.zone, "local") {
		return o, usage("--tz %q names no zone; write one such as Europe/Berlin, or UTC", f.zone)
	}
	if o.Zone, err = time.LoadLocation(f.zone); err != nil {
		return o, usage("--tz %q is not a time zone; write one such as Europe/Berlin, or UTC", f.zone)
	}
	if f.attendee != "" && !strings.Contains(f.attendee, "@") {
		return o, usage("--attendee %q is not an address; write one such as alice@example.org", f.attendee)
	}
	o.From = now.Truncate(time.Second)
	if f.from != "" {
		if o.From, err = instant("--from", f.from, o.Zone); err != nil {
			return o, err
		}
	}
	o.To = o.From.Add(ahead)
	if f.to != "" {
		if o.To, err = instant("--to", f.to, o.Zone); err != nil {
			return o, err
		}
	}
	switch {
	case !o.From.Before(o.To):
		return o, usage("--to %s is not after --from %s; the window is empty", o.To.In(o.Zone).Format(time.RFC3339), o.From.In(o.Zone).Format(time.RFC3339))
	case o.To.Sub(o.From) > maxWindow:
		return o, usage("--from %s to --to %s is more than ten years; ask for less", f.from, f.to)
	}
	return o, nil
}

// instant reads a time as people and programs write it; without an offset it is
// meant in zone.
func instant(flag, s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("%s %q is not a time; write 2026-06-10, 2026-06-10T09:00 or 2026-06-10T09:00:00+02:00", flag, s)
}

// busyInterval is one interval for programs.
type busyInterval struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Kind  string    `json:"kind"`
}

func (a *app) printBusy(s *calendar.Schedule, o calendar.Options) error {
	merged := s.Intervals(o.From, o.To)
	if a.json {
		out := struct {
			Intervals []busyInterval `json:"intervals"`
			Warnings  []string       `json:"warnings"`
		}{make([]busyInterval, len(merged)), append([]string{}, s.Warnings...)}
		for i, m := range merged {
			out.Intervals[i] = busyInterval{m.Start, m.End, kindName(m.Kind)}
		}
		return a.printJSON(out)
	}
	for _, w := range s.Warnings {
		_, _ = fmt.Fprintf(a.stderr, "warning: %s\n", oneLine(w))
	}
	if len(merged) == 0 {
		return a.printf("nothing from %s to %s (%s)\n", local(o.From, o.Zone), local(o.To, o.Zone), o.Zone)
	}
	rows := make([]string, len(merged))
	for i, m := range merged {
		rows[i] = local(m.Start, o.Zone) + "\t" + local(m.End, o.Zone) + "\t" + kindName(m.Kind)
	}
	return a.table(rows)
}

// local shows an instant on the owner's clock, with its offset: twice a year the
// same time comes twice.
func local(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	if t.Second() != 0 {
		return t.Format("Mon 2006-01-02 15:04:05 -07:00")
	}
	return t.Format("Mon 2006-01-02 15:04 -07:00")
}

// kindName is the name of a kind that other programs rely on.
func kindName(k presence.EventKind) string {
	if k == presence.EventElsewhere {
		return "elsewhere"
	}
	return k.String()
}
