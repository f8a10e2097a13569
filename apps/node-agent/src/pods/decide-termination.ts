import { containersOf } from './pod-containers';
import { type Decision, type PodAction } from './pod-action';
import { type PodView } from './pod-view';

/**
 * Brings a pod down: everything but sidecars at once, then sidecars one by one in reverse order (KEP-753), then the sandbox. A stop that is
 * under way is repeated only to shorten its deadline, as a forced delete does.
 */
export function decideTermination(
  view: PodView,
  { since, graceSeconds }: { readonly since: number; readonly graceSeconds: number },
): Decision {
  const { sandboxes, stopping, now, pod } = view;
  const sidecars = containersOf(pod)
    .filter(({ kind }) => kind === 'sidecar')
    .map(({ spec }) => spec.name);
  const running = view.containers.filter(({ state }) => state === 'running');
  const others = running.filter(({ name }) => !sidecars.includes(name));
  const last = running.reduce((best, { name }) => Math.max(best, sidecars.indexOf(name)), -1);
  const due = others.length > 0 ? others : running.filter(({ name }) => name === sidecars[last]);

  const deadline = since + graceSeconds * 1000;
  const remaining = Math.max(minimumGraceSeconds, Math.ceil((deadline - now) / 1000));
  const actions: PodAction[] = [];
  for (const { id, name } of due) {
    const kill = stopping.get(id);
    if (kill !== undefined && kill <= Math.max(deadline, now + minimumGraceSeconds * 1000)) continue;
    actions.push({ type: 'stop-container', id, name, message: `Stopping container ${name}`, graceSeconds: remaining });
  }
  if (running.length === 0) {
    for (const { id, state } of sandboxes) if (state === 'ready') actions.push({ type: 'stop-sandbox', id });
  }
  const isDown = running.length === 0 && actions.length === 0;
  return { actions, backingOff: new Map(), state: isDown ? 'finished' : 'running' };
}

/** Even a forced stop lets the process see its signal. */
const minimumGraceSeconds = 1;
