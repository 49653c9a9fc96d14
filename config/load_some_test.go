package config_test

import (
	"errors"
	"testing"

	"leadhit-sync/config"
)

func TestLoadStatusAsksForTheAddressAlone(t *testing.T) {
	t.Setenv("CALLS_IN_FLIGHT", "many")
	t.Setenv("HTTP_ADDR", "127.0.0.1:8081")
	if c, err := config.LoadStatus(); err != nil || c.HTTPAddr != "127.0.0.1:8081" {
		t.Errorf("got %v, want the address in spite of all else", err)
	}
	t.Setenv("HTTP_ADDR", "8081")
	var mistakes *config.Error
	if _, err := config.LoadStatus(); !errors.As(err, &mistakes) || len(mistakes.Problems) != 1 {
		t.Errorf("got %v, want a problem of HTTP_ADDR", err)
	}
}

func TestLoadMappingAsksForTheMappingAndItsSchemas(t *testing.T) {
	t.Setenv("MAPPING", "shopify")
	t.Setenv("KAFKA_TOPICS", "orders,,")
	if c, err := config.LoadMapping(); err != nil || c.Mapping != "shopify" || len(c.Kafka.Topics) != 0 {
		t.Errorf("got %v, want the mapping, and no topics where they have a mistake", err)
	}
	t.Setenv("SCHEMA_REGISTRY_USERNAME", "somebody")
	var mistakes *config.Error
	if _, err := config.LoadMapping(); !errors.As(err, &mistakes) || len(mistakes.Problems) != 1 {
		t.Errorf("got %v, want a problem of SCHEMA_REGISTRY_USERNAME", err)
	}
}
