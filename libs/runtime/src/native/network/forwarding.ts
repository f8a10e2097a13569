import { hasProgram, tryProgram } from '../run-program';

/**
 * Lets packets of the bridge pass where the machine drops what it forwards: Docker sets that policy, keeps a chain for others' rules, and
 * filters bridged packets as well. Nothing is done without iptables, or where forwarding is allowed.
 */
export async function acceptForwarding(bridge: string): Promise<void> {
  const chain = await chainOf();
  if (chain === undefined) return;
  for (const rule of rulesOf(bridge)) {
    if ((await tryProgram('iptables', ['-w', '-C', chain, ...rule])).code === 0) continue;
    const { code, stderr } = await tryProgram('iptables', ['-w', '-I', chain, ...rule]);
    if (code !== 0) throw new Error(`iptables: ${stderr.trim()}`);
  }
}

/** Takes back what `acceptForwarding` has done. */
export async function forgetForwarding(bridge: string): Promise<void> {
  if (!(await hasIptables())) return;
  for (const chain of ['DOCKER-USER', 'FORWARD']) {
    for (const rule of rulesOf(bridge)) {
      while ((await tryProgram('iptables', ['-w', '-D', chain, ...rule])).code === 0);
    }
  }
}

function rulesOf(bridge: string): string[][] {
  return ['-i', '-o'].map((side) => [side, bridge, '-m', 'comment', '--comment', `${bridge} pods`, '-j', 'ACCEPT']);
}

async function chainOf(): Promise<string | undefined> {
  if (!(await hasIptables())) return undefined;
  if ((await tryProgram('iptables', ['-w', '-S', 'DOCKER-USER'])).code === 0) return 'DOCKER-USER';
  const { stdout } = await tryProgram('iptables', ['-w', '-S', 'FORWARD']);
  return /^-P FORWARD DROP$/m.test(stdout) ? 'FORWARD' : undefined;
}

/** A machine without it has no such policy. */
function hasIptables(): Promise<boolean> {
  return hasProgram('iptables');
}
