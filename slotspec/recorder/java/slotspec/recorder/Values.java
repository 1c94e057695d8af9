package slotspec.recorder;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Arguments, answers and ids of Flink as plain values.
 *
 * <p>Ids keep their text, with the letter of their kind before it: {@code a:} an allocation, {@code
 * r:} a slot request, {@code x:} a ResourceID. Whoever merges the processes gives them names.
 */
final class Values {
    private static final Object DROP = new Object();
    private final boolean tasks;

    /** @param tasks whether to read the names of tasks, which delays their submission. */
    Values(boolean tasks) {
        this.tasks = tasks;
    }

    List<Object> arguments(Object[] args) {
        List<Object> list = new ArrayList<>();
        for (Object a : args == null ? new Object[0] : args) {
            Object v = value(a);
            if (v != DROP) list.add(v);
        }
        return list;
    }

    Object answer(Object o) {
        if (o == null) return "null";
        Object v = value(o);
        return v == DROP ? o.getClass().getSimpleName() : v;
    }

    /** The classes of an exception and its causes. */
    static List<String> causes(Throwable t) {
        List<String> chain = new ArrayList<>();
        for (int i = 0; t != null && i < 6; i++, t = t.getCause()) {
            String name = t.getClass().getSimpleName();
            if (name.equals("SerializedThrowable")) {
                String original = String.valueOf(Reflect.call(t, "getOriginalErrorClassName"));
                name = original.substring(original.lastIndexOf('.') + 1);
            }
            if (!name.equals("CompletionException") && !name.equals("ExecutionException")) chain.add(name);
        }
        return chain;
    }

    private static String id(String letter, Object o) {
        String text = o.toString();
        int brace = text.indexOf('{');
        if (brace >= 0 && text.endsWith("}")) text = text.substring(brace + 1, text.length() - 1);
        return letter + ":" + text;
    }

    Object value(Object o) {
        if (o == null) return null;
        String type = o.getClass().getSimpleName();
        switch (type) {
            case "AllocationID": return id("a", o);
            case "SlotRequestId": return id("r", o);
            case "InstanceID": return id("i", o);
            case "ExecutionAttemptID": return id("e", o);
            case "JobID": return id("job", o);
            case "JobMasterId": return id("jl", o);
            case "ResourceManagerId": return id("rl", o);
            case "ResourceID": return "x:" + Reflect.call(o, "getResourceIdString", "toString");
            case "Acknowledge": return "ok";
            case "SlotID":
                return "slot:" + Reflect.call(o, "getSlotNumber") + ":" + value(Reflect.call(o, "getResourceID"));
            case "SlotRequest": return value(Reflect.call(o, "getAllocationId"));
            case "SlotOffer":
            case "AllocatedSlotInfo":
                return List.of(Reflect.call(o, "getSlotIndex"), value(Reflect.call(o, "getAllocationId")));
            case "SlotStatus": {
                Map<String, Object> m = new LinkedHashMap<>();
                m.put("slot", value(Reflect.call(o, "getSlotID")));
                m.put("allocation", value(Reflect.call(o, "getAllocationID")));
                return m;
            }
            case "SlotReport": return all((Iterable<?>) o);
            case "TaskExecutorHeartbeatPayload": return value(Reflect.call(o, "getSlotReport"));
            case "AllocatedSlotReport": return value(Reflect.call(o, "getAllocatedSlotInfos"));
            case "TaskExecutorToJobManagerHeartbeatPayload": {
                Object report = Reflect.call(o, "getExecutionDeploymentReport");
                Object executions = value(report == null ? null : Reflect.call(report, "getExecutions"));
                if (executions instanceof List) ((List<?>) executions).sort(Snapshots::compare);
                Map<String, Object> m = new LinkedHashMap<>();
                m.put("executions", executions);
                return m;
            }
            case "TaskDeploymentDescriptor": return deployment(o);
            case "TaskExecutionState": {
                Map<String, Object> m = new LinkedHashMap<>();
                m.put("execution", value(Reflect.call(o, "getID")));
                m.put("state", String.valueOf(Reflect.call(o, "getExecutionState")));
                return m;
            }
            case "TaskExecutorRegistration": return value(Reflect.call(o, "getResourceId"));
            case "TaskManagerRegistrationInformation":
                return value(Reflect.call(o, "getUnresolvedTaskManagerLocation"));
            case "UnresolvedTaskManagerLocation": return value(Reflect.call(o, "getResourceID"));
            case "ResourceRequirements": return value(Reflect.call(o, "getResourceRequirements"));
            case "ResourceRequirement": return Reflect.call(o, "getNumberOfRequiredSlots");
            case "AccumulatorReport":
            case "Time":
            case "Duration":
            case "ResourceProfile":
            case "String":
                return DROP;
            default:
                return other(o, type);
        }
    }

    private Object other(Object o, String type) {
        Map<String, Object> m = new LinkedHashMap<>();
        if (o instanceof Throwable) {
            m.put("error", causes((Throwable) o));
            return m;
        }
        if (type.matches(".*Registration.*(Success|Decline|Rejection|Failure).*")) {
            m.put("is", type);
            Object instance = Reflect.call(o, "getRegistrationId");
            if (instance != null) m.put("instance", value(instance));
            return m;
        }
        if (o instanceof Optional) return value(((Optional<?>) o).orElse(null));
        if (o instanceof Collection) return all((Collection<?>) o);
        return o instanceof Enum || o instanceof Number || o instanceof Boolean ? o.toString() : DROP;
    }

    private List<Object> all(Iterable<?> items) {
        List<Object> list = new ArrayList<>();
        for (Object item : items) list.add(value(item));
        return list;
    }

    private Object deployment(Object o) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("execution", value(Reflect.call(o, "getExecutionAttemptId")));
        m.put("allocation", value(Reflect.call(o, "getAllocationId")));
        if (tasks) m.put("task", taskName(o));
        m.put("subtask", Reflect.call(o, "getSubtaskIndex"));
        m.put("attempt", Reflect.call(o, "getAttemptNumber"));
        return m;
    }

    /** The name of a task is inside of its serialized information. */
    private static Object taskName(Object deployment) {
        try {
            Object info = Reflect.call(deployment, "getTaskInformation");
            if (info == null) {
                Object serialized = Reflect.call(deployment, "getSerializedTaskInformation");
                ClassLoader loader = deployment.getClass().getClassLoader();
                info = Reflect.invoke(serialized, "deserializeValue", loader);
            }
            return Reflect.call(info, "getTaskName");
        } catch (Exception e) {
            return null;
        }
    }
}
