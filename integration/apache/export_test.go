package apache

import "context"

// Properties returns the settings of one node out of as many as there are pairs of ports.
func Properties(ports []int, id int, extra map[string]string) string {
	return layout{ports: ports, extra: extra}.properties(id, "/data")
}

// PropertiesWith is Properties with listeners, and with authorization.
func PropertiesWith(ports []int, id int, listeners ...Listener) string {
	return layout{ports: ports, listeners: listeners, extra: authorizing(nil)}.properties(id, "/data")
}

// FetchInto fetches Kafka into a cache folder of the test's own.
func FetchInto(ctx context.Context, cache string) (string, error) {
	return fetchInto(ctx, release{version: Version, scala: "2.13"}, cache)
}
