package slotspec.recorder;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The local state of an endpoint, read in its main thread. */
final class Snapshots {
    private final Values values;

    Snapshots(Values values) {
        this.values = values;
    }

    static int compare(Object x, Object y) {
        String a = String.valueOf(x), b = String.valueOf(y);
        String la = a.replaceAll("[0-9_]+$", ""), lb = b.replaceAll("[0-9_]+$", "");
        if (!la.equals(lb)) return la.compareTo(lb);
        return a.length() != b.length() ? a.length() - b.length() : a.compareTo(b);
    }

    private String name(Object id) {
        Object v = values.value(id);
        return v == null ? null : v.toString();
    }

    private List<String> sorted(Collection<?> ids) {
        List<String> list = new ArrayList<>();
        if (ids != null) for (Object o : ids) list.add(name(o));
        list.sort(Snapshots::compare);
        return list;
    }

    private static Map<?, ?> map(Object o) {
        return o instanceof Map ? (Map<?, ?>) o : new LinkedHashMap<>();
    }

    private static Map<String, Object> row(Object... pairs) {
        Map<String, Object> m = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) m.put((String) pairs[i], pairs[i + 1]);
        return m;
    }

    private static <T> List<T> sortedBy(List<T> list, String key) {
        list.sort((x, y) -> compare(((Map<?, ?>) x).get(key), ((Map<?, ?>) y).get(key)));
        return list;
    }

    Map<String, Object> of(String kind, Object endpoint) {
        switch (kind) {
            case "jm": return jobMaster(endpoint);
            case "rm": return resourceManager(endpoint);
            default: return taskExecutor(endpoint);
        }
    }

    // ------------------------------------------------------------------ JobMaster

    Map<String, Object> jobMaster(Object jm) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("leader", values.value(Reflect.field(jm, "fencingToken", "currentFencingToken")));
        Object rm = Reflect.field(jm, "establishedResourceManagerConnection");
        s.put("rm", rm == null ? null
                : values.value(Reflect.call(Reflect.call(rm, "getResourceManagerGateway"), "getFencingToken")));
        Object known = Reflect.field(jm, "registeredTaskManagers");
        s.put("known", sorted(map(known).keySet()));
        Object pool = Reflect.field(jm, "slotPool", "slotPoolService");
        if (pool != null) {
            s.put("pool", pool.getClass().getSimpleName().equals("SlotPoolImpl") ? pool(pool) : bridge(pool));
        }
        Object scheduler = Reflect.field(jm, "schedulerNG");
        Object graph = Reflect.field(scheduler, "executionGraph");
        if (graph != null) {
            s.put("job", String.valueOf(Reflect.call(graph, "getState")));
            List<Object> tasks = new ArrayList<>();
            Object vertices = Reflect.call(graph, "getAllExecutionVertices");
            for (Object v : (Iterable<?>) vertices) {
                Object e = Reflect.call(v, "getCurrentExecutionAttempt");
                tasks.add(row("task", taskName(v), "execution", name(Reflect.call(e, "getAttemptId")),
                        "attempt", Reflect.call(e, "getAttemptNumber"),
                        "state", String.valueOf(Reflect.call(e, "getState")),
                        "allocation", name(Reflect.call(e, "getAssignedAllocationID"))));
            }
            s.put("tasks", tasks);
        }
        return s;
    }

    private static String taskName(Object v) {
        String n = String.valueOf(Reflect.call(v, "getTaskNameWithSubtaskIndex"));
        return n;
    }

    private List<Object> slots(Collection<?> allocated) {
        List<Object> list = new ArrayList<>();
        for (Object a : allocated) {
            list.add(row("allocation", name(Reflect.call(a, "getAllocationId")),
                    "slot", "slot:" + Reflect.call(a, "getPhysicalSlotNumber") + ":" + name(Reflect.call(a, "getTaskManagerId")),
                    "used", Reflect.call(a, "isUsed")));
        }
        return list;
    }

    private Map<String, Object> pool(Object pool) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("registered", sorted((Collection<?>) Reflect.field(pool, "registeredTaskManagers")));
        List<Object> pending = new ArrayList<>();
        Object requests = Reflect.field(pool, "pendingRequests");
        Map<?, ?> byA = map(Reflect.field(requests, "aMap"));
        for (Map.Entry<?, ?> e : byA.entrySet()) {
            Object v = e.getValue();
            Object key = Reflect.field(v, "f0", "key", "left");
            pending.add(row("request", name(e.getKey()), "allocation", name(key)));
        }
        s.put("pending", pending);
        List<Object> waiting = new ArrayList<>();
        for (Object k : map(Reflect.field(pool, "waitingForResourceManager")).keySet()) waiting.add(name(k));
        s.put("waiting", waiting);
        Object ids = Reflect.field(Reflect.field(pool, "allocatedSlots"), "allocatedSlotsById");
        Collection<?> values = (Collection<?>) Reflect.call(ids, "values");
        s.put("allocated", sortedBy(slots(values == null ? List.of() : values), "allocation"));
        List<Object> free = new ArrayList<>();
        for (Object v : map(Reflect.field(Reflect.field(pool, "availableSlots"), "availableSlots")).values()) {
            free.add(Reflect.call(v, "slot"));
        }
        s.put("available", sortedBy(slots(free), "allocation"));
        s.put("rm", Reflect.field(pool, "resourceManagerGateway") != null);
        return s;
    }

    private Map<String, Object> bridge(Object pool) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("registered", sorted((Collection<?>) Reflect.field(pool, "registeredTaskManagers")));
        List<Object> pending = new ArrayList<>();
        for (Object k : map(Reflect.field(pool, "pendingRequests")).keySet()) pending.add(name(k));
        s.put("pending", pending);
        List<Object> fulfilled = new ArrayList<>();
        map(Reflect.field(pool, "fulfilledRequests")).forEach(
                (k, v) -> fulfilled.add(row("request", name(k), "allocation",
                        name(v.getClass().getSimpleName().equals("AllocationID") ? v : Reflect.field(v, "allocationID", "allocationId")))));
        s.put("fulfilled", sortedBy(fulfilled, "request"));
        Object declarative = Reflect.field(pool, "declarativeSlotPool");
        Object inner = Reflect.field(declarative, "slotPool");
        s.put("slots", sortedBy(slots(map(Reflect.field(inner, "registeredSlots")).values()), "allocation"));
        Object free = Reflect.field(inner, "freeSlots");
        Object since = free instanceof Map ? free : Reflect.field(free, "freeSlotsSince", "freeSlots");
        s.put("free", sorted(map(since).keySet()));
        s.put("required", count(Reflect.field(declarative, "totalResourceRequirements")));
        s.put("have", count(Reflect.field(declarative, "fulfilledResourceRequirements")));
        return s;
    }

    private static Object count(Object counter) {
        if (counter == null) return null;
        Object total = Reflect.call(counter, "getTotalResourceCount");
        return total;
    }

    // ------------------------------------------------------------ ResourceManager

    Map<String, Object> resourceManager(Object rm) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("leader", values.value(Reflect.field(rm, "fencingToken")));
        List<String> jobs = new ArrayList<>();
        for (Object r : map(Reflect.field(rm, "jobManagerRegistrations")).values()) {
            jobs.add(name(Reflect.call(r, "getJobMasterId")));
        }
        s.put("jobs", jobs);
        Map<String, Object> tms = new TreeMap<>(Snapshots::compare);
        map(Reflect.field(rm, "taskExecutors")).forEach(
                (k, v) -> tms.put(name(k), name(Reflect.call(v, "getInstanceID"))));
        s.put("known", tms);
        s.put("connecting", sorted(map(Reflect.field(rm, "taskExecutorGatewayFutures")).keySet()));
        Object manager = Reflect.field(rm, "slotManager");
        if (manager.getClass().getSimpleName().equals("SlotManagerImpl")) s.put("manager", manager(manager));
        else s.put("manager", fineGrained(manager));
        return s;
    }

    private Map<String, Object> manager(Object m) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("registered", sorted(map(Reflect.field(m, "taskManagerRegistrations")).keySet()));
        List<Object> slots = new ArrayList<>();
        for (Object v : map(Reflect.field(m, "slots")).values()) {
            Object request = Reflect.call(v, "getAssignedSlotRequest");
            slots.add(row("slot", name(Reflect.call(v, "getSlotId")),
                    "state", String.valueOf(Reflect.call(v, "getState")),
                    "allocation", name(Reflect.call(v, "getAllocationId")),
                    "request", request == null ? null : name(Reflect.call(request, "getAllocationId"))));
        }
        s.put("slots", sortedBy(slots, "slot"));
        List<Object> free = new ArrayList<>();
        for (Object k : map(Reflect.field(m, "freeSlots")).keySet()) free.add(name(k));
        s.put("free", free);
        s.put("pending", sorted(map(Reflect.field(m, "pendingSlotRequests")).keySet()));
        Map<String, Object> fulfilled = new TreeMap<>(Snapshots::compare);
        map(Reflect.field(m, "fulfilledSlotRequests")).forEach((k, v) -> fulfilled.put(name(k), name(v)));
        s.put("fulfilled", fulfilled);
        s.put("fail_unfulfillable", Reflect.field(m, "failUnfulfillableRequest"));
        return s;
    }

    private Map<String, Object> fineGrained(Object m) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("class", m.getClass().getSimpleName());
        Object tracker = Reflect.field(m, "taskManagerTracker");
        s.put("registered", sorted(map(Reflect.field(tracker, "taskManagerRegistrations")).keySet()));
        List<Object> slots = new ArrayList<>();
        for (Object v : map(Reflect.field(tracker, "slots")).values()) {
            slots.add(row("allocation", name(Reflect.call(v, "getAllocationId")),
                    "state", String.valueOf(Reflect.call(v, "getState")),
                    "instance", name(Reflect.call(v, "getInstanceId"))));
        }
        s.put("slots", sortedBy(slots, "allocation"));
        Object syncer = Reflect.field(m, "slotStatusSyncer");
        Object pending = Reflect.field(syncer, "pendingSlotAllocations");
        s.put("pending", pending instanceof Collection ? sorted((Collection<?>) pending) : null);
        Object resources = Reflect.field(m, "resourceTracker");
        List<Object> jobs = new ArrayList<>();
        map(Reflect.field(resources, "trackers")).forEach((k, v) -> {
            Object acquired = Reflect.call(v, "getAcquiredResources");
            int have = 0;
            if (acquired instanceof Iterable)
                for (Object r : (Iterable<?>) acquired) have += (Integer) Reflect.call(r, "getNumberOfRequiredSlots");
            jobs.add(row("job", name(k), "required", count(Reflect.field(v, "resourceRequirements")), "acquired", have));
        });
        s.put("jobs", jobs);
        return s;
    }

    // --------------------------------------------------------------- TaskExecutor

    Map<String, Object> taskExecutor(Object tm) {
        Map<String, Object> s = new LinkedHashMap<>();
        Object rm = Reflect.field(tm, "establishedResourceManagerConnection");
        s.put("at_rm", rm == null ? null : name(Reflect.call(rm, "getTaskExecutorRegistrationId")));
        s.put("registering", rm == null && Reflect.field(tm, "resourceManagerConnection") != null);
        List<Object> jobs = new ArrayList<>();
        for (Object j : map(Reflect.field(Reflect.field(tm, "jobTable"), "jobs")).values()) {
            boolean connected = Boolean.TRUE.equals(Reflect.call(j, "isConnected"));
            jobs.add(row("job", name(Reflect.call(j, "getJobId")),
                    "leader", connected ? name(Reflect.call(j, "getJobMasterId")) : null));
        }
        s.put("jobs", jobs);
        Object table = Reflect.field(tm, "taskSlotTable");
        List<Object> slots = new ArrayList<>();
        for (Object v : map(Reflect.field(table, "taskSlots")).values()) {
            slots.add(row("index", Reflect.call(v, "getIndex"),
                    "allocation", name(Reflect.call(v, "getAllocationId")),
                    "state", String.valueOf(Reflect.field(v, "state")),
                    "tasks", sorted(map(Reflect.field(v, "tasks")).keySet())));
        }
        s.put("slots", sortedBy(slots, "index"));
        s.put("allocated", sorted(map(Reflect.field(table, "allocatedSlots")).keySet()));
        s.put("timeouts", sorted(map(Reflect.field(Reflect.field(table, "timerService"), "timeouts")).keySet()));
        return s;
    }
}
