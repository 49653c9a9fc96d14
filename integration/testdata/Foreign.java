import java.time.Duration;
import java.util.List;
import java.util.Properties;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer as other teams write them: BROKERS GROUP TOPIC [NAME=VALUE…]. It consumes until its stdin ends, and prints how
 * many events it got, or why it got none.
 */
public class Foreign {
    private static volatile boolean ended;

    public static void main(String[] args) {
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException e) {
                // the same as the end of stdin
            }
            ended = true;
        });
        watch.setDaemon(true);
        watch.start();

        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("group.id", args[1]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        for (int i = 3; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        int events = 0;
        boolean assigned = false;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(List.of(args[2]));
            while (!ended) {
                events += consumer.poll(Duration.ofMillis(200)).count();
                if (!assigned && !consumer.assignment().isEmpty()) {
                    assigned = true;
                    System.out.println("assigned " + consumer.assignment());
                }
            }
            System.out.println("got " + events + " events");
        } catch (RuntimeException e) {
            System.out.println("got " + events + " events, then " + e);
        }
    }
}
