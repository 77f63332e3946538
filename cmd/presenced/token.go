package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/token"
)

func (a *app) tokenCommand() *cobra.Command {
	cmd := a.group(&cobra.Command{
		Use:     "token",
		Short:   "make, list and revoke tokens for HTTP",
		Example: "  presenced token create --as bot@example.org --scope read",
	})
	cmd.AddCommand(a.tokenCreateCommand(), a.tokenListCommand(), a.tokenRevokeCommand())
	return cmd
}

func (a *app) tokenCreateCommand() *cobra.Command {
	var as, expires string
	var scopes, origins []string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "make a token for a bot or a web page",
		Long: `Makes a bearer token for the HTTP API. Whoever holds it asks as the JID given by
--as and sees what that JID may see, nothing else; so a page for everybody takes
a JID that everybody may stand for. The token is printed once and cannot be shown
again.

--scope read lets it ask who is available, once or as a stream of changes. --scope
claims lets it say what users are doing: that one is on the phone, or presenting.
It counts for the users who let it, and for nobody else:
  - the JID itself, where --as names a user;
  - each user who has allowed the JID as an app: the command "apps", or in a chat
    with the component "app JID";
  - every user, where the operator lists the JID in enrolment.apps.
While none of a user's devices is online, only the word of a JID in
enrolment.bots shows her as anything but offline.

A page may use the token from its --origin only; without one no page may.`,
		Example: "  presenced token create --as bot@example.org --scope read --expires 90d\n" +
			"  TOKEN=$(presenced token create --as phones@example.org --scope read,claims --expires 90d)\n" +
			"  presenced token create --as intranet@example.org --scope read --origin https://intranet.example.org",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			life, err := config.ParseDuration(expires)
			switch {
			case as == "":
				return usage("%s needs --as JID; \"%s --help\" has an example", cmd.CommandPath(), cmd.CommandPath())
			case err != nil:
				return usage("--expires %q is %v", expires, err)
			}
			r := admin.TokenRequest{As: as, ExpiresIn: int64(life.Std() / time.Second), Origins: origins}
			for _, s := range scopes {
				r.Scopes = append(r.Scopes, token.Scope(s))
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			made, err := client.CreateToken(cmd.Context(), r)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(made)
			}
			if err := a.printf("%s\n", made.Token); err != nil {
				return err
			}
			return a.note("  id %s; the token is not shown again\n", made.ID)
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "the `JID` it stands for")
	cmd.Flags().StringSliceVar(&scopes, "scope", []string{string(token.Read)}, "`SCOPE`s, what it may be used for: read (ask), claims (say what users do who allow it)")
	cmd.Flags().StringVar(&expires, "expires", "90d", "how long it is valid, a `DURATION` in h or d")
	cmd.Flags().StringArrayVar(&origins, "origin", nil, "a web `ORIGIN` it may be used from; may be repeated")
	return cmd
}

func (a *app) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "list the tokens, without their secrets",
		Example: "  presenced token list --json",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			tokens, err := client.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(admin.TokenList{Tokens: tokens})
			}
			rows := []string{"ID\tAS\tSCOPES\tEXPIRES\tORIGINS"}
			for _, t := range tokens {
				scopes := make([]string, len(t.Scopes))
				for i, s := range t.Scopes {
					scopes[i] = string(s)
				}
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s", t.ID, oneLine(t.As), strings.Join(scopes, ","),
					moment(t.Expires), strings.Join(t.Origins, " ")))
			}
			return a.table(rows)
		},
	}
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "end a token at once",
		Long: `Ends a token: the next request with it is refused, and what streams to it is cut
off. "presenced token list" shows the ids.`,
		Example: "  presenced token revoke 5f0c2a9be1d34c77",
		Args:    takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			if err := client.RevokeToken(cmd.Context(), args[0]); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]string{"revoked": args[0]})
			}
			return a.printf("%s: revoked\n", oneLine(args[0]))
		},
	}
}
