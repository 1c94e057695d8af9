package slotspec.recorder;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Reads fields and calls getters by name, whatever the release. */
final class Reflect {
    /** By class and not by its name: each MiniCluster of 1.14 and later loads its RPC classes anew. */
    private static final Map<Class<?>, Map<String, Object>> CACHE = new ConcurrentHashMap<>();
    private static final Object NONE = new Object();

    private Reflect() {}

    private static Map<String, Object> of(Object o) {
        return CACHE.computeIfAbsent(o.getClass(), k -> new ConcurrentHashMap<>());
    }

    static Object field(Object o, String... names) {
        if (o == null) return null;
        for (String name : names) {
            Object f = of(o).computeIfAbsent("#" + name, k -> find(o, name));
            if (f == NONE) continue;
            try {
                return ((Field) f).get(o);
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }
        return null;
    }

    private static Object find(Object o, String name) {
        for (Class<?> c = o.getClass(); c != null; c = c.getSuperclass()) {
            try {
                Field f = c.getDeclaredField(name);
                f.setAccessible(true);
                return f;
            } catch (NoSuchFieldException e) {
                // the superclass may have it
            }
        }
        return NONE;
    }

    static Object call(Object o, String... names) {
        if (o == null) return null;
        for (String name : names) {
            Object m = of(o).computeIfAbsent("()" + name, k -> getter(o, name));
            if (m == NONE) continue;
            try {
                return ((Method) m).invoke(o);
            } catch (ReflectiveOperationException e) {
                return null;
            }
        }
        return null;
    }

    private static Object getter(Object o, String name) {
        for (Class<?> c = o.getClass(); c != null; c = c.getSuperclass()) {
            try {
                Method m = c.getDeclaredMethod(name);
                m.setAccessible(true);
                return m;
            } catch (NoSuchMethodException e) {
                // an interface or the superclass may have it
            }
        }
        for (Method m : o.getClass().getMethods()) {
            if (m.getName().equals(name) && m.getParameterCount() == 0) {
                m.setAccessible(true);
                return m;
            }
        }
        return NONE;
    }

    /** Calls a method with arguments, the first of that name and number. */
    static Object invoke(Object o, String name, Object... args) throws Exception {
        for (Class<?> c = o.getClass(); c != null; c = c.getSuperclass()) {
            for (Method m : c.getDeclaredMethods()) {
                if (m.getName().equals(name) && m.getParameterCount() == args.length && !m.isBridge()) {
                    m.setAccessible(true);
                    return m.invoke(o, args);
                }
            }
        }
        throw new NoSuchMethodException(name);
    }
}
