package slotspec.cluster;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.jobgraph.JobGraph;

/**
 * A JobManager that submits one job to itself.
 *
 * <p>Arguments: configuration folder, parallelism, records, milliseconds for each, whether vertices are
 * apart. It reads {@code submit} and {@code cancel} from its input and writes {@code slotspec: …} lines.
 */
public final class Master {
    private Master() {}

    public static void main(String[] args) throws Exception {
        Thread client = new Thread(() -> {
            try {
                serve(args);
            } catch (Throwable t) {
                t.printStackTrace();
                tell("broken");
            }
        });
        client.setDaemon(true);
        client.start();
        StandaloneSessionClusterEntrypoint.main(new String[] {"--configDir", args[0]});
    }

    private static void serve(String[] args) throws Exception {
        Configuration configuration = GlobalConfiguration.loadConfiguration(args[0]);
        JobGraph graph = SmallJob.graph(Integer.parseInt(args[1]), Long.parseLong(args[2]),
                Integer.parseInt(args[3]), Boolean.parseBoolean(args[4]));
        RestClusterClient<String> client = new RestClusterClient<>(configuration, "cluster");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            if (line.equals("submit")) {
                submit(client, graph);
                tell("submitted");
                client.requestJobResult(graph.getJobID()).whenComplete((r, t) -> tell(
                        t != null ? "broken" : "ended " + status(r)));
            } else if (line.equals("cancel")) {
                client.cancel(graph.getJobID());
            }
        }
    }

    /** The REST server may not be there yet. The method moved to another interface over the releases. */
    private static void submit(RestClusterClient<String> client, JobGraph graph) throws Exception {
        Method submit = null;
        for (Method m : client.getClass().getMethods()) {
            if (m.getName().equals("submitJob") && m.getParameterCount() == 1 && !m.isBridge()) submit = m;
        }
        for (int i = 0; ; i++) {
            try {
                ((CompletableFuture<?>) submit.invoke(client, graph)).get();
                return;
            } catch (Exception e) {
                if (i == 30) throw e;
                Thread.sleep(300);
            }
        }
    }

    /** Until 1.20 the result has an ApplicationStatus, and since 2.0 a JobStatus. */
    private static String status(Object result) {
        for (String name : new String[] {"getApplicationStatus", "getJobStatus"}) {
            try {
                Object found = result.getClass().getMethod(name).invoke(result);
                return found.toString().replaceAll("Optional\\[(.*)\\]", "$1");
            } catch (ReflectiveOperationException e) {
                // the other one
            }
        }
        return "UNKNOWN";
    }

    private static void tell(String what) {
        System.out.println("slotspec: " + what);
        System.out.flush();
    }
}
