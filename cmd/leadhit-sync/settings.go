package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/mapping"
)

// mappingMistakes returns what is wrong with the mapping that the settings name, so that it stands in one list with the
// mistakes of other settings. Where that cannot be told because of these it is nil.
func mappingMistakes() error {
	settings, err := config.LoadMapping()
	if err != nil {
		return nil //nolint:nilerr // config.Load tells it
	}
	_, closeMapping, err := worker.OpenMapping(settings, versionText(), slog.New(slog.DiscardHandler))
	closeMapping()
	if err != nil {
		return settingError{err}
	}
	return nil
}

// mistakes returns every mistake of settings in err, one or more lines each; "" if there is none.
func mistakes(err error) string {
	var lines []string
	settings, listed := errors.AsType[*config.Error](err)
	if listed {
		lines = append(lines, settings.Error())
	}
	if setting, ok := errors.AsType[settingError](err); ok {
		switch file, inFile := errors.AsType[*mapping.FileError](setting); {
		case inFile:
			lines = append(lines, "MAPPING: the mapping has mistakes", file.Error())
		case listed:
			lines = append(lines, setting.Error())
		default:
			lines = append(lines, fmt.Sprintf("leadhit-sync: %v", setting))
		}
	}
	return strings.Join(lines, "\n")
}
