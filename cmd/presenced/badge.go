package main

import (
	"github.com/spf13/cobra"

	"presenced/internal/admin"
)

func (a *app) userBadgeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "badge USER [on|off]",
		Short: "give a user a badge for web pages, or take it away",
		Long: `A badge shows the class of a user's availability (available, busy, away …) to
everybody who knows its random handle, and nothing else. Her rules do not apply to
it, so it is hers to choose. "off" ends it for good; "on" afterwards makes another
handle. Without either the handle is printed.`,
		Example: "  presenced user badge alice@example.org on",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) < 2:
				return takes("USER")(cmd, args)
			case args[1] != "on" && args[1] != "off":
				return usage("%s takes on or off, but got %q", cmd.CommandPath(), args[1])
			}
			return takes("USER", "on or off")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			if len(args) == 2 {
				if err := client.SetBadge(cmd.Context(), args[0], args[1] == "on"); err != nil {
					return err
				}
			}
			badge, err := client.Badge(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printBadge(args[0], badge)
		},
	}
}

func (a *app) printBadge(user string, badge admin.Badge) error {
	switch {
	case a.json:
		return a.printJSON(badge)
	case badge.Handle == "":
		return a.printf("%s has no badge\n", oneLine(user))
	}
	if err := a.printf("%s\n", badge.Handle); err != nil {
		return err
	}
	return a.note("  shown at /badge/%s.svg, .json and .txt of http.listen\n", badge.Handle)
}
