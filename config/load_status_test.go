package config_test

import (
	"errors"
	"testing"

	"leadhit-sync/config"
)

func TestLoadStatusNeedsOnlyTheAddress(t *testing.T) {
	t.Setenv("CALLS_IN_FLIGHT", "many")
	t.Setenv("HTTP_ADDR", "127.0.0.1:8081")
	if c, err := config.LoadStatus(); err != nil || c.HTTPAddr != "127.0.0.1:8081" {
		t.Errorf("got %v, want the address in spite of all else", err)
	}
	t.Setenv("HTTP_ADDR", "8081")
	var mistakes *config.Error
	if _, err := config.LoadStatus(); !errors.As(err, &mistakes) || len(mistakes.Problems) != 1 {
		t.Errorf("got %v, want a problem with HTTP_ADDR", err)
	}
}
