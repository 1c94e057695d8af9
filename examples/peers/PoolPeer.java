// A slot pool in plain Java that speaks JSON lines: an example of a peer, in a single file.
//
//     slotspec fuzz --target "java examples/peers/PoolPeer.java" --generation 1.12
//
// It needs Java 17 and nothing else, and keeps a slot pool as Flink 1.12 does. It does not
// tell its state, which a peer need not do: results and effects are compared alone. With the
// argument "idle" it makes a mistake to be found: it frees idle slots one instant too early.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

public class PoolPeer {

    public static void main(String[] arguments) throws IOException {
        boolean early = Arrays.asList(arguments).contains("idle");
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Pool pool = null;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            var question = new Json(line).object();
            if (question.containsKey("reset")) {
                pool = new Pool(Json.map(question.get("reset")), early);
                out.println("{\"ready\": true}");
            } else {
                out.println(Json.write(answer(pool, question)));
            }
        }
    }

    static Map<String, Object> answer(Pool pool, Map<String, Object> question) {
        var said = new LinkedHashMap<String, Object>();
        pool.effects = new ArrayList<>();
        pool.unordered = new ArrayList<>();
        said.put("result", null);
        try {
            said.put("result", pool.run((String) question.get("op"), question));
        } catch (NullPointerException raised) {
            said.put("raises", "NullPointerException");
        } catch (IllegalArgumentException unknown) {
            return Map.of("error", unknown.getMessage());
        }
        said.put("effects", pool.effects);
        said.put("unordered", pool.unordered);
        return said;
    }

    static class Request {
        final String name;
        final int attempt;
        final String profile;
        final boolean batch;
        boolean open = true;
        boolean waited;
        String rm;
        String allocation;
        Long unfulfillableSince;

        Request(String name, int attempt, String profile, boolean batch) {
            this.name = name;
            this.attempt = attempt;
            this.profile = profile;
            this.batch = batch;
        }
    }

    static class Slot {
        final String allocation;
        final String tm;
        final int index;
        final String profile;
        boolean payload;
        long since;

        Slot(String allocation, String tm, int index, String profile) {
            this.allocation = allocation;
            this.tm = tm;
            this.index = index;
            this.profile = profile;
        }

        Map<String, Object> told() {
            var told = new LinkedHashMap<String, Object>();
            told.put("allocation", allocation);
            told.put("tm", tm);
            told.put("index", index);
            told.put("profile", profile);
            return told;
        }
    }

    record Timer(long due, int number, boolean idle) {}

    /** An ordered map whose values are found by either of two keys. */
    static class TwoKeyMap<V> {
        private final Map<String, V> values = new LinkedHashMap<>();
        private final Map<String, String> seconds = new HashMap<>();
        private final Map<String, String> firsts = new HashMap<>();

        void put(String first, String second, V value) {
            if (!first.equals(firsts.get(second))) {
                remove(firsts.get(second));
                if (seconds.containsKey(first)) {
                    firsts.remove(seconds.get(first));
                }
            }
            values.put(first, value);
            seconds.put(first, second);
            firsts.put(second, first);
        }

        V get(String first) {
            return values.get(first);
        }

        V bySecond(String second) {
            return values.get(firsts.get(second));
        }

        V remove(String first) {
            V value = values.remove(first);
            if (value != null) {
                firsts.remove(seconds.remove(first), first);
            }
            return value;
        }

        Collection<V> all() {
            return values.values();
        }

        void clear() {
            values.clear();
            seconds.clear();
            firsts.clear();
        }
    }

    static class Pool {
        List<Object> effects = new ArrayList<>();
        List<Object> unordered = new ArrayList<>();

        private final Map<String, Object> profiles;
        private final Map<String, Object> causes;
        private final long idle;
        private final long batch;
        private final boolean early;

        private boolean executor;
        private boolean batchCheck = true;
        private String rm;
        private long clock;
        private int scheduled;
        private int generated;
        private final Set<String> known = new HashSet<>();
        private final Set<String> registered = new TreeSet<>();
        private final TwoKeyMap<Request> pending = new TwoKeyMap<>();
        private final Map<String, Request> waiting = new LinkedHashMap<>();
        private final TwoKeyMap<Slot> allocated = new TwoKeyMap<>();
        private final List<Slot> index = new ArrayList<>();
        private final Map<String, Slot> available = new LinkedHashMap<>();
        private final Map<String, String> calls = new HashMap<>();
        private final Map<String, List<Request>> requests = new HashMap<>();
        private final List<Timer> timers = new ArrayList<>();

        Pool(Map<String, Object> header, boolean early) {
            var config = Json.map(header.get("config"));
            profiles = Json.map(header.get("profiles"));
            causes = Json.map(header.get("causes"));
            idle = Json.number(config.get("idle_slot_timeout_ms"));
            batch = Json.number(config.get("batch_slot_timeout_ms"));
            this.early = early;
        }

        Object run(String op, Map<String, Object> given) {
            var request = (String) given.get("request");
            var allocation = (String) given.get("allocation");
            var tm = (String) given.get("tm");
            var profile = (String) given.get("profile");
            var cause = (String) given.get("cause");
            switch (op) {
                case "start" -> start();
                case "suspend" -> suspend();
                case "close" -> close();
                case "connect_to_resource_manager" -> connect((String) given.get("rm"));
                case "disconnect_resource_manager" -> rm = null;
                case "request_new_allocated_slot" -> ask(request, profile, false);
                case "request_new_allocated_batch_slot" -> ask(request, profile, true);
                case "release_slot" -> release(request, cause);
                case "disable_batch_slot_request_timeout_check" -> batchCheck = false;
                case "advance_time" -> advance(Json.number(given.get("ms")));
                case "register_task_manager" -> {
                    checkStarted();
                    return registered.add(tm);
                }
                case "release_task_manager" -> {
                    return releaseTaskManager(tm);
                }
                case "offer_slots" -> {
                    return offers(tm, (List<?>) given.get("offers"));
                }
                case "fail_allocation" -> {
                    return failAllocation(allocation, cause);
                }
                case "allocate_available_slot" -> {
                    return allocate(request, allocation);
                }
                case "request_timeout" -> {
                    return timeOut(request, (int) Json.number(given.getOrDefault("attempt", 1L)));
                }
                case "resource_manager_acknowledges" -> {
                    return calls.remove(allocation) != null;
                }
                case "resource_manager_fails" -> {
                    return resourceManagerFails(allocation, cause);
                }
                case "assign_payload" -> {
                    return assign(allocation);
                }
                case "get_available_slots_information" -> {
                    return availableSlots();
                }
                case "get_allocated_slots_information" -> {
                    return allocated.all().stream().map(Slot::told).toList();
                }
                case "create_allocated_slot_report" -> {
                    return report(tm);
                }
                default -> throw new IllegalArgumentException("no operation " + op);
            }
            return null;
        }

        private void checkStarted() {
            if (!executor) {
                throw new NullPointerException();
            }
        }

        private void emit(String name, Object... fields) {
            var effect = new LinkedHashMap<String, Object>();
            effect.put("effect", name);
            for (int i = 0; i < fields.length; i += 2) {
                if (fields[i + 1] != null) {
                    effect.put((String) fields[i], fields[i + 1]);
                }
            }
            effects.add(effect);
        }

        private void anyOrder(int begin, int end) {
            if (end - begin > 1) {
                unordered.add(List.of(begin, end));
            }
        }

        private List<String> chain(String cause) {
            return Arrays.asList(((String) causes.get(cause)).split("<-"));
        }

        // ------------------------------------------------------------------ requests

        private Request take(String name) {
            Request request = waiting.remove(name);
            return request != null ? request : pending.remove(name);
        }

        private Integer attempt(Request request) {
            return request.attempt > 1 ? request.attempt : null;
        }

        private void cancelAsked(Request request) {
            if (request.rm != null) {
                emit("rm.cancel_slot_request", "allocation", request.allocation, "rm", request.rm);
            }
        }

        private void fail(Request request, String error, String root) {
            while (request != null && request.open) {
                request.open = false;
                if (request.waited) {
                    cancelAsked(request);
                }
                emit("request.failed", "request", request.name, "attempt", attempt(request),
                        "error", error, "root_cause", root);
                if (!request.waited) {
                    cancelAsked(request);
                }
                if (!error.equals("TimeoutException") || request.batch) {
                    return;
                }
                request = take(request.name);
                root = error;
            }
        }

        private void ask(String name, String profile, boolean ofBatch) {
            checkStarted();
            var calls = requests.computeIfAbsent(name, key -> new ArrayList<>());
            var request = new Request(name, calls.size() + 1, profile, ofBatch);
            calls.add(request);
            if (rm == null) {
                request.waited = true;
                waiting.put(name, request);
            } else {
                send(request);
            }
        }

        private void send(Request request) {
            do {
                generated++;
            } while (!known.add("a" + generated));
            request.allocation = "a" + generated;
            request.rm = rm;
            pending.put(request.name, request.allocation, request);
            if (!request.open) {
                cancelAsked(request);
            }
            emit("rm.request_slot", "allocation", request.allocation, "profile", request.profile,
                    "rm", rm);
            calls.put(request.allocation, request.name);
        }

        private boolean ignorable(Request request, List<String> chain) {
            return request.batch && !chain.contains("UnfulfillableSlotRequestException");
        }

        // --------------------------------------------------------------------- slots

        private boolean satisfies(String slot, String wanted) {
            Object have = profiles.get(slot);
            Object need = profiles.get(wanted);
            if (have.equals("ANY") || have.equals(need)) {
                return true;
            }
            if (have.equals("UNKNOWN") || need.equals("ANY")) {
                return false;
            }
            return need.equals("UNKNOWN") || atLeast(Json.map(have), Json.map(need));
        }

        private boolean atLeast(Map<String, Object> have, Map<String, Object> need) {
            for (var amount : need.entrySet()) {
                Object there = have.get(amount.getKey());
                if (amount.getValue() instanceof Map<?, ?> extended) {
                    if (!atLeast(Json.map(there), Json.map(extended))) {
                        return false;
                    }
                } else if (there == null
                        || ((Number) there).doubleValue()
                                < ((Number) amount.getValue()).doubleValue()) {
                    return false;
                }
            }
            return true;
        }

        private List<Slot> slotsOf(String tm, Collection<Slot> among) {
            return new ArrayList<>(among.stream().filter(slot -> slot.tm.equals(tm)).toList());
        }

        private void enter(String name, Slot slot) {
            allocated.put(slot.allocation, name, slot);
            index.add(slot);
        }

        private void leave(Slot slot) {
            allocated.remove(slot.allocation);
            index.remove(slot);
        }

        private void releasePayload(Slot slot) {
            if (slot.payload) {
                slot.payload = false;
                emit("payload.released", "allocation", slot.allocation);
            }
        }

        private void free(Slot slot) {
            emit("tm.free_slot", "tm", slot.tm, "allocation", slot.allocation);
        }

        private List<Request> queue() {
            var queue = new ArrayList<>(pending.all());
            queue.addAll(waiting.values());
            return queue;
        }

        private void place(Slot slot) {
            var first = queue().stream().filter(r -> satisfies(slot.profile, r.profile)).findFirst();
            if (first.isEmpty()) {
                slot.since = clock;
                available.put(slot.allocation, slot);
                return;
            }
            Request request = first.get();
            take(request.name);
            enter(request.name, slot);
            if (request.open) {
                request.open = false;
                emit("request.fulfilled", "request", request.name, "attempt", attempt(request),
                        "allocation", slot.allocation);
            }
            String orphan = request.allocation;
            if (orphan == null || orphan.equals(slot.allocation)) {
                return;
            }
            Request heir = pending.bySecond(slot.allocation);
            if (heir != null) {
                heir.allocation = orphan;
                pending.put(heir.name, orphan, heir);
            } else if (rm != null) {
                emit("rm.cancel_slot_request", "allocation", orphan, "rm", rm);
            }
        }

        // ---------------------------------------------------------------- operations

        private void start() {
            executor = true;
            schedule(true);
            schedule(false);
        }

        private void suspend() {
            checkStarted();
            cancelPending();
            rm = null;
            clear();
        }

        private void close() {
            cancelPending();
            int begin = effects.size();
            for (String tm : registered) {
                giveUp(tm);
            }
            anyOrder(begin, effects.size());
            clear();
        }

        private void cancelPending() {
            if (rm != null) {
                for (Request request : pending.all()) {
                    emit("rm.cancel_slot_request", "allocation", request.allocation, "rm", rm);
                }
            }
            anyOrder(0, effects.size());
        }

        private void clear() {
            registered.clear();
            pending.clear();
            waiting.clear();
            allocated.clear();
            index.clear();
            available.clear();
        }

        private void connect(String gateway) {
            rm = gateway;
            var all = new ArrayList<>(waiting.values());
            waiting.clear();
            all.forEach(this::send);
        }

        private boolean releaseTaskManager(String tm) {
            checkStarted();
            if (!registered.remove(tm)) {
                return false;
            }
            int middle = giveUp(tm);
            anyOrder(0, middle);
            anyOrder(middle, effects.size());
            return true;
        }

        private int giveUp(String tm) {
            var used = slotsOf(tm, index);
            var unused = slotsOf(tm, available.values());
            for (Slot slot : used) {
                // whoever is there: under the id of a leaked slot another may be allocated
                allocated.remove(slot.allocation);
                index.remove(slot);
                releasePayload(slot);
            }
            int middle = effects.size();
            available.values().removeAll(unused);
            used.forEach(this::free);
            unused.forEach(this::free);
            return middle;
        }

        private List<String> offers(String tm, List<?> offers) {
            if (!offers.isEmpty()) {
                checkStarted();
            }
            var accepted = new ArrayList<String>();
            for (Object given : offers) {
                var offer = Json.map(given);
                var allocation = (String) offer.get("allocation");
                known.add(allocation);
                if (offer(tm, allocation, (int) Json.number(offer.get("index")),
                        (String) offer.get("profile"))) {
                    accepted.add(allocation);
                }
            }
            return accepted;
        }

        private boolean offer(String tm, String allocation, int number, String profile) {
            if (!registered.contains(tm)) {
                return false;
            }
            Slot held = allocated.get(allocation);
            if (held == null) {
                held = available.get(allocation);
            }
            if (held != null) {
                return held.tm.equals(tm) && held.index == number;
            }
            place(new Slot(allocation, tm, number, profile));
            return true;
        }

        private String failAllocation(String allocation, String cause) {
            checkStarted();
            var chain = chain(cause);
            Request request = pending.bySecond(allocation);
            if (request != null) {
                if (!ignorable(request, chain)) {
                    take(request.name);
                    fail(request, chain.get(0), chain.get(chain.size() - 1));
                }
                return null;
            }
            Slot slot = available.remove(allocation);
            if (slot == null) {
                slot = allocated.get(allocation);
                if (slot == null) {
                    return null;
                }
                leave(slot);
            }
            free(slot);
            releasePayload(slot);
            boolean empty = slotsOf(slot.tm, index).isEmpty()
                    && slotsOf(slot.tm, available.values()).isEmpty();
            return empty ? slot.tm : null;
        }

        private String allocate(String request, String allocation) {
            checkStarted();
            Slot slot = available.remove(allocation);
            if (slot == null) {
                return null;
            }
            enter(request, slot);
            return allocation;
        }

        private void release(String name, String cause) {
            checkStarted();
            Request request = take(name);
            if (request != null) {
                var chain = cause == null ? List.of("FlinkException") : chain(cause);
                fail(request, "FlinkException", (String) chain.get(chain.size() - 1));
                return;
            }
            Slot slot = allocated.bySecond(name);
            if (slot != null) {
                leave(slot);
                releasePayload(slot);
                place(slot);
            }
        }

        private boolean timeOut(String name, int attempt) {
            var calls = requests.getOrDefault(name, List.of());
            Request request = attempt <= calls.size() ? calls.get(attempt - 1) : null;
            if (request == null || !request.open) {
                return false;
            }
            fail(request, "TimeoutException", "TimeoutException");
            return true;
        }

        private boolean resourceManagerFails(String allocation, String cause) {
            String name = calls.remove(allocation);
            if (name == null) {
                return false;
            }
            var chain = chain(cause);
            Request request = pending.get(name);
            if (request != null && !ignorable(request, chain)) {
                take(name);
                fail(request, "NoResourceAvailableException", chain.get(chain.size() - 1));
            }
            return true;
        }

        private Boolean assign(String allocation) {
            Slot slot = allocated.get(allocation);
            if (slot == null) {
                return null;
            }
            boolean taken = slot.payload;
            slot.payload = true;
            return !taken;
        }

        private List<Object> availableSlots() {
            var told = new ArrayList<Object>();
            for (Slot slot : sorted(available.values())) {
                double used = slotsOf(slot.tm, index).size();
                double free = slotsOf(slot.tm, available.values()).size();
                var one = slot.told();
                one.put("utilization", used / (used + free));
                told.add(one);
            }
            return told;
        }

        private List<Object> report(String tm) {
            var told = new ArrayList<Object>();
            for (var half : List.of(slotsOf(tm, available.values()), slotsOf(tm, index))) {
                for (Slot slot : sorted(half)) {
                    told.add(Map.of("allocation", slot.allocation, "index", slot.index));
                }
            }
            return told;
        }

        private static List<Slot> sorted(Collection<Slot> slots) {
            // a2 comes before a10
            return slots.stream()
                    .sorted(Comparator.comparing((Slot s) -> s.allocation.replaceAll("\\d+$", ""))
                            .thenComparing(s -> s.allocation.length())
                            .thenComparing(s -> s.allocation)
                            .thenComparing(s -> s.index))
                    .toList();
        }

        // ---------------------------------------------------------------------- time

        private void schedule(boolean forIdle) {
            timers.add(new Timer(clock + (forIdle ? idle : batch), scheduled++, forIdle));
        }

        private void advance(long ms) {
            long until = clock + ms;
            var order = Comparator.comparing(Timer::due).thenComparing(Timer::number);
            while (!timers.isEmpty()) {
                Timer timer = timers.stream().min(order).get();
                if (timer.due() > until) {
                    break;
                }
                timers.remove(timer);
                clock = timer.due();
                if (timer.idle()) {
                    checkIdleSlots();
                } else if (batchCheck) {
                    checkBatchRequests();
                }
            }
            clock = until;
        }

        private void checkIdleSlots() {
            int begin = effects.size();
            for (Slot slot : List.copyOf(available.values())) {
                long age = clock - slot.since;
                if (age > idle || early && age == idle) {
                    available.remove(slot.allocation);
                    free(slot);
                }
            }
            anyOrder(begin, effects.size());
            schedule(true);
        }

        private void checkBatchRequests() {
            var slots = new ArrayList<>(allocated.all());
            slots.addAll(available.values());
            var late = new ArrayList<String>();
            for (Request request : queue()) {
                if (!request.batch) {
                    continue;
                }
                if (slots.stream().anyMatch(s -> satisfies(s.profile, request.profile))) {
                    request.unfulfillableSince = null;
                    continue;
                }
                if (request.unfulfillableSince == null) {
                    request.unfulfillableSince = clock;
                }
                if (request.unfulfillableSince + batch <= clock) {
                    late.add(request.name);
                }
            }
            for (String name : late) {
                fail(take(name), "TimeoutException", "TimeoutException");
            }
            schedule(false);
        }
    }

    /** As much of JSON as is needed: objects, arrays, strings, numbers, and the three words. */
    static class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> map(Object value) {
            return (Map<String, Object>) Objects.requireNonNull(value);
        }

        static long number(Object value) {
            return ((Number) value).longValue();
        }

        Map<String, Object> object() {
            return map(value());
        }

        private char next() {
            while (Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            return text.charAt(at);
        }

        private Object value() {
            switch (next()) {
                case '{' -> {
                    var map = new LinkedHashMap<String, Object>();
                    at++;
                    while (next() != '}') {
                        String key = string();
                        next();
                        at++;
                        map.put(key, value());
                        comma();
                    }
                    at++;
                    return map;
                }
                case '[' -> {
                    var list = new ArrayList<>();
                    at++;
                    while (next() != ']') {
                        list.add(value());
                        comma();
                    }
                    at++;
                    return list;
                }
                case '"' -> {
                    return string();
                }
                default -> {
                    return word();
                }
            }
        }

        private void comma() {
            if (next() == ',') {
                at++;
            }
        }

        private String string() {
            var read = new StringBuilder();
            next();
            for (at++; text.charAt(at) != '"'; at++) {
                if (text.charAt(at) != '\\') {
                    read.append(text.charAt(at));
                    continue;
                }
                char escaped = text.charAt(++at);
                if (escaped == 'u') {
                    read.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    int special = "bfnrt".indexOf(escaped);
                    read.append(special < 0 ? escaped : "\b\f\n\r\t".charAt(special));
                }
            }
            at++;
            return read.toString();
        }

        private Object word() {
            int begin = at;
            while (at < text.length() && ",]} \t".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            String word = text.substring(begin, at);
            return switch (word) {
                case "null" -> null;
                case "true" -> true;
                case "false" -> false;
                default -> word.matches("-?\\d+") ? (Object) Long.valueOf(word) : Double.valueOf(word);
            };
        }

        static String write(Object value) {
            var out = new StringBuilder();
            write(value, out);
            return out.toString();
        }

        private static void write(Object value, StringBuilder out) {
            if (value instanceof Map<?, ?> map) {
                String between = "{";
                for (var entry : map.entrySet()) {
                    out.append(between);
                    write(entry.getKey(), out);
                    out.append(": ");
                    write(entry.getValue(), out);
                    between = ", ";
                }
                out.append(map.isEmpty() ? "{}" : "}");
            } else if (value instanceof Collection<?> list) {
                String between = "[";
                for (Object element : list) {
                    out.append(between);
                    write(element, out);
                    between = ", ";
                }
                out.append(list.isEmpty() ? "[]" : "]");
            } else if (value instanceof String text) {
                out.append('"').append(text.replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
            } else {
                out.append(value);
            }
        }
    }
}
