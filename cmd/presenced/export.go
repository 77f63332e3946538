package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"presenced/internal/admin"
)

func (a *app) userExportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export [USER…]",
		Short: "write users' settings to a file, to be imported elsewhere",
		Long: `Writes everything users have set, and who watches them, as lines of JSON: a
header, then one line for each user, all of them unless some are named. Presence
is not in it. The file holds people's rules and notes: keep it as you keep their
passwords, and remove it when it has served.

"presenced user import" reads it.`,
		Example: "  presenced user export --out users.jsonl\n" +
			"  presenced user export alice@example.org",
		Args: func(cmd *cobra.Command, users []string) error {
			if slices.Contains(users, "") {
				return usage("%s: an empty USER; name one, or none for everybody", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, users []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			n := 0
			write := func(w io.Writer) (err error) {
				n, err = export(cmd, client, users, w)
				return err
			}
			if out == "" {
				if err := write(a.stdout); err != nil {
					return err
				}
				return a.note("%s exported\n", counted(n, "user"))
			}
			if err := writeAtomically(out, write); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(struct {
					File  string `json:"file"`
					Users int    `json:"users"`
				}{out, n})
			}
			return a.printf("%s exported to %s\n", counted(n, "user"), out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to `FILE`, with mode 0600, once everything is there; default: standard output")
	return cmd
}

// export writes one header and the users' lines, and counts the users.
func export(cmd *cobra.Command, client *admin.Client, users []string, w io.Writer) (n int, err error) {
	if len(users) == 0 {
		users = []string{""} // everybody
	}
	buffer := bufio.NewWriterSize(w, 64<<10)
	for i, user := range users {
		isHeader := true
		err := client.Export(cmd.Context(), user, func(line []byte) error {
			header := isHeader
			if isHeader = false; header && i > 0 {
				return nil // the first one serves all
			}
			if !header && !admin.IsGroup(line) {
				n++
			}
			_, err := buffer.Write(append(line, '\n'))
			return err
		})
		if err != nil {
			return n, about(user, err)
		}
	}
	return n, buffer.Flush()
}

// about names the user an error is about, if any.
func about(user string, err error) error {
	if user == "" {
		return err
	}
	return fmt.Errorf("%s: %w", oneLine(user), err)
}

// writeAtomically lets write fill a file that appears under its name when it is
// whole and on the disk, readable by its owner alone.
func writeAtomically(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a plain file; name another, or leave --out away and use standard output", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // for the second time where it was the Rename that failed
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
