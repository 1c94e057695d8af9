package slotspec.recorder;

import java.lang.reflect.Method;

/**
 * What woven code calls. It is on the boot class path, so every class loader of Flink sees it.
 *
 * <p>A failure of the recorder ends the recording and never reaches Flink.
 */
public final class Hooks {
    /** What {@link #invoke} returns if the call is to go its own way. */
    public static final Object PROCEED = new Object();

    private static volatile Sink sink;

    /** Who listens. */
    interface Sink {
        Object invoke(Object proxy, Method method, Object[] args) throws Throwable;

        void invocationCreated(Object invocation);

        void runnableCreated(Object runnable);

        void begin(Object actor, Object message, boolean control);

        void end(Object actor);

        void rpc(Object actor, Object invocation);

        void run(Object actor, Object runAsync);

        Object response(Object actor, Object future);
    }

    /** A call of the recorder that may fail. */
    private interface Action {
        void on(Sink sink);
    }

    private Hooks() {}

    static void listen(Sink to) {
        sink = to;
    }

    /** End the recording: something went wrong in it. */
    static void fail(Throwable why) {
        if (sink == null) return;
        sink = null;
        System.err.println("slotspec recorder: " + why + "; it records no more, Flink goes on");
        why.printStackTrace();
    }

    private static void safely(Action action) {
        Sink to = sink;
        if (to == null) return;
        try {
            action.on(to);
        } catch (Throwable t) {
            fail(t);
        }
    }

    public static Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
        Sink to = sink;
        return to == null ? PROCEED : to.invoke(proxy, method, args);
    }

    public static void invocationCreated(Object invocation) {
        safely(to -> to.invocationCreated(invocation));
    }

    public static void runnableCreated(Object runnable) {
        safely(to -> to.runnableCreated(runnable));
    }

    public static void begin(Object actor, Object message) {
        safely(to -> to.begin(actor, message, false));
    }

    public static void control(Object actor, Object message) {
        safely(to -> to.begin(actor, message, true));
    }

    public static void end(Object actor) {
        safely(to -> to.end(actor));
    }

    public static void rpc(Object actor, Object invocation) {
        safely(to -> to.rpc(actor, invocation));
    }

    public static void run(Object actor, Object runAsync) {
        safely(to -> to.run(actor, runAsync));
    }

    public static Object response(Object actor, Object future) {
        Sink to = sink;
        if (to == null) return future;
        try {
            return to.response(actor, future);
        } catch (Throwable t) {
            fail(t);
            return future;
        }
    }
}
