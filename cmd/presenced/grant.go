package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"presenced/internal/admin"
	"presenced/internal/engine"
)

func (a *app) policyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the named policies and whom each holds for",
		Long: `Lists the policies of [[policies]] with the users and groups that the
configuration names and those each was granted to. A policy that was granted and is
declared no longer is listed as well: what it would govern is not shown of those who
hold it.`,
		Example: "  presenced policy list --json",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			list, err := client.Policies(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(list)
			}
			return a.table(policyRows(&list))
		},
	}
}

func policyRows(list *engine.PolicyList) []string {
	rows := []string{"POLICY\tDECLARED\tGIVEN BY\tUSER OR GROUP"}
	for i := range list.Policies {
		p := &list.Policies[i]
		given := 0
		add := func(by, kind string, names []string) {
			for _, n := range names {
				given++
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s%s", oneLine(p.Name), yes(p.Declared), by, kind, oneLine(n)))
			}
		}
		add("grant", "", p.GrantedUsers)
		add("grant", "group ", p.GrantedGroups)
		add("configuration", "", p.Users)
		add("configuration", "group ", p.Groups)
		if given == 0 {
			rows = append(rows, fmt.Sprintf("%s\t%s\tnobody\t", oneLine(p.Name), yes(p.Declared)))
		}
	}
	return rows
}

func (a *app) policyGrantCommand() *cobra.Command {
	return a.grantCommand("grant", "put a named policy in force for a user or a group",
		`Puts a policy of [[policies]] in force for a user, or for a group of directory.file,
in place of the global [policy]. Users' own roster groups do not count. It holds at
once and after every restart, whether the user is enabled or not, until it is revoked;
erasing the user does not end it.

What is granted to a user beats what is granted to her groups, which beats
policies.users, which beats policies.groups; of several the first by name holds.
"presenced policy explain" names the policy that decided.`, (*admin.Client).GrantPolicy)
}

func (a *app) policyRevokeCommand() *cobra.Command {
	return a.grantCommand("revoke", "take a granted policy back",
		`Takes back what "presenced policy grant" gave. What the configuration names stays.`, (*admin.Client).RevokePolicy)
}

// grantCommand makes the command of one change to the grants.
func (a *app) grantCommand(name, short, long string, change func(c *admin.Client, ctx context.Context, policy, user, group string) (admin.Done, error)) *cobra.Command {
	var user, group string
	cmd := &cobra.Command{
		Use:     name + " NAME",
		Short:   short,
		Long:    long,
		Example: "  presenced policy " + name + " sales --user alice@example.org",
		Args:    takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (user == "") == (group == "") {
				return usage("%s needs either --user JID or --group G; \"%s --help\" has an example", cmd.CommandPath(), cmd.CommandPath())
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			done, err := change(client, cmd.Context(), args[0], user, group)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(done)
			}
			about := user
			if group != "" {
				about = "group " + group
			}
			lines := []string{oneLine(about) + ": done"}
			for _, advice := range done.Advice {
				lines = append(lines, "  "+grantAdvice(advice))
			}
			return a.printf("%s\n", strings.Join(lines, "\n"))
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "the `JID` of the user")
	cmd.Flags().StringVar(&group, "group", "", "the group `G` of directory.file")
	return cmd
}

// grantAdvice is advised for a grant.
func grantAdvice(v engine.Advice) string {
	switch v {
	case engine.AdviceNoGroups:
		return "nothing tells who is in the group, so the grant counts for nobody: add a column groups to directory.file, or grant it to the users"
	case engine.AdviceOutranked:
		return "another policy granted to the user counts, by its name; \"presenced user show\" names it"
	}
	return advised(v)
}
