import { readFile } from 'node:fs/promises';
import { messageOf } from './errors';

const lowest = -1000;
const capSysResource = 24n;
const pidFile = '/var/run/docker.pid';

/**
 * The lowest oom_score_adj that the engine may give. An engine inside a container or a small virtual machine often lacks CAP_SYS_RESOURCE, and then cannot
 * start what is to be killed last (proc(5), "/proc/pid/oom_score_adj"); such a score is raised rather than the pod refused.
 */
export class OomScores {
  private floor: Promise<number> | undefined;

  /** `score`, or what the engine is able to set instead. */
  async allowed(score: number): Promise<number> {
    if (score >= 0) return score;
    this.floor ??= detectFloor();
    return Math.max(score, await this.floor);
  }

  /** Whether a start failed because of its score; if so, the engine is not asked for a negative one again. */
  async learn(error: unknown): Promise<boolean> {
    if (!/oom_score_adj|final child's PID/.test(messageOf(error)) || (await this.floor) === 0) return false;
    this.floor = Promise.resolve(0);
    return true;
  }
}

/** From the capabilities of the engine's process, where it can be seen. */
async function detectFloor(): Promise<number> {
  try {
    const pid = (await readFile(pidFile, 'utf8')).trim();
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    if (!/^Name:\s+dockerd$/m.test(status)) return lowest;
    const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? 'ffffffffffffffff'}`);
    return (effective >> capSysResource) & 1n ? lowest : 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The engine is elsewhere, or hidden: `learn` has to tell.
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ESRCH') return lowest;
    throw error;
  }
}
