package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

func exportCommand() *cobra.Command {
	var q filterFlags
	var o operatorFlags
	var raw bool
	var to string
	c := &cobra.Command{
		Use: "export", Short: "Write dead letters as JSON, one per line",
		Long: `Write dead letters as JSON, one per line; without --state only the open ones. Keys,
headers and values are left out.

--raw includes them. They may contain personal data, so --raw needs a reason. Before it
writes them, it records in the ledger who looks at which values.`,
		Example: `  leadhit-sync letters export --since 24h --to letters.jsonl
  leadhit-sync letters export --order 4711 --raw --reason "the shop asked" > letters.jsonl`,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, _, err := q.parse(nil)
			if err != nil {
				return err
			}
			revealed := ledger.Entry{Event: ledger.LetterRevealed}
			if raw {
				if err := o.sign(&revealed); err != nil {
					return err
				}
			}
			return withLetters(c.Context(), c.ErrOrStderr(), filter,
				func(ctx context.Context, r *operator.Reader) error {
					export := func(w io.Writer) error { return exportLetters(w, r.View, filter) }
					if raw {
						// The entries are written first, so that the ledger has an entry for every value that is shown.
						letters := slices.Collect(r.View.Letters(filter))
						if err := r.Write(ctx, operator.AboutEach(letters, revealed)...); err != nil {
							return err
						}
						export = func(w io.Writer) error {
							return r.Records(ctx, letters, func(l operator.Letter) error {
								return printJSON(w, rawLine{lettersSchema, showLetter(shownLetter{Letter: l}, true)}, "")
							})
						}
					}
					return toFile(c.OutOrStdout(), to, export)
				})
		},
	}
	q.add(c)
	q.allGroupsFlag(c)
	c.Flags().BoolVar(&raw, "raw", false, "also write keys, headers and values, which may contain personal data")
	c.Flags().StringVar(&to, "to", "", "write to this file instead of stdout; only its owner may read it")
	o.add(c, "why you need to see the values")
	return c
}

// rawLine is a letter with its event, as one line of JSON.
type rawLine struct {
	Schema string `json:"schema"`
	shownView
}

// exportLetters writes while it iterates over the view, so that an export of many letters needs no second copy of them.
func exportLetters(w io.Writer, v *view.View, filter view.Filter) error {
	for l := range v.Letters(filter) {
		if err := printJSON(w, letterLine{lettersSchema, viewLetter(l)}, ""); err != nil {
			return err
		}
	}
	return nil
}

// toFile writes to a file that only its owner may read, or to stdout if name is "".
func toFile(stdout io.Writer, name string, write func(io.Writer) error) error {
	if name == "" {
		return write(stdout)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := makePrivate(file); err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(write(file), file.Close())
}

// makePrivate removes all permissions but the owner's from a file, and then empties it. Otherwise a file that already
// existed would keep its old permissions. Pipes and devices are left alone.
func makePrivate(file *os.File) error {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := file.Chmod(0o600); err != nil {
			return err
		}
	}
	return file.Truncate(0)
}
