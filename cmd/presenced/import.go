package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"presenced/internal/admin"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

func (a *app) userImportCommand() *cobra.Command {
	var o admin.ImportOptions
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "put settings that were exported in force",
		Long: `Reads what "presenced user export" wrote, from a file or, with -, from standard
input, and puts it in force in the running daemon, each user's settings as a
whole or not at all. Their watchers are shown what these settings allow.

A user who has other settings already is refused unless --replace is given: it
removes hers first. What is refused is listed with the reason; the others are
imported all the same. To import the same file again does no harm.`,
		Example: "  presenced user import users.jsonl --dry-run\n" +
			"  presenced user import users.jsonl",
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			in, name := io.Reader(os.Stdin), "standard input"
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer func() { _ = f.Close() }()
				in, name = f, args[0]
			}
			im := &importing{app: a, client: client, o: o, in: bufio.NewReaderSize(in, 64<<10), users: map[presence.Addr]int{}}
			if err := im.run(cmd.Context()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if im.report.Refused > 0 {
				return told(exitProblem)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&o.Replace, "replace", false, "also where a user has other settings already, which are lost")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "change nothing, only tell what would become of each user")
	return cmd
}

// importing is one import under way.
type importing struct {
	*app
	client *admin.Client
	o      admin.ImportOptions
	in     *bufio.Reader
	line   int                   // number of the last line read
	users  map[presence.Addr]int // the line of each user
	header []byte

	batch [][]byte // lines not handed over yet
	from  []int    // their numbers
	size  int      // of them in bytes

	report importReport
}

// importReport is import --json.
type importReport struct {
	DryRun   bool           `json:"dry_run"`
	Users    []importedLine `json:"users"`
	Imported int            `json:"imported"` // or would be
	Refused  int            `json:"refused"`
}

type importedLine struct {
	Line int `json:"line"`
	admin.Imported
}

// run imports line by line and prints the report, also of what was done before
// an error.
func (im *importing) run(ctx context.Context) error {
	im.report.DryRun, im.report.Users = im.o.DryRun, []importedLine{}
	head, err := im.next()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLong) {
		return err
	}
	if _, err := admin.ParseHeader(head); err != nil {
		return err
	}
	im.header = bytes.Clone(head)
	err = im.lines(ctx)
	if im.json {
		return errors.Join(err, im.printJSON(im.report))
	}
	done := "imported"
	if im.o.DryRun {
		done = "would be imported"
	}
	return errors.Join(err, im.printf("%d %s, %d refused\n", im.report.Imported, done, im.report.Refused))
}

func (im *importing) lines(ctx context.Context) error {
	for {
		line, err := im.next()
		switch {
		case errors.Is(err, io.EOF):
			return im.flush(ctx)
		case errors.Is(err, errLong):
			err = im.refuse(ctx, "", "the line is longer than %d bytes; export the user again", maxImportLine)
		case err != nil:
			return errors.Join(im.flush(ctx), err)
		case len(line) > 0:
			err = im.take(ctx, line)
		}
		if err != nil {
			return err
		}
	}
}

// maxImportLine bounds one user, with room for the header in a request.
const maxImportLine = admin.MaxImportBody - 64<<10

var errLong = errors.New("the line is too long")

// next reads one line, without the space around it. Of a line that is too long
// nothing is kept.
func (im *importing) next() ([]byte, error) {
	im.line++
	var line []byte
	long := false
	for {
		part, err := im.in.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxImportLine; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && (err == nil || errors.Is(err, io.EOF)):
			return nil, errLong
		case errors.Is(err, io.EOF) && len(line) > 0:
			err = nil
		}
		return bytes.TrimSpace(line), err
	}
}

// take adds a line to the batch. One user twice would be a matter of chance.
func (im *importing) take(ctx context.Context, line []byte) error {
	var user struct {
		JID string `json:"jid"`
	}
	if json.Unmarshal(line, &user) == nil {
		if addr, err := presence.ParseAddr(user.JID); err == nil {
			if first, twice := im.users[addr]; twice {
				return im.refuse(ctx, user.JID, "line %d names her already; take one of the two out", first)
			}
			im.users[addr] = im.line
		}
	}
	if len(im.batch) == admin.MaxImportUsers || im.size+len(line)+1 > maxImportLine {
		if err := im.flush(ctx); err != nil {
			return err
		}
	}
	im.batch, im.from, im.size = append(im.batch, line), append(im.from, im.line), im.size+len(line)+1
	return nil
}

// flush hands the batch to the daemon and tells what became of it.
func (im *importing) flush(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	results, err := im.client.Import(ctx, im.header, im.batch, im.o)
	if err != nil {
		return err
	}
	for i, r := range results {
		if err := im.tell(im.from[i], r); err != nil {
			return err
		}
	}
	im.batch, im.from, im.size = im.batch[:0], im.from[:0], 0
	return nil
}

// refuse reports the last line read, after those before it.
func (im *importing) refuse(ctx context.Context, jid, format string, args ...any) error {
	if err := im.flush(ctx); err != nil {
		return err
	}
	return im.tell(im.line, admin.Imported{JID: jid, Problem: fmt.Sprintf(format, args...)})
}

// tell reports one line.
func (im *importing) tell(line int, r admin.Imported) error {
	if r.Imported {
		im.report.Imported++
	} else {
		im.report.Refused++
	}
	if im.json {
		im.report.Users = append(im.report.Users, importedLine{line, r})
		return nil
	}
	who := fmt.Sprintf("line %d", line)
	switch {
	case r.Group != "":
		who = "group " + oneLine(r.Group)
	case r.JID != "":
		who = oneLine(r.JID)
	}
	if !r.Imported {
		return im.printf("%s: refused: %s\n", who, oneLine(r.Problem))
	}
	done := "imported"
	if im.o.DryRun {
		done = "would be imported"
	}
	for _, advice := range r.Advice {
		done += "; " + importAdvice(advice)
	}
	return im.printf("%s: %s\n", who, done)
}

// importAdvice is advised for an import.
func importAdvice(v engine.Advice) string {
	switch v {
	case engine.AdviceNothing:
		return "she had these settings already"
	case engine.AdviceNeutralised:
		return "a link in a note was made harmless, as policy.links asks"
	}
	return advised(v)
}
