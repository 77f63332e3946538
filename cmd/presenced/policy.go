package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"presenced/internal/scenario"
)

// maxScenario bounds a scenario file; one is written by hand.
const maxScenario = 64 << 20

func (a *app) policyCommand() *cobra.Command {
	cmd := a.group(&cobra.Command{
		Use:     "policy",
		Short:   "try rules out, explain what they do, and grant named policies",
		Example: "  presenced policy explain alice@example.org --watcher bob@example.org",
	})
	cmd.AddCommand(a.policyTestCommand(), a.explainCommand("presenced policy explain"),
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
