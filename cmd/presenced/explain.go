package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"presenced/internal/admin"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// explainCommand stands in two places: under policy, and by itself since it is
// what people ask most. path is how this one is called.
func (a *app) explainCommand(path string) *cobra.Command {
	var watcher, lang string
	var full bool
	cmd := &cobra.Command{
		Use:   "explain USER",
		Short: "tell why a watcher sees what she sees of a user, now",
		Long: `Asks the running daemon why a watcher sees of a user what she sees: which of the
user's devices, states and events decided, which container the watcher is in and
by which rule, for each category whether it is shown, and which of the operator's
policies decided. It prints what the user herself reads in the command "explain",
so "you" is the user.

With --details the same follows by the names of the rules, with every veto that
was tried. "presenced query USER --as JID" prints what the watcher sees.`,
		Example: "  " + path + " alice@example.org --watcher bob@example.org",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if watcher == "" {
				return usage("%s needs --watcher JID; \"%s --help\" has an example", cmd.CommandPath(), cmd.CommandPath())
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			e, err := client.Explain(cmd.Context(), args[0], watcher, lang)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(e)
			}
			if err := a.printf("As %s would read it:\n", oneLine(args[0])); err != nil {
				return err
			}
			for _, line := range e.Words {
				if err := a.printf("%s\n", oneLine(line)); err != nil {
					return err
				}
			}
			if !full {
				return nil
			}
			if err := a.printf("\n"); err != nil {
				return err
			}
			return a.table(details(args[0], watcher, &e))
		},
	}
	cmd.Flags().StringVar(&watcher, "watcher", "", "the `JID` of the watcher")
	cmd.Flags().StringVar(&lang, "language", "", "the `LANGUAGE` of the sentences, en or de; default: presence.language")
	cmd.Flags().BoolVar(&full, "details", false, "also print every input, veto and category with its rule")
	return cmd
}

// details tells an explanation in lines of name and value, with the rules by name.
func details(user, watcher string, e *admin.Explanation) []string {
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
