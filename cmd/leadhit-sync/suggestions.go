package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknownCommand is the error about a word that is no command below c, with those that were probably meant.
func unknownCommand(c *cobra.Command, word string) error {
	c.SuggestionsMinimumDistance = max(c.SuggestionsMinimumDistance, 2) // cobra sets it for the root alone
	near := c.SuggestionsFor(word)
	if len(near) == 0 {
		return fmt.Errorf("unknown command %q for %q", word, c.CommandPath())
	}
	return fmt.Errorf("unknown command %q for %q; did you mean %s?", word, c.CommandPath(), strings.Join(near, " or "))
}

// wrongArguments is the error about too few or too many arguments, in the words of the command's usage line.
func wrongArguments(c *cobra.Command, args []string) error {
	usage, _, _ := strings.Cut(c.Use, " <") // what stdin is for is no argument
	_, argument, _ := strings.Cut(usage, " ")
	switch {
	case argument == "":
		return fmt.Errorf("%q takes no arguments, and got %q", c.CommandPath(), args[0])
	case len(args) == 0:
		return fmt.Errorf("%s is missing", argument)
	}
	return fmt.Errorf("one %s is wanted, and there are %d: %q", argument, len(args), args)
}

// withNearFlag adds to the error about an unknown flag the one that was probably meant.
func withNearFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	// Cobra's own suggestions are for commands, so the flags are dressed up as some.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	if near := flags.SuggestionsFor(unknown.GetSpecifiedName()); len(near) > 0 {
		return fmt.Errorf("%w; did you mean --%s?", err, strings.Join(near, " or --"))
	}
	return err
}

// helpCommand is cobra's, but that it says so when there is no such command.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Show the help of a command",
		Example: `  leadhit-sync help letters list`,
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{unknownCommand(about, strings.Join(rest, " "))}
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			about, rest, err := c.Root().Find(args)
			var names []string
			if err == nil && len(rest) == 0 {
				for _, below := range about.Commands() {
					if below.IsAvailableCommand() && strings.HasPrefix(below.Name(), begun) {
						names = append(names, below.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
