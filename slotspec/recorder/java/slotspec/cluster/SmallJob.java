package slotspec.cluster;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.NumberSequenceIterator;

/** A job of two vertices that counts for a while and ends. */
final class SmallJob {
    private SmallJob() {}

    /** Passes each number on after some milliseconds. */
    static final class Pace implements MapFunction<Long, Long> {
        private static final long serialVersionUID = 1L;
        private final int ms;

        Pace(int ms) {
            this.ms = ms;
        }

        @Override
        public Long map(Long value) throws Exception {
            Thread.sleep(ms);
            return value;
        }
    }

    /** @param apart whether the two vertices may not share slots. */
    static JobGraph graph(int parallelism, long records, int ms, boolean apart) {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
        env.setParallelism(parallelism);
        DataStream<Long> source =
                env.fromParallelCollection(new NumberSequenceIterator(1, records), Long.class).name("source");
        SingleOutputStreamOperator<Long> pace = source.map(new Pace(ms)).name("pace");
        SingleOutputStreamOperator<Long> end = pace.rebalance().filter(v -> false).name("end");
        if (apart) end.slotSharingGroup("other");
        end.print();
        return env.getStreamGraph().getJobGraph();
    }
}
