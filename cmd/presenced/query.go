package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"presenced/internal/answer"
	"presenced/internal/presence"
	"presenced/internal/text"
)

func (a *app) queryCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "query USER",
		Short: "show a user's presence as somebody sees it",
		Long: `Asks the running daemon for a user's presence: as a watcher sees it with --as,
else as the user herself does. Somebody unknown, hidden or offline gives the
same answer, offline, as it does to every watcher.`,
		Example: "  presenced query alice@example.org --as bob@example.org",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			p, err := client.Presence(cmd.Context(), args[0], as)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(p)
			}
			return a.table(describe(p))
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "the `JID` of the watcher")
	return cmd
}

// describe tells a presence in lines of name and value.
func describe(p answer.Presence) []string {
	number := presence.Availability(p.Availability)
	rows := []string{
		"user\t" + p.User,
		"availability\t" + fmt.Sprintf("%s (%d)", text.Class("en", number.Class()), number),
	}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, name+"\t"+value)
		}
	}
	add("show", p.Show)
	add("activity", p.Activity)
	add("status", oneLine(p.Status))
	add("until", p.Until)
	add("may be interrupted", yes(p.Interrupt))
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		add(name, oneLine(p.Fields[name]))
	}
	return rows
}

// oneLine keeps a text somebody else wrote from breaking the columns or the
// terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}
