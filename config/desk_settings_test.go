package config_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/config"
)

func TestLoadDeskNeedsOnlyTheSettingsOfTheDesk(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("DESK_USER_HEADER", "X-Forwarded-Email")
	t.Setenv("DESK_TRUSTED_PROXIES", "10.1.2.3, 10.2.0.0/16, ::ffff:192.0.2.1, fd00::/8")
	t.Setenv("LEADHIT_TIMEOUT", "soon")
	c, err := config.LoadDesk()
	if err != nil {
		t.Fatalf("got %v, want settings without LEADHIT_API_KEY and in spite of LEADHIT_TIMEOUT", err)
	}
	want := []netip.Prefix{
		netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("192.0.2.1/32"),
		netip.MustParsePrefix("fd00::/8"),
	}
	if !slices.Equal(c.Desk.TrustedProxies, want) {
		t.Errorf("got the proxies %v, want %v", c.Desk.TrustedProxies, want)
	}
	var values strings.Builder
	if err := c.WriteValues(&values); err != nil {
		t.Fatal(err)
	}
	if want := "10.1.2.3,10.2.0.0/16,192.0.2.1,fd00::/8\n"; !strings.Contains(values.String(), want) {
		t.Errorf("got\n%s\nwant %s", values.String(), want)
	}
}

func TestLoadDeskReportsMistakesOfTheSettingsItNeeds(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
	t.Setenv("DESK_WRITE", "true")
	_, err := config.LoadDesk()
	var mistakes *config.Error
	if !errors.As(err, &mistakes) || !mistakes.Has("KAFKA_TOPICS") || !mistakes.Has("DESK_WRITE") {
		t.Fatalf("got %v, want a problem with each of KAFKA_TOPICS and DESK_WRITE", err)
	}
}

func TestADeskThatEverybodyCanReadIsAWarning(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:8090": false, "localhost:8090": false, "[::1]:0": false,
		":8090": true, "0.0.0.0:8090": true, "10.1.2.3:8090": true, "desk.example.com:8090": true,
	} {
		t.Run(address, func(t *testing.T) {
			t.Setenv("KAFKA_BROKERS", "kafka-1:9092")
			t.Setenv("KAFKA_TOPICS", "orders")
			t.Setenv("DESK_ADDR", address)
			c, err := config.LoadDesk()
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.ContainsFunc(c.Warnings, func(line string) bool { return strings.HasPrefix(line, "DESK_ADDR") }); got != want {
				t.Errorf("got the warnings %q, want one about DESK_ADDR: %v", c.Warnings, want)
			}
			t.Setenv("DESK_TOKEN_FILE", file(t, "alice 0123456789abcdef0123456789abcdef"))
			if c, err = config.LoadDesk(); err != nil || len(c.Warnings) > 0 {
				t.Errorf("got the warnings %q and %v, want none where users are known", c.Warnings, err)
			}
		})
	}
}
