package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"presenced/internal/admin"
	"presenced/internal/engine"
	"presenced/internal/text"
)

func (a *app) userCommand() *cobra.Command {
	cmd := a.group(&cobra.Command{
		Use:     "user",
		Short:   "list and administer users",
		Example: "  presenced user list",
	})
	cmd.AddCommand(a.userListCommand(), a.userShowCommand(), a.userBadgeCommand(),
		a.userChangeCommand("enable", "let a user's presence be shown",
			`Enrols a user, as her own command "enable" does: her mirror shows her presence
to those her rules admit. Where the server does not forward presence, she is
asked for a subscription and has to accept it.`, (*admin.Client).Enable),
		a.userChangeCommand("disable", "stop showing a user's presence",
			`Ends a user's enrolment. Her watchers see her offline from now on and are told
nothing else. Her settings are kept for when she is enabled again.`, (*admin.Client).Disable),
		a.userChangeCommand("erase", "remove everything known of a user",
			`Removes a user's settings and everything known of her, and ends every
subscription to her mirror. This cannot be undone.`, (*admin.Client).Erase),
		a.userExportCommand(), a.userImportCommand())
	return cmd
}

func (a *app) userListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "list the users the daemon has settings of",
		Example: "  presenced user list --json",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			users, err := client.Users(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(admin.UserList{Users: users})
			}
			rows := []string{"USER\tENABLED\tONLINE\tDEVICES\tLEARNED BY"}
			for _, u := range users {
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%d\t%s", oneLine(u.User), yes(u.Enabled), yes(u.Online), u.Devices, u.Learned))
			}
			return a.table(rows)
		},
	}
}

func (a *app) userShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show USER",
		Short:   "show a user's settings, watchers and requests",
		Example: "  presenced user show alice@example.org",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			user, err := client.User(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(user)
			}
			return a.table(settings(&user))
		},
	}
}

// settings tells a user's settings in lines of name and value.
func settings(u *engine.Inspection) []string {
	rows := []string{
		"user\t" + oneLine(u.User),
		"enabled\t" + yes(u.Enabled),
		fmt.Sprintf("devices\t%d", u.Devices),
		"learned by\t" + u.Learned,
		fmt.Sprintf("availability\t%s (%d)", text.Class("en", u.Availability.Class()), u.Availability),
	}
	add := func(name, format string, args ...any) {
		rows = append(rows, name+"\t"+oneLine(fmt.Sprintf(format, args...)))
	}
	if u.Activity != "" {
		add("activity", "%s", u.Activity)
	}
	if m := u.Manual; m != nil {
		until := ""
		if !m.ExpiresAt.IsZero() {
			until = ", until " + moment(m.ExpiresAt)
		}
		add("state set", "%s (%d) at %s%s", text.Class("en", m.Availability.Class()), m.Availability, moment(m.SetAt), until)
	}
	if u.Note != "" {
		add("note", "%s", u.Note)
	}
	if o := u.OutOfOffice; o != nil {
		add("out of office", "from %s to %s", moment(o.Start), moment(o.End))
	}
	for _, told := range [][2]string{
		{"time zone", u.Timezone}, {"language", u.Profile.Language}, {"working hours", u.Profile.Hours}, {"location", u.Profile.Location},
	} {
		if told[1] != "" {
			add(told[0], "%s", told[1])
		}
	}
	add("privacy mode", "%s", yes(u.PrivacyMode))
	if u.Policy != nil {
		add("policy", "%s", u.Policy)
	}
	for _, r := range u.Rules {
		add("rule", "%s", r)
	}
	for _, c := range u.Cells {
		add("cell", "%s", c)
	}
	for _, w := range u.Watchers {
		add("watcher", "%s sees container %d (%s)", w.JID, w.Container, w.Reason)
	}
	for _, w := range u.Requests {
		add("request", "%s since %s", w.JID, moment(w.Since))
	}
	return rows
}

// moment is an instant for people; none is open.
func moment(t time.Time) string {
	if t.IsZero() {
		return "no set time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// userChangeCommand makes the command of one change to one user.
func (a *app) userChangeCommand(name, short, long string, change func(*admin.Client, context.Context, string) (admin.Done, error)) *cobra.Command {
	return &cobra.Command{
		Use:     name + " USER",
		Short:   short,
		Long:    long,
		Example: "  presenced user " + name + " alice@example.org",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			done, err := change(client, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(done)
			}
			if err := a.printf("%s: done\n", args[0]); err != nil {
				return err
			}
			for _, advice := range done.Advice {
				if err := a.printf("  %s\n", advised(advice)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// advised is what an operator reads for the advice a change may bring.
func advised(v engine.Advice) string {
	switch v {
	case engine.AdviceNothing:
		return "nothing had to be changed"
	case engine.AdviceConsent:
		return "the component asks her for a subscription; her presence is known once she accepts it"
	case engine.AdviceNoDevice:
		return "no device of hers is online, so she is shown offline"
	}
	return string(v)
}
