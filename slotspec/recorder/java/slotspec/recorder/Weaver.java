package slotspec.recorder;

import java.lang.instrument.ClassFileTransformer;
import java.security.ProtectionDomain;
import java.util.regex.Pattern;
import jdk.internal.org.objectweb.asm.ClassReader;
import jdk.internal.org.objectweb.asm.ClassVisitor;
import jdk.internal.org.objectweb.asm.ClassWriter;
import jdk.internal.org.objectweb.asm.Label;
import jdk.internal.org.objectweb.asm.MethodVisitor;
import jdk.internal.org.objectweb.asm.Opcodes;

/** Weaves calls of {@link Hooks} into Flink's RPC layer, Akka and Pekko alike. */
public final class Weaver implements ClassFileTransformer {
    private static final int API = Opcodes.ASM7;
    private static final String HOOKS = "slotspec/recorder/Hooks";
    private static final String OBJECT = "Ljava/lang/Object;";
    private static final Pattern WOVEN = Pattern.compile(
            "org/apache/flink/runtime/.*/((Akka|Pekko)(InvocationHandler|RpcActor)"
                    + "|(Local|Remote)RpcInvocation|RunAsync|CallAsync)");

    @Override
    public byte[] transform(
            ClassLoader loader, String name, Class<?> type, ProtectionDomain domain, byte[] code) {
        if (name == null || !WOVEN.matcher(name).matches()) return null;
        try {
            ClassReader reader = new ClassReader(code);
            ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
            reader.accept(new Methods(writer, name.substring(name.lastIndexOf('/') + 1)), 0);
            return writer.toByteArray();
        } catch (Throwable t) {
            Hooks.fail(t);
            return null;
        }
    }

    private static final class Methods extends ClassVisitor {
        private final String simple;

        Methods(ClassVisitor next, String simple) {
            super(API, next);
            this.simple = simple;
        }

        @Override
        public MethodVisitor visitMethod(
                int access, String name, String descriptor, String signature, String[] exceptions) {
            MethodVisitor m = super.visitMethod(access, name, descriptor, signature, exceptions);
            if (m == null) return null;
            if (simple.endsWith("InvocationHandler")) return name.equals("invoke") ? new Sends(m) : m;
            if (simple.endsWith("RpcActor")) return ofActor(name, m);
            if (!name.equals("<init>")) return m;
            return simple.endsWith("RpcInvocation")
                    ? new AtEnd(m, "invocationCreated", 0)
                    : new AtEnd(m, "runnableCreated", 1);
        }

        private static MethodVisitor ofActor(String name, MethodVisitor m) {
            switch (name) {
                case "handleMessage":
                    return new AtEnd(new AtStart(m, "begin"), "end", 0);
                case "handleControlMessage":
                    return new AtEnd(new AtStart(m, "control"), "end", 0);
                case "handleRpcInvocation":
                    return new AtStart(m, "rpc");
                case "handleRunAsync":
                case "handleCallAsync":
                    return new AtStart(m, "run");
                case "sendAsyncResponse":
                    return new Response(m);
                default:
                    return m;
            }
        }
    }

    /** A hook with this and the first argument, before anything else. */
    private static final class AtStart extends MethodVisitor {
        private final String hook;

        AtStart(MethodVisitor next, String hook) {
            super(API, next);
            this.hook = hook;
        }

        @Override
        public void visitCode() {
            super.visitCode();
            visitVarInsn(Opcodes.ALOAD, 0);
            visitVarInsn(Opcodes.ALOAD, 1);
            visitMethodInsn(Opcodes.INVOKESTATIC, HOOKS, hook, "(" + OBJECT + OBJECT + ")V", false);
        }
    }

    /** A hook with one variable, before each return. */
    private static final class AtEnd extends MethodVisitor {
        private final String hook;
        private final int variable;

        AtEnd(MethodVisitor next, String hook, int variable) {
            super(API, next);
            this.hook = hook;
            this.variable = variable;
        }

        @Override
        public void visitInsn(int opcode) {
            if (opcode == Opcodes.RETURN) {
                visitVarInsn(Opcodes.ALOAD, variable);
                visitMethodInsn(Opcodes.INVOKESTATIC, HOOKS, hook, "(" + OBJECT + ")V", false);
            }
            super.visitInsn(opcode);
        }
    }

    /** The recorder may make the call itself; then its result is returned. */
    private static final class Sends extends MethodVisitor {
        Sends(MethodVisitor next) {
            super(API, next);
        }

        @Override
        public void visitCode() {
            super.visitCode();
            Label go = new Label();
            for (int i = 1; i <= 3; i++) visitVarInsn(Opcodes.ALOAD, i);
            String d = "(" + OBJECT + "Ljava/lang/reflect/Method;[" + OBJECT + ")" + OBJECT;
            visitMethodInsn(Opcodes.INVOKESTATIC, HOOKS, "invoke", d, false);
            visitInsn(Opcodes.DUP);
            visitFieldInsn(Opcodes.GETSTATIC, HOOKS, "PROCEED", OBJECT);
            visitJumpInsn(Opcodes.IF_ACMPEQ, go);
            visitInsn(Opcodes.ARETURN);
            visitLabel(go);
            visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {"java/lang/Object"});
            visitInsn(Opcodes.POP);
        }
    }

    /** The future of an answer may be replaced by one that is listened to. */
    private static final class Response extends MethodVisitor {
        Response(MethodVisitor next) {
            super(API, next);
        }

        @Override
        public void visitCode() {
            super.visitCode();
            visitVarInsn(Opcodes.ALOAD, 0);
            visitVarInsn(Opcodes.ALOAD, 1);
            String d = "(" + OBJECT + OBJECT + ")" + OBJECT;
            visitMethodInsn(Opcodes.INVOKESTATIC, HOOKS, "response", d, false);
            visitTypeInsn(Opcodes.CHECKCAST, "java/util/concurrent/CompletableFuture");
            visitVarInsn(Opcodes.ASTORE, 1);
        }
    }
}
