package apache_test

import (
	"strings"
	"testing"

	"leadhit-sync/integration/apache"
)

func TestAReleaseBringsWhatItNeedsOnJava17(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]struct {
		jar       string
		zooKeeper bool
		besides   string
		log4j     string
	}{
		"0.11.0.3": {"kafka_2.12-0.11.0.3.jar", true, "jaxb-api", "log4j.configuration="},
		"1.1.1":    {"kafka_2.12-1.1.1.jar", true, "jaxb-api", "log4j.configuration="},
		"2.8.2":    {"kafka_2.13-2.8.2.jar", true, "slf4j-reload4j", "log4j.configuration="},
		"3.2.3":    {"kafka_2.13-3.2.3.jar", true, "slf4j-reload4j", "log4j.configuration="},
		"3.9.1":    {"kafka_2.13-3.9.1.jar", false, "slf4j-reload4j", "log4j.configuration="},
		"4.4.0":    {"kafka_2.13-4.4.0.jar", false, "log4j-slf4j-impl", "log4j2.configurationFile="},
	} {
		got, err := apache.ReleaseOf(version)
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		if got.Jar != want.jar || got.ZooKeeper != want.zooKeeper || !strings.Contains(got.Log4j, want.log4j) {
			t.Errorf("%s: got %+v, want %+v", version, got, want)
		}
		scala, _, _ := strings.Cut(want.jar, "-")
		for _, artifact := range []string{
			"<artifactId>" + want.besides + "</artifactId>", "<artifactId>" + scala + "</artifactId><version>" + version + "</version>",
		} {
			if strings.Count(got.POM, artifact) != 1 {
				t.Errorf("%s: got %s, want %s in it", version, got.POM, artifact)
			}
		}
		if n := strings.Count(got.POM, "<dependency>"); n != 2 {
			t.Errorf("%s: got %d dependencies, want Kafka and one", version, n)
		}
	}
}

func TestAnInvalidVersionIsAnError(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "4", "four.point.0"} {
		if got, err := apache.ReleaseOf(version); err == nil {
			t.Errorf("%q: got %+v, want an error", version, got)
		}
	}
}
