// How long the turns of this process's event loop are, in CPU time of its thread: on a machine that others use too, the time that passes
// says how long one waited for the processor.
import fs from 'node:fs';

const FILE = `/proc/${process.pid}/task/${process.pid}/schedstat`;

/** Nanoseconds that the main thread has run. */
function cpuNanos(descriptor, memory) {
  const length = fs.readSync(descriptor, memory, 0, memory.length, 0);
  return Number(memory.toString('latin1', 0, length).split(' ')[0]);
}

/** Watches from now on; the returned function ends it and tells the longest turns, in milliseconds. */
export function watchTurns() {
  const [descriptor, memory] = [fs.openSync(FILE, 'r'), Buffer.alloc(128)];
  const turns = [];
  let isOver = false;
  let last = cpuNanos(descriptor, memory);
  const look = () => {
    const now = cpuNanos(descriptor, memory);
    turns.push((now - last) / 1e6);
    last = now;
  };
  const turn = () => {
    if (isOver) return;
    look();
    setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    // What was waited for may have come in this very turn.
    look();
    fs.closeSync(descriptor);
    turns.sort((a, b) => a - b);
    const at = (share) => (turns[Math.floor(share * (turns.length - 1))] ?? 0).toFixed(1);
    return {
      p50: at(0.5),
      p99: at(0.99),
      most: at(1),
      over10: turns.filter((ms) => ms > 10).length,
      count: turns.length,
    };
  };
}
