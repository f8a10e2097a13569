// Proposals through the state machine alone, with logs in memory: one member, and three that hand each other their messages.
// The reference is the least a log can cost: making the entry and putting it into an array. Needs dist (npm run build).
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { RaftNode } = require('../../dist/libs/raft/index.js');

const PROPOSALS = Number(process.env.PROPOSALS ?? 100_000);
const BATCH = 32;
const ROUNDS = 3;
const DATA = Buffer.alloc(256);

class Storage {
  log = [];
  constructor(voters) {
    const confState = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    this.initialState = () => ({ hardState: { term: 1, vote: 0n, commit: 1 }, confState });
    this.snapshot = () => ({ index: 1, term: 1, confState });
  }
  firstIndex = () => 2;
  lastIndex = () => this.log.length + 1;
  term = (index) => (index === 1 ? 1 : this.log[index - 2]?.term);
  entries = (from, to) => this.log.slice(from - 2, to - 2);
  write({ entries }) {
    if (entries.length === 0) return;
    this.log.length = entries[0].index - 2;
    for (const entry of entries) this.log.push(entry);
  }
}

function cluster(size) {
  const ids = Array.from({ length: size }, (_, n) => BigInt(n + 1));
  const limits = { maxBytesPerMessage: 1 << 20, maxInflightMessages: 256, maxInflightBytes: 1 << 28 };
  const bounds = { maxUncommittedBytes: 1 << 28, maxBytesPerReady: 1 << 20 };
  const ticks = { electionTicks: 10, heartbeatTicks: 1, random: () => 0 };
  const members = new Map(
    ids.map((id) => {
      const storage = new Storage(ids);
      return [id, { storage, node: new RaftNode({ id, storage, applied: 1, ...limits, ...bounds, ...ticks }) }];
    }),
  );
  const settle = () => {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const { node, storage } of members.values()) {
        while (node.hasReady()) {
          isBusy = true;
          const ready = node.ready();
          storage.write(ready);
          node.advance();
          for (const message of ready.messages) members.get(message.to).node.step(message);
          for (const message of ready.messagesAfterPersist) members.get(message.to).node.step(message);
        }
      }
    }
  };
  const leader = members.get(1n).node;
  leader.campaign();
  settle();
  return { leader, settle };
}

function perSecond(work) {
  const start = performance.now();
  work();
  return PROPOSALS / ((performance.now() - start) / 1000);
}

function agreed(size, batch) {
  const { leader, settle } = cluster(size);
  const rate = perSecond(() => {
    for (let n = 0; n < PROPOSALS; n += batch) {
      for (let one = 0; one < batch; one++) leader.propose(DATA);
      settle();
    }
  });
  if (leader.status().commit < PROPOSALS) throw new Error('not everything was committed');
  return rate;
}

function reference() {
  const log = [];
  return perSecond(() => {
    for (let index = 0; index < PROPOSALS; index++) log.push({ term: 1, index, type: 'normal', data: DATA });
  });
}

const cases = [
  ['an array', reference],
  ['1 member, one at a time', () => agreed(1, 1)],
  [`1 member, ${BATCH} at a time`, () => agreed(1, BATCH)],
  ['3 members, one at a time', () => agreed(3, 1)],
  [`3 members, ${BATCH} at a time`, () => agreed(3, BATCH)],
];
const best = new Map();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of cases) best.set(name, Math.max(best.get(name) ?? 0, run()));
}
for (const [name, rate] of best) {
  const micros = (1e6 / rate).toFixed(2);
  const ratio = (rate / best.get('an array')).toFixed(4);
  console.log(
    `${name}: ${Math.round(rate).toLocaleString('en')} proposals/s, ${micros} µs each, ${ratio}x of an array`,
  );
}
