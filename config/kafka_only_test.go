package config_test

import (
	"errors"
	"testing"

	"leadhit-sync/config"
)

func TestLoadKafkaNeedsOnlyTheSettingsOfTheLetters(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("KAFKA_GROUP", "shop")
	t.Setenv("CALLS_IN_FLIGHT", "many")
	c, err := config.LoadKafka()
	if err != nil {
		t.Fatalf("got %v, want settings without LEADHIT_API_KEY and in spite of CALLS_IN_FLIGHT", err)
	}
	if got, want := c.DeadLetter.Topic, "dlq.shop"; got != want {
		t.Errorf("got topic %q, want %q", got, want)
	}
}

func TestLoadKafkaReportsMistakesOfTheSettingsItNeeds(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka-1")
	t.Setenv("DEAD_LETTER_TOPIC", "no spaces please")
	_, err := config.LoadKafka()
	var mistakes *config.Error
	if !errors.As(err, &mistakes) || len(mistakes.Problems) != 2 {
		t.Fatalf("got %v, want a problem with KAFKA_BROKERS and one with DEAD_LETTER_TOPIC", err)
	}
}

func TestLoadPreviewNeedsOnlyTheSettingsOfReadingEvents(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("MAPPING", "shopify")
	t.Setenv("CALLS_IN_FLIGHT", "8")
	t.Setenv("LEADHIT_TIMEOUT", "soon")
	c, err := config.LoadPreview()
	if err != nil {
		t.Fatalf("got %v, want settings without LEADHIT_API_KEY and in spite of LEADHIT_TIMEOUT", err)
	}
	if c.Mapping != "shopify" || c.CallsInFlight != 8 {
		t.Errorf("got mapping %q and %d calls in flight, want shopify and 8", c.Mapping, c.CallsInFlight)
	}
}

func TestLoadPreviewReportsMistakesOfTheSettingsItNeeds(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("CALLS_IN_FLIGHT", "many")
	t.Setenv("SCHEMA_REGISTRY_USERNAME", "somebody")
	_, err := config.LoadPreview()
	var mistakes *config.Error
	if !errors.As(err, &mistakes) || len(mistakes.Problems) != 3 {
		t.Fatalf("got %v, want a problem with each of KAFKA_TOPICS, CALLS_IN_FLIGHT and SCHEMA_REGISTRY_USERNAME", err)
	}
}
