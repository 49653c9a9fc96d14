package main

import (
	"errors"
	"fmt"

	"leadhit-sync/config"
)

// mistakes returns every mistake of settings in err, one or more lines each; "" if there is none.
func mistakes(err error) string {
	if settings, ok := errors.AsType[*config.Error](err); ok {
		return settings.Error()
	}
	if setting, ok := errors.AsType[settingError](err); ok {
		return fmt.Sprintf("leadhit-sync: %v", setting)
	}
	return ""
}
