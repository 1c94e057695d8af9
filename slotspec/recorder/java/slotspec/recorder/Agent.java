package slotspec.recorder;

import java.io.File;
import java.lang.instrument.Instrumentation;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarFile;

/**
 * Attaches the recorder to a JobManager or TaskManager process.
 *
 * <p>{@code -javaagent:slotspec-recorder.jar=out=FOLDER[,states=true][,tasks=true]}
 */
public final class Agent {
    private static final String ASM = "jdk.internal.org.objectweb.asm";

    private Agent() {}

    public static void premain(String given, Instrumentation instrumentation) {
        try {
            Map<String, String> options = options(given == null ? "" : given);
            Module base = Object.class.getModule();
            File jar = new File(Agent.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            // from here on, every other class of this jar comes from the boot class path
            instrumentation.appendToBootstrapClassLoaderSearch(new JarFile(jar));
            Set<Module> ours = Set.of(Hooks.class.getModule(), Agent.class.getModule());
            instrumentation.redefineModule(
                    base, Set.of(), Map.of(ASM, ours), Map.of("java.util", ours), Set.of(), Map.of());
            instrumentation.addTransformer(new Weaver());
            Recorder.start(options);
        } catch (Throwable t) {
            System.err.println("slotspec recorder: " + t + "; nothing is recorded, Flink goes on");
            t.printStackTrace();
        }
    }

    private static Map<String, String> options(String given) {
        Map<String, String> options = new HashMap<>();
        options.put("states", "false");
        options.put("tasks", "false");
        for (String part : given.split(",")) {
            String[] pair = part.split("=", 2);
            if (pair.length != 2 || !Set.of("out", "states", "tasks").contains(pair[0])) {
                throw new IllegalArgumentException(
                        "option '" + part + "'; write out=FOLDER[,states=true][,tasks=true]");
            }
            options.put(pair[0], pair[1]);
        }
        if (!options.containsKey("out")) throw new IllegalArgumentException("write out=FOLDER");
        return options;
    }
}
