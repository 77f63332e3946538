package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print the version",
		Example: "  presenced version --json",
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if a.json {
				return a.printJSON(map[string]string{"version": version, "go": runtime.Version(), "platform": platform})
			}
			return a.printf("presenced %s (%s, %s)\n", version, runtime.Version(), platform)
		},
	}
}
