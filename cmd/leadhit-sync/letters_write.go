package main

import (
	"bufio"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter/ledger"
)

// operatorFlags say who writes to the ledger, and why.
type operatorFlags struct{ reason, by string }

func (o *operatorFlags) add(c *cobra.Command, reason string) {
	c.Flags().StringVar(&o.reason, "reason", "", reason)
	c.Flags().StringVar(&o.by, "by", "", "your name (default: your user name on this system)")
}

// sign fills in who writes an entry about a letter, when and why. All errors are usage errors, and are returned before
// any wait for Kafka.
func (o *operatorFlags) sign(e *ledger.Entry) error {
	if strings.TrimSpace(o.reason) == "" {
		return usageError{errors.New("--reason is missing: people who look at this later need to know why")}
	}
	e.At, e.By, e.Via, e.Reason = time.Now().UTC().Truncate(time.Millisecond), o.by, "cli", o.reason
	if e.By == "" {
		name, err := personOf(user.Current())
		if err != nil {
			return usageError{err}
		}
		e.By = name
	}
	probe := *e
	if probe.ID == "" {
		probe.ID = "t/0/0" // any id: the texts are checked before the letters are known
	}
	if _, _, err := probe.Record(); err != nil {
		return usageError{err}
	}
	return nil
}

// confirm asks a person to type the number of letters if there are many. Without a terminal no one can type, so --yes
// is required. question says what would be done.
func confirm(c *cobra.Command, letters int, yes bool, question string) error {
	if yes {
		return nil
	}
	if !terminal.Is(c.InOrStdin()) {
		return codedError{exitDeclined, errors.New("nothing was done: without a terminal, give --yes")}
	}
	if letters <= typedNumber {
		return nil
	}
	_, _ = fmt.Fprintf(c.ErrOrStderr(), "%s Type %d to continue: ", question, letters)
	return answered(c.Context(), bufio.NewReader(c.InOrStdin()), strconv.Itoa(letters))
}
