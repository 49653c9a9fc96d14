package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/spec"
)

// mappingCommand works on a laptop or in CI, without access to Kafka or LeadHit, because its commands only read files
// and stdin. So a mapping can be written and tested before there is a cluster.
func mappingCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "mapping", Short: "Write and try a mapping: how an event becomes a status",
		Long: `Write and try a mapping: the file that says which order an event is about, and which
status LeadHit gets. None of these commands needs Kafka, LeadHit or any settings. To
try a mapping on the events of a topic, use "leadhit-sync preview".

Exit codes: 0 done · 1 the mapping has mistakes, or a case gives a wrong result ·
2 usage error.`,
		Example: `  leadhit-sync mapping presets
  leadhit-sync mapping show shopify > shop.yaml
  leadhit-sync mapping check shop.yaml && leadhit-sync mapping test shop.yaml`,
	}
	c.AddCommand(presetsCommand(), showPresetCommand(), checkMappingCommand(), testMappingCommand(), explainCommand(),
		schemaCommand())
	return c
}

// preset is a mapping that comes with the binary.
type preset struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// presetsCommand lists the presets that MAPPING accepts, sorted by name.
func presetsCommand() *cobra.Command {
	var output outputForm
	c := &cobra.Command{
		Use: "presets", Short: "List the mappings that come with the program",
		Long: `List the presets: the mappings that come with the program, each with the platform
whose events it reads. Set MAPPING to the name of one.`,
		Example: `  leadhit-sync mapping presets
  leadhit-sync mapping presets -o json | jq -r '.presets[].name'`,
		RunE: func(c *cobra.Command, _ []string) error {
			presets, err := allPresets()
			if err != nil {
				return err
			}
			listing := struct {
				Schema  string   `json:"schema"`
				Presets []preset `json:"presets"`
			}{"mapping.presets.v1", presets}
			return output.print(c.OutOrStdout(), listing, func(w io.Writer) error {
				var p terminal.Page
				p.Row("NAME", "FOR")
				for _, one := range presets {
					p.Row(one.Name, one.Description)
				}
				return p.Print(w)
			})
		},
	}
	outputFlag(c, &output)
	return c
}

// allPresets loads every preset, because only a loaded mapping has a description. Each preset takes a few milliseconds.
func allPresets() ([]preset, error) {
	var all []preset
	for _, name := range mapping.Presets() {
		m, err := mapping.Load(mapping.Options{Source: name})
		if err != nil {
			return nil, err
		}
		all = append(all, preset{Name: name, Description: m.Check().Mappings[0].Description})
	}
	return all, nil
}

// showPresetCommand writes the bytes of the preset as they are, including comments, because a copy must behave like the
// preset.
func showPresetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PRESET", Short: "Print a preset's YAML, to read it or to change a copy",
		Long: `Print the YAML of a preset. To change it, save it as a file and set MAPPING to that
file; or write a short file that overrides a part of the preset.`,
		Example: `  leadhit-sync mapping show shopify
  leadhit-sync mapping show woocommerce > shop.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := mapping.Preset(args[0])
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
		ValidArgsFunction: completePreset,
	}
}

// completePreset completes names of presets, and lets the shell complete files as well, because the check and explain
// commands accept either.
func completePreset(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return mapping.Presets(), cobra.ShellCompDirectiveDefault
}

// schemaCommand prints the schema of this release. An editor that uses a copy saved earlier does not know members that
// were added later.
func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of mapping files, for editors",
		Long: `Print the JSON Schema of mapping files. Editors with a YAML language server offer
completion and checks in a file that begins with
  # yaml-language-server: $schema=mapping.schema.json`,
		Example: `  leadhit-sync mapping schema > mapping.schema.json`,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), spec.EditorSchema())
			return err
		},
	}
}

// loadMapping loads a preset or a file. Without topics it checks only the file. With topics it also checks that each of
// them has exactly one mapping.
func loadMapping(source string, topics []string) (*mapping.Mapping, error) {
	m, err := mapping.Load(mapping.Options{Source: source, Topics: topics})
	return m, asLines(err)
}

// asLines returns an error that lists the mistakes in a file one per line, each with its place. An error that is not
// about the file's content, such as a missing file, keeps its usual form.
func asLines(err error) error {
	if mistakes, ok := errors.AsType[*spec.FileError](err); ok {
		return listedError{mistakes}
	}
	return err
}
