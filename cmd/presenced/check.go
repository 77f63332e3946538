package main

import (
	"github.com/spf13/cobra"

	"presenced/internal/check"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "find out what is wrong",
		Long: `Looks at everything presenced depends on and tells for each what was found and
what to do: the configuration, the clock, the XMPP server, what the server lets
the component do, the store, and what users should know about their privacy.
Where the server has to be configured, the lines to paste are printed.

A running daemon is asked first and its connection is left alone; with --socket
and no configuration it is all that is asked. The exit code is 1 when a step
failed, and 78 when the configuration cannot be used.`,
		Example: "  presenced check --config /etc/presenced/presenced.toml",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := check.Options{Config: a.config, Overrides: a.overrides(), Socket: a.socket}
			if a.socket != "" && a.unconfigured() {
				o.Config = ""
			}
			report := check.Run(cmd.Context(), o)
			if a.json {
				if err := a.printJSON(report); err != nil {
					return err
				}
			} else if err := report.Print(a.stdout); err != nil {
				return err
			}
			switch {
			case report.Unusable:
				return told(exitConfig)
			case report.Failed > 0:
				return told(exitProblem)
			}
			return nil
		},
	}
}
