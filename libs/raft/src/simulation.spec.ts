import { RaftNode } from './node';
import { runSchedule } from './testing/schedule.fixture';

/** `RAFT_SCHEDULES=100000` for a long run, `RAFT_SEED=…` to begin elsewhere. */
const SCHEDULES = Number(process.env.RAFT_SCHEDULES ?? 2_000);
const FIRST_SEED = Number(process.env.RAFT_SEED ?? 1);

describe('whatever happens to members and messages', () => {
  it(
    `no law of Raft is broken in ${SCHEDULES} schedules`,
    () => {
      let [committed, reads] = [0, 0];
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
        try {
          const outcome = runSchedule(seed, (config) => new RaftNode(config));
          committed += outcome.committed;
          reads += outcome.reads;
        } catch (error) {
          const again = `RAFT_SEED=${seed} RAFT_SCHEDULES=1 npx jest --selectProjects unit --testPathPatterns libs/raft/src/simulation`;
          throw new Error(`seed ${seed}: ${(error as Error).message}\n${again}`, { cause: error });
        }
      }
      // Schedules in which nothing is agreed would prove nothing; the one that repeats a failure has no average.
      if (SCHEDULES === 1) return;
      expect(committed / SCHEDULES).toBeGreaterThan(5);
      expect(reads / SCHEDULES).toBeGreaterThan(1);
    },
    SCHEDULES * 1_000,
  );
});
