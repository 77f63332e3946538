package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/internal/scenario"
	"presenced/internal/text"
)

// maxScenario bounds a scenario file; one is written by hand.
const maxScenario = 64 << 20

func (a *app) policyCommand() *cobra.Command {
	cmd := a.group(&cobra.Command{
		Use:     "policy",
		Short:   "try rules out, explain what they do, and grant named policies",
		Example: "  presenced policy explain alice@example.org --watcher bob@example.org",
	})
	cmd.AddCommand(a.policyTestCommand(), a.policyExplainCommand(),
		a.policyListCommand(), a.policyGrantCommand(), a.policyRevokeCommand())
	return cmd
}

func (a *app) policyTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE…",
		Short: "run scenario files: who would see what",
		Long: `Runs scenario files, each a list of worked cases: a user with her devices, events
and rules, an instant, and what each watcher is expected to see. Neither a
configuration nor a daemon is needed.

The exit code is 1 when a watcher sees anything else than expected, or a file
cannot be read.`,
		Example: "  presenced policy test vectors.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("%s needs a FILE; \"%s --help\" has an example", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.testPolicy(args) },
	}
}

func (a *app) testPolicy(files []string) error {
	report := scenario.Report{Vectors: []scenario.Vector{}}
	var broken error
	for _, name := range files {
		one, err := runScenario(name)
		if err != nil {
			broken = errors.Join(broken, err)
			continue
		}
		report.Add(one)
	}
	if broken != nil {
		return broken // nothing is counted while a file was not
	}
	if a.json {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else if err := a.printScenarios(&report); err != nil {
		return err
	}
	if report.Failed > 0 {
		return told(exitProblem)
	}
	return nil
}

func runScenario(name string) (scenario.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return scenario.Report{}, fmt.Errorf("%w; name a scenario file", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxScenario+1))
	switch {
	case err != nil:
		return scenario.Report{}, err
	case len(data) > maxScenario:
		return scenario.Report{}, fmt.Errorf("%s: larger than %d MiB; is it a scenario file?", name, maxScenario>>20)
	}
	report, err := scenario.Run(data)
	if err != nil {
		return report, fmt.Errorf("%s: %w", name, err)
	}
	return report, nil
}

// printScenarios tells each difference in a line, then the sum.
func (a *app) printScenarios(report *scenario.Report) error {
	for i := range report.Vectors {
		v := &report.Vectors[i]
		if v.Passed() {
			continue
		}
		if err := a.printf("%s failed: %s (%s)\n", oneLine(v.ID), oneLine(v.Title), oneLine(v.Rule)); err != nil {
			return err
		}
		for _, w := range v.Watchers {
			for _, f := range w.Failures {
				if err := a.printf("  %s: %s\n", oneLine(w.JID), oneLine(f)); err != nil {
					return err
				}
			}
		}
	}
	return a.printf("%d passed, %d failed\n", report.Passed, report.Failed)
}

func (a *app) policyExplainCommand() *cobra.Command {
	var watcher string
	cmd := &cobra.Command{
		Use:   "explain USER",
		Short: "tell why a watcher sees what she sees of a user, now",
		Long: `Asks the running daemon why a watcher sees of a user what she sees: which of the
user's devices, states and events decided, which container the watcher is in and
by which rule, for each category whether it is shown, and which of the operator's
policies decided.`,
		Example: "  presenced policy explain alice@example.org --watcher bob@example.org",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if watcher == "" {
				return usage("%s needs --watcher JID; \"%s --help\" has an example", cmd.CommandPath(), cmd.CommandPath())
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			e, err := client.Explain(cmd.Context(), args[0], watcher)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(e)
			}
			return a.table(explain(args[0], watcher, &e))
		},
	}
	cmd.Flags().StringVar(&watcher, "watcher", "", "the `JID` of the watcher")
	return cmd
}

// explain tells an explanation in lines.
func explain(user, watcher string, e *eval.Explanation) []string {
	p := &e.Projection
	rows := []string{
		fmt.Sprintf("%s sees %s as\t%s (%d)%s", watcher, user, text.Class("en", p.Availability.Class()), p.Availability, activityOf(p)),
		fmt.Sprintf("container\t%d, decided by %s", e.Container.ID, e.Container.Tier),
	}
	if e.Container.Rule != "" {
		rows = append(rows, "rule\t"+oneLine(e.Container.Rule))
	}
	if e.Policy != nil {
		rows = append(rows, "policy\t"+oneLine(e.Policy.String()))
	}
	for _, v := range e.Vetoes {
		rows = append(rows, "veto tried\t"+oneLine(v.Name+": "+v.Result))
	}
	for _, in := range e.Inputs {
		rows = append(rows, "input\t"+oneLine(inputLine(in)))
	}
	for _, c := range e.Categories {
		shown := "withheld"
		if c.Shown {
			shown = "shown"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s (%s)", c.Name, shown, c.Cell))
	}
	return rows
}

func activityOf(p *eval.Projection) string {
	if p.Activity == nil {
		return ""
	}
	return ", " + text.Activity("en", presence.Activity(*p.Activity))
}

func inputLine(in presence.Input) string {
	if in.Won {
		return fmt.Sprintf("%s %s counted by %s", in.Kind, in.ID, in.Rule)
	}
	return fmt.Sprintf("%s %s was beaten by %s", in.Kind, in.ID, in.Rule)
}
