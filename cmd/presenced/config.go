package main

import (
	"errors"

	"github.com/spf13/cobra"

	"presenced/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := a.group(&cobra.Command{
		Use:     "config",
		Short:   "check, show or begin a configuration",
		Example: "  presenced config check --config ./presenced.toml",
	})
	cmd.AddCommand(a.configCheckCommand(), a.configDefaultsCommand(), a.configShowCommand())
	return cmd
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "tell everything that is wrong in a configuration",
		Long: `Reads the configuration as the daemon would and prints one line for everything
that is wrong: where it is, the key, and what to write instead. Nothing is
started or connected to. What is only unwise is printed as a warning.

The exit code is 0 for a usable configuration and 78 for any other.`,
		Example: "  presenced config check --config ./presenced.toml",
		Args:    takes(),
		RunE:    func(*cobra.Command, []string) error { return a.checkConfig() },
	}
}

func (a *app) checkConfig() error {
	c, warnings, err := config.Load(a.config, a.overrides())
	broken, isBroken := errors.AsType[*config.Error](err)
	if err != nil && !isBroken {
		return err
	}
	if err == nil {
		for _, key := range c.Inert() {
			o := c.Origin(key)
			warnings = append(warnings, config.Problem{Where: o.String(), Line: o.Line, Key: key,
				Message: "has no effect in this version", Remedy: "leave it out for now"})
		}
	}
	if a.json {
		report := struct {
			Problems []config.Problem `json:"problems"`
			Warnings []config.Problem `json:"warnings"`
		}{[]config.Problem{}, append([]config.Problem{}, warnings...)}
		if isBroken {
			report.Problems = broken.Problems
		}
		if err := a.printJSON(report); err != nil {
			return err
		}
		if isBroken {
			return told(exitConfig)
		}
		return nil
	}
	if isBroken {
		return broken
	}
	a.warn(warnings)
	return a.printf("%s: fine\n", a.config)
}

func (a *app) configDefaultsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "defaults",
		Short:   "print the default configuration with comments",
		Long:    "Prints a complete configuration file in which every key is explained. Fill in\n[component] and it runs. With --json only the keys and their values are printed.",
		Example: "  presenced config defaults > presenced.toml",
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(config.Entries(config.Default()))
			}
			_, err := a.stdout.Write(config.Defaults())
			return err
		},
	}
}

func (a *app) configShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "print the values in force and where each comes from",
		Long: `Prints every value the daemon would use and where it comes from: the default,
a line of the file, a variable or a flag. Secrets are shown as ***.`,
		Example: "  presenced config show --set log.level=debug",
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(config.Entries(c))
			}
			return config.Show(a.stdout, c)
		},
	}
}
