package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"presenced/config"
	"presenced/internal/audit"
	"presenced/internal/presence"
)

func (a *app) auditCommand() *cobra.Command {
	var user, since string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "tell who asked for whose presence, and who changed who may see it",
		Long: `Prints the audit trail as it was written, oldest first. It is kept while audit.enabled is
true, and goes back as far as audit.retention says. What people were shown, and
what they wrote, is not in it.

--user prints only what names one person: what she asked and changed, and what
others asked about her. --json prints each entry as one line of JSON, to be kept
or searched elsewhere. That you read the trail is an entry, too.`,
		Example: "  presenced audit --user alice@example.org --since 24h\n" +
			"  presenced audit --since 2026-11-01 --json >november.jsonl",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := sinceWhen(since, time.Now())
			if err != nil {
				return err
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			n := 0
			err = client.Audit(cmd.Context(), user, from, func(line []byte) error {
				n++
				if a.json {
					return a.printf("%s\n", line)
				}
				return a.printf("%s\n", entryLine(line))
			})
			if err == nil && n == 0 && !a.json {
				_, err = fmt.Fprintln(a.stderr, "no entries; \"presenced config show\" says whether the trail is kept (audit.enabled)")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "only what names this `JID`")
	cmd.Flags().StringVar(&since, "since", "", "only what is not older than `T`: 24h, 7d, 2026-11-22 or 2026-11-22T15:00:00Z")
	return cmd
}

// sinceWhen reads how far back to look; the zero time: to the beginning.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := config.ParseDuration(s); err == nil {
		return now.Add(-d.Std()), nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("--since %q is neither a duration such as 24h nor a day such as 2026-11-22 nor an instant such as 2026-11-22T15:00:00Z", s)
}

// entryLine is an entry for people: when, who, by which way, and what.
func entryLine(line []byte) string {
	var e audit.Entry
	if json.Unmarshal(line, &e) != nil {
		return printable(string(line)) // of a newer daemon
	}
	who := e.Who
	if e.UID != nil {
		who = fmt.Sprintf("%s (uid %d)", who, *e.UID)
	}
	parts := []string{e.At, who, e.What}
	add := func(format string, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, value))
		}
	}
	add("%s", e.User)
	add("group %s", e.Group)
	add("as %s", e.As)
	add("%s", e.About)
	if e.Level != nil {
		add("level %s", fmt.Sprint(*e.Level))
	}
	for _, r := range e.Rules {
		parts = append(parts, ruled(r))
	}
	if e.Lost > 0 {
		add("%s entries", fmt.Sprint(e.Lost))
	}
	add("(%s)", e.Outcome)
	if e.Times > 0 {
		parts = append(parts, fmt.Sprintf("%d times since %s", e.Times, e.Since))
	}
	add("by %s", e.Way)
	return printable(strings.Join(parts, "  "))
}

// printable is oneLine for a text that must not turn the direction of what follows
// either.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// ruled tells what became of a rule.
func ruled(r audit.Rule) string {
	level := func(c *presence.ContainerID) string {
		if c == nil {
			return "no rule"
		}
		return fmt.Sprint(*c)
	}
	text := strings.TrimSpace(r.Type+" "+r.Value) + ": " + level(r.Old) + " -> " + level(r.New)
	if r.Until != "" {
		text += " until " + r.Until
	}
	return text
}
