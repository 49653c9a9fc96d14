package apache

import (
	"fmt"
	"strings"
)

// Version is the release of Apache Kafka that this package runs unless Options names another.
const Version = "4.4.0"

// artifact is a Maven artifact to download, with its dependencies.
type artifact struct{ group, name, version string }

func (a artifact) String() string {
	return fmt.Sprintf("<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>",
		a.group, a.name, a.version)
}

// release is what a version of Kafka needs to run on Java 17.
type release struct {
	version string
	scala   string
	// zooKeeper means that ZooKeeper, rather than the nodes themselves, stores the cluster's metadata.
	zooKeeper bool
	// besides are artifacts that the release needs but does not declare.
	besides []artifact
	// logging is the content of the file that configures the log. log4j is the system property that names this file.
	logging, log4j string
}

const (
	log4j1 = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c{1} %m%n
`
	log4j2 = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
`
)

// logSettings is the file in a node's folder that configures the node's log. Lines at level INFO and above go to
// stdout, and from there to the log file.
const logSettings = "log4j.properties"

// releaseOf returns what a version needs. It was tested with Kafka 0.11, 2.8, 3.9 and 4.x.
func releaseOf(version string) (release, error) {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d.", &major, &minor); err != nil {
		return release{}, fmt.Errorf("kafka version %q: want one like %s", version, Version)
	}
	r := release{version: version, scala: "2.13", logging: log4j1, log4j: "log4j.configuration=file:" + logSettings}
	switch {
	case major >= 4:
		r.logging, r.log4j = log4j2, "log4j2.configurationFile="+logSettings
		r.besides = []artifact{{"org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5"}}
	case major == 3 && minor >= 3: // KRaft is ready for production
		r.besides = []artifact{{"org.slf4j", "slf4j-reload4j", "1.7.36"}}
	case major >= 2:
		r.zooKeeper = true
		r.besides = []artifact{{"org.slf4j", "slf4j-reload4j", "1.7.36"}}
	default:
		// These releases have their own log4j, and use a package that Java 11 removed.
		r.scala, r.zooKeeper = "2.12", true
		r.besides = []artifact{{"javax.xml.bind", "jaxb-api", "2.3.1"}}
	}
	return r, nil
}

// jar returns the name of the file with Kafka itself.
func (r release) jar() string { return "kafka_" + r.scala + "-" + r.version + ".jar" }

// pom returns a Maven project that depends on Kafka and on the artifacts that Kafka needs but does not declare.
func (r release) pom() string {
	var dependencies strings.Builder
	for _, a := range append([]artifact{{"org.apache.kafka", "kafka_" + r.scala, r.version}}, r.besides...) {
		fmt.Fprintf(&dependencies, "    %s\n", a)
	}
	return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>leadhit-sync</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
` + dependencies.String() + `  </dependencies>
</project>
`
}
