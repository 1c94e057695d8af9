package slotspec.recorder;

import java.io.IOException;
import java.io.Writer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Writes down what the endpoints of one process say to others about slots, and what each remembers
 * after each step of its main thread: one line of JSON for each event, written at once.
 */
public final class Recorder implements Hooks.Sink {
    private static final Set<String> CALLS = Set.of(
            "requestSlot", "cancelSlotRequest", "notifyAllocationFailure", "declareRequiredResources",
            "registerJobManager", "registerJobMaster", "registerTaskExecutor", "registerTaskManager",
            "sendSlotReport", "notifySlotAvailable", "offerSlots", "failSlot", "freeSlot", "submitTask",
            "cancelTask", "updateTaskExecutionState", "disconnectTaskManager", "disconnectResourceManager",
            "disconnectJobManager", "heartbeatFromTaskManager", "heartbeatFromJobManager",
            "heartbeatFromResourceManager", "notifyNotEnoughResourcesAvailable", "freeInactiveSlots",
            "cancel");
    /** Messages and runnables that nobody has handled: the oldest of more are forgotten. */
    private static final int MOST_WAITING = 50_000;
    /** After so many lines it says what they cost. */
    private static final int COST_EVERY = 100;

    /** An endpoint; one of another process is known by its address only. */
    private static final class Endpoint {
        String name;
        String kind;
        Object object;
        String last;

        boolean isRemote() {
            return object == null;
        }

        /** Whether it takes part in the slot protocol. */
        boolean speaks() {
            return kind.equals("jm") || kind.equals("rm") || kind.equals("tm");
        }
    }

    /** A call. */
    private static final class Call {
        int id;
        Endpoint from, to;
        String name;
        final List<Object> created = new ArrayList<>();
    }

    /** What the present thread does as the main thread of an endpoint. */
    private static final class Step {
        Endpoint endpoint;
        Object actor;
        int number;
        String why;
        Call call;
        Object payload;
        boolean handled;
        final List<Integer> sent = new ArrayList<>();
    }

    private final Writer out;
    private final Values values;
    private final Snapshots snapshots;
    private final boolean states;
    private final Map<Object, Endpoint> endpoints = Collections.synchronizedMap(new IdentityHashMap<>());
    private final Map<String, Endpoint> byAddress = new HashMap<>();
    private final Map<Object, Call> invocations = bounded();
    private final Map<Object, Object> causes = bounded();
    private final ThreadLocal<Step> steps = new ThreadLocal<>();
    private final ThreadLocal<Call> sending = new ThreadLocal<>();
    private final ThreadLocal<Call> answering = new ThreadLocal<>();
    private final Map<String, Object> channels = new HashMap<>();
    private Endpoint taskManager, jobMaster;
    private int lines, calls, stepCount;
    /** Nanoseconds spent on lines and on states: what the recorder costs. */
    private long writing, reading;

    private Recorder(Writer out, boolean states, boolean tasks) {
        this.out = out;
        this.states = states;
        values = new Values(tasks);
        snapshots = new Snapshots(values);
    }

    /** Begin to record into a file of the folder `out`. */
    public static void start(Map<String, String> options) throws IOException {
        Path folder = Paths.get(options.get("out"));
        Files.createDirectories(folder);
        long pid = ProcessHandle.current().pid();
        Path file = folder.resolve("process-" + pid + "-" + System.currentTimeMillis() + ".jsonl");
        Writer out = Files.newBufferedWriter(
                file, StandardCharsets.US_ASCII, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        boolean states = Boolean.parseBoolean(options.get("states"));
        Recorder recorder = new Recorder(out, states, Boolean.parseBoolean(options.get("tasks")));
        Path boot = Paths.get("/proc/sys/kernel/random/boot_id");
        recorder.log("process", "format", "slotspec.process-recording", "format_version", 1,
                "pid", pid, "wall_us", System.currentTimeMillis() * 1000, "states", states,
                "boot", Files.exists(boot) ? Files.readAllLines(boot).get(0) : null);
        Hooks.listen(recorder);
    }

    private static <V> Map<Object, V> bounded() {
        return Collections.synchronizedMap(new LinkedHashMap<Object, V>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Object, V> eldest) {
                return size() > MOST_WAITING;
            }
        });
    }

    private synchronized void log(String does, Object... pairs) {
        long began = System.nanoTime();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("n", ++lines);
        line.put("us", System.nanoTime() / 1000);
        line.put("do", does);
        for (int i = 0; i < pairs.length; i += 2) {
            if (pairs[i + 1] != null) line.put((String) pairs[i], pairs[i + 1]);
        }
        try {
            out.write(Json.of(line));
            out.write('\n');
            out.flush();
        } catch (IOException e) {
            Hooks.fail(e);
        }
        writing += System.nanoTime() - began;
        if (lines % COST_EVERY == 0 && !does.equals("cost")) {
            log("cost", "lines", lines, "steps", stepCount, "writing_us", writing / 1000,
                    "states_us", reading / 1000);
        }
    }

    private synchronized void read(long nanos) {
        reading += nanos;
    }

    // -- endpoints -----------------------------------------------------------------------------

    private Endpoint endpoint(Object actor) {
        Object object = Reflect.field(actor, "rpcEndpoint");
        Endpoint known = endpoints.get(object);
        if (known != null) return known;
        Endpoint made = new Endpoint();
        made.object = object;
        made.kind = kind(object.getClass());
        made.name = made.kind;
        String resource = null;
        if (made.kind.equals("tm")) {
            Object location = Reflect.field(object, "unresolvedTaskManagerLocation");
            resource = String.valueOf(values.value(Reflect.call(location, "getResourceID")));
            made.name = resource;
            taskManager = made;
        } else if (made.speaks()) {
            Object id = Reflect.field(object, "resourceId");
            resource = id == null ? null : String.valueOf(values.value(id));
            if (made.kind.equals("jm")) jobMaster = made;
        }
        String address = String.valueOf(Reflect.call(object, "getAddress"));
        synchronized (byAddress) {
            byAddress.put(address, made);
        }
        endpoints.put(object, made);
        if (made.speaks()) {
            log("endpoint", "at", made.name, "kind", made.kind, "class", object.getClass().getSimpleName(),
                    "resource", resource, "address", address, "flink", version(object));
        }
        return made;
    }

    private static String version(Object endpoint) {
        try {
            String type = "org.apache.flink.runtime.util.EnvironmentInformation";
            Class<?> environment = Class.forName(type, true, endpoint.getClass().getClassLoader());
            return String.valueOf(environment.getMethod("getVersion").invoke(null));
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    private static String kind(Class<?> type) {
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            switch (c.getSimpleName()) {
                case "JobMaster": return "jm";
                case "ResourceManager": return "rm";
                case "TaskExecutor": return "tm";
                default: // its superclass may tell
            }
        }
        return "other";
    }

    /** The endpoint of an address; one of another process if no endpoint of this one has it. */
    private Endpoint at(String address) {
        synchronized (byAddress) {
            return byAddress.computeIfAbsent(address, k -> {
                Endpoint made = new Endpoint();
                made.kind = k.contains("/jobmanager") ? "jm"
                        : k.contains("/resourcemanager") ? "rm"
                        : k.contains("/taskmanager") ? "tm" : "other";
                made.name = "@" + k;
                return made;
            });
        }
    }

    // -- main threads --------------------------------------------------------------------------

    @Override
    public void begin(Object actor, Object message, boolean control) {
        Step step = new Step();
        step.endpoint = endpoint(actor);
        step.actor = actor;
        step.why = control ? String.valueOf(message).toLowerCase() : "message";
        step.payload = message;
        for (int i = 0; i < 2 && isFenced(step.payload); i++) {
            step.payload = Reflect.call(step.payload, "getPayload");
        }
        steps.set(step);
    }

    private static boolean isFenced(Object message) {
        return message != null && message.getClass().getSimpleName().contains("Fenced");
    }

    @Override
    public void rpc(Object actor, Object invocation) {
        Step step = steps.get();
        if (step == null) return;
        step.handled = true;
        String name = String.valueOf(Reflect.call(invocation, "getMethodName"));
        Call call = invocations.remove(new Identity(invocation));
        step.why = "call " + name;
        boolean incoming = call == null;
        if (incoming) {
            if (!CALLS.contains(name) || !step.endpoint.speaks()) return;
            call = call(null, step.endpoint, name);
        }
        step.call = call;
        step.why = "message " + call.id;
        number(step);
        Object args = incoming ? values.arguments((Object[]) Reflect.call(invocation, "getArgs")) : null;
        log("hear", "m", call.id, "at", step.endpoint.name, "from", incoming ? null : call.from.name,
                "call", snake(name), "step", step.number, "incoming", incoming ? true : null, "args", args);
    }

    @Override
    public void run(Object actor, Object runAsync) {
        Step step = steps.get();
        if (step == null) return;
        step.handled = true;
        step.why = "local";
        Object at = Reflect.field(runAsync, "atTimeNanos");
        boolean timed = at instanceof Long && (Long) at != 0;
        if (timed && (Long) at > System.nanoTime()) {
            step.why = "not yet";
            return;
        }
        Object cause = causes.remove(new Identity(Reflect.field(runAsync, "runnable", "callable")));
        if (cause instanceof Call) {
            step.call = null;
            step.why = "answer " + ((Call) cause).id;
            number(step);
            log("react", "m", ((Call) cause).id, "at", step.endpoint.name,
                    "call", snake(((Call) cause).name), "step", step.number);
        } else if (cause != null) {
            step.why = String.valueOf(cause);
        } else if (timed) {
            step.why = "timer";
        }
    }

    private synchronized void number(Step step) {
        if (step.number == 0) step.number = ++stepCount;
    }

    @Override
    public void runnableCreated(Object runnable) {
        if (runnable == null) return;
        Step step = steps.get();
        if (step != null && step.why.equals("not yet")) return;
        Call answered = answering.get();
        if (answered != null) causes.put(new Identity(runnable), answered);
        else if (step != null && step.number != 0) causes.put(new Identity(runnable), "step " + step.number);
    }

    @Override
    public void end(Object actor) {
        Step step = steps.get();
        if (step == null || step.actor != actor) return;
        steps.remove();
        if (!step.handled && step.payload != null) {
            Call refused = invocations.remove(new Identity(step.payload));
            if (refused != null) {
                log("refuse", "m", refused.id, "at", step.endpoint.name, "call", snake(refused.name));
            }
        }
        if (step.why.equals("not yet") || !step.endpoint.speaks()) return;
        Map<String, Object> state = states ? changed(step.endpoint) : null;
        if (state != null || !step.sent.isEmpty() || step.call != null || step.number != 0) {
            number(step);
            log("done", "at", step.endpoint.name, "step", step.number, "why", step.why,
                    "sent", step.sent.isEmpty() ? null : step.sent, "state", state);
        }
    }

    /** What an endpoint remembers, if it is not what it remembered before. */
    private Map<String, Object> changed(Endpoint endpoint) {
        long began = System.nanoTime();
        Map<String, Object> state = snapshots.of(endpoint.kind, endpoint.object);
        String text = String.valueOf(state);
        boolean same = text.equals(endpoint.last);
        endpoint.last = text;
        read(System.nanoTime() - began);
        return same ? null : state;
    }

    // -- calls ---------------------------------------------------------------------------------

    private synchronized Call call(Endpoint from, Endpoint to, String name) {
        Call call = new Call();
        call.id = ++calls;
        call.from = from;
        call.to = to;
        call.name = name;
        return call;
    }

    @Override
    public void invocationCreated(Object invocation) {
        Call call = sending.get();
        if (call == null) return;
        Identity key = new Identity(invocation);
        call.created.add(key);
        invocations.put(key, call);
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
        if (sending.get() != null || !CALLS.contains(method.getName())) return Hooks.PROCEED;
        Call call;
        Object channel;
        try {
            Endpoint to = at(String.valueOf(Reflect.call(proxy, "getAddress")));
            Step step = steps.get();
            Endpoint from = step != null ? step.endpoint : sender(to);
            if (!to.speaks() || from == null || from == to || !from.speaks()) return Hooks.PROCEED;
            call = call(from, to, method.getName());
            channel = channel(from, to);
        } catch (Throwable t) {
            Hooks.fail(t);
            return Hooks.PROCEED;
        }
        Object result;
        synchronized (channel) {
            // under this lock, the lines of a channel are in the order of the mailbox
            sent(call, args);
            sending.set(call);
            try {
                result = method.invoke(proxy, args);
            } catch (InvocationTargetException e) {
                throw e.getTargetException();
            } finally {
                sending.remove();
                if (call.to.isRemote()) invocations.keySet().removeAll(call.created);
                call.created.clear();
            }
        }
        if (!(result instanceof CompletableFuture)) return result;
        CompletableFuture<Object> seen = new CompletableFuture<>();
        ((CompletableFuture<?>) result).whenComplete((v, t) -> complete(call, v, t, seen));
        return seen;
    }

    private void sent(Call call, Object[] args) {
        try {
            Step step = steps.get();
            if (step != null) {
                number(step);
                step.sent.add(call.id);
            }
            Call after = answering.get();
            log("send", "m", call.id, "from", call.from.name, "to", call.to.name, "call", snake(call.name),
                    "step", step == null ? null : step.number, "thread", step == null ? threadName() : null,
                    "after", step == null && after != null ? after.id : null,
                    "args", values.arguments(args));
        } catch (RuntimeException e) {
            Hooks.fail(e);
        }
    }

    private static String threadName() {
        String name = Thread.currentThread().getName().replaceAll("-?[0-9]+", "");
        return name.replaceAll("(akka|pekko).*", "dispatcher");
    }

    private Object channel(Endpoint from, Endpoint to) {
        synchronized (channels) {
            return channels.computeIfAbsent(from.name + ">" + to.name, k -> new Object());
        }
    }

    /** Who calls from a thread that is nobody's main thread. */
    private Endpoint sender(Endpoint to) {
        if (taskManager != null) return taskManager;
        return to.kind.equals("rm") || to.kind.equals("tm") ? jobMaster : null;
    }

    private void complete(Call call, Object v, Throwable t, CompletableFuture<Object> seen) {
        try {
            log("get", "m", call.id, "at", call.from.name, "call", snake(call.name),
                    "late", seen.isDone() ? true : null,
                    "answer", t == null ? values.answer(v) : null, "error", error(t));
        } catch (RuntimeException e) {
            Hooks.fail(e);
        }
        Call before = answering.get();
        answering.set(call);
        try {
            if (t == null) seen.complete(v);
            else seen.completeExceptionally(t);
        } finally {
            if (before == null) answering.remove();
            else answering.set(before);
        }
    }

    @Override
    public Object response(Object actor, Object future) {
        Step step = steps.get();
        if (step == null || step.call == null) return future;
        Call call = step.call;
        CompletableFuture<?> given = (CompletableFuture<?>) future;
        if (given.isDone()) {
            given.whenComplete((v, t) -> reply(call, step.number, v, t));
            return future;
        }
        CompletableFuture<Object> seen = new CompletableFuture<>();
        given.whenComplete((v, t) -> {
            Step now = steps.get();
            reply(call, now == null ? 0 : now.number, v, t);
            if (t == null) seen.complete(v);
            else seen.completeExceptionally(t);
        });
        return seen;
    }

    private void reply(Call call, int step, Object v, Throwable t) {
        try {
            log("reply", "m", call.id, "at", call.to.name, "call", snake(call.name),
                    "step", step == 0 ? null : step,
                    "answer", t == null ? values.answer(v) : null, "error", error(t));
        } catch (RuntimeException e) {
            Hooks.fail(e);
        }
    }

    private static List<String> error(Throwable t) {
        if (t == null) return null;
        return Values.causes(t instanceof CompletionException && t.getCause() != null ? t.getCause() : t);
    }

    private static String snake(String camel) {
        return camel.replaceAll("([A-Z])", "_$1").toLowerCase();
    }

    /** A key by identity. */
    private static final class Identity {
        private final Object object;

        Identity(Object object) {
            this.object = object;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(object);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Identity && ((Identity) other).object == object;
        }
    }
}
