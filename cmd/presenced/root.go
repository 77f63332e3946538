package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"presenced/config"
	"presenced/internal/admin"
)

// defaultConfig is where the configuration is unless --config says otherwise.
const defaultConfig = "/etc/presenced/presenced.toml"

// app is one invocation: where it prints, and the flags every command shares.
type app struct {
	stdout, stderr io.Writer
	config         string
	socket         string
	set            []string
	json           bool
	named          bool // --config was given
}

// run is main without the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	return exitCode(stderr, root.ExecuteContext(context.Background()))
}

func (a *app) root() *cobra.Command {
	root := a.group(&cobra.Command{
		Use:   "presenced",
		Short: "one honest presence for everybody who asks",
		Long: `presenced is a component for XMPP servers. It makes one presence out of all
devices, the calendar and the chosen state of a user, and shows each watcher
what the user's rules allow.

Begin with "presenced config defaults", fill in [component], and let
"presenced check" tell what is missing.`,
		Example: "  presenced run --config /etc/presenced/presenced.toml",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.named = cmd.Flags().Changed("config")
			return given(cmd)
		},
	})
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", defaultConfig, "the configuration `FILE`")
	flags.StringVar(&a.socket, "socket", "", "the `PATH` of a running daemon's admin socket; default: the one of the configuration")
	flags.StringArrayVar(&a.set, "set", nil, "override one key for this call, as `section.key=value`; may be repeated")
	flags.BoolVar(&a.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%v; \"%s --help\" lists the flags", err, cmd.CommandPath())
	})
	root.SetHelpCommand(&cobra.Command{Use: "help [COMMAND]", Short: "show the help of a command", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("no help on %q; \"presenced --help\" lists the commands", strings.Join(args, " "))
			}
			return found.Help()
		}})
	root.AddCommand(a.runCommand(), a.checkCommand(), a.configCommand(), a.policyCommand(),
		a.calendarCommand(), a.queryCommand(), a.explainCommand("presenced explain"), a.userCommand(), a.tokenCommand(), a.auditCommand(), a.versionCommand())
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		a.group(completion).Short = "print the completion script for a shell"
	}
	strict(root)
	return root
}

// strict makes the arguments that cobra's own commands refuse a usage error.
func strict(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if _, ours := errors.AsType[*usageError](err); err == nil || ours {
				return err
			}
			return usage("%v; \"%s --help\" has more", err, cmd.CommandPath())
		}
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

// group makes a command that only holds others: alone it shows what there is.
func (a *app) group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path := cmd.CommandPath()
		if len(args) == 0 {
			cmd.SetOut(a.stderr)
			_ = cmd.Help() // cannot fail but by the writer, which is what is left to tell it with
			return told(exitUsage)
		}
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return usage("unknown command %q; did you mean \"%s %s\"?", args[0], path, near[0])
		}
		return usage("unknown command %q; \"%s --help\" lists the commands", args[0], path)
	}
	cmd.SuggestionsMinimumDistance = 2
	return cmd
}

// given refuses a flag with an empty text, as a script writes whose variable is empty:
// what comes without the flag may be more than was asked for.
func given(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			what, _ := pflag.UnquoteUsage(f)
			err = usage("--%s is empty; write a %s, or leave it out", f.Name, what)
		}
	})
	return err
}

// takes returns the check that exactly the named arguments are given.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		path := cmd.CommandPath()
		if i := slices.Index(args, ""); 0 <= i && i < len(names) {
			return usage("%s: %s is empty; \"%s --help\" has an example", path, names[i], path)
		}
		switch {
		case len(args) == len(names):
			return nil
		case len(names) == 0:
			return usage("%s takes no argument, but got %q", path, args[0])
		case len(args) < len(names):
			return usage("%s needs %s; \"%s --help\" has an example", path, names[len(args)], path)
		}
		return usage("%s takes %s only, but got %q as well", path, strings.Join(names, " and "), args[len(names)])
	}
}

// load reads the configuration with every override. Warnings about a usable one
// go to stderr; beside errors they would only hide those.
func (a *app) load() (*config.Config, error) {
	c, warnings, err := config.Load(a.config, a.overrides())
	if err == nil {
		a.warn(warnings)
	}
	return c, err
}

func (a *app) overrides() config.Overrides {
	return config.Overrides{Environ: os.Environ(), Set: a.set}
}

func (a *app) warn(warnings []config.Problem) {
	for _, w := range warnings {
		_, _ = fmt.Fprintf(a.stderr, "warning: %s\n", w)
	}
}

// client finds the running daemon. Without a configuration, and none named, the
// default socket is tried.
func (a *app) client() (*admin.Client, error) {
	if a.socket != "" {
		return admin.NewClient(a.socket), nil
	}
	if a.unconfigured() {
		return admin.NewClient(config.Default().Admin.Socket), nil
	}
	c, _, err := config.Load(a.config, a.overrides())
	if err != nil {
		return nil, err
	}
	return admin.NewClient(c.Admin.Socket), nil
}

// unconfigured reports whether no configuration is named, and none stands where it is
// looked for.
func (a *app) unconfigured() bool {
	_, err := os.Stat(a.config)
	return !a.named && errors.Is(err, fs.ErrNotExist)
}
