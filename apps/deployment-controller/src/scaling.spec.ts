import { type Deployment } from '#api';
import fc from 'fast-check';
import { deployment, replicaSet } from '#testing';
import { templateHash } from './pod-template';
import { newSetAnnotations, nextRevision } from './revision';
import { type Rollout, type SetView, rolloutOf } from './rollout';
import { fenceposts, newSetSize, rollingUpdateSteps, scalingSteps } from './scaling';

type Limit = number | string;

function web(replicas: number, maxSurge: Limit = '25%', maxUnavailable: Limit = '25%'): Deployment {
  return deployment('web')
    .replicas(replicas)
    .with(({ spec }) => (spec!.strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }))
    .build();
}

function set(name: string, replicas: number, available: number, annotations: Record<string, string> = {}): SetView {
  const builder = replicaSet('web').replicas(replicas).annotations(annotations);
  return builder
    .with((object) => {
      object.metadata = {
        ...object.metadata,
        name,
        creationTimestamp: name === 'new' ? '2026-01-02T00:00:00Z' : '2026-01-01T00:00:00Z',
      };
      object.status = { replicas, availableReplicas: available };
      object.spec!.template!.spec!.containers[0]!.image = name === 'new' ? 'image' : name;
    })
    .build();
}

describe('fenceposts', () => {
  it.each<[number, Limit, Limit, number, number]>([
    [10, '25%', '25%', 3, 2],
    [1, '25%', '25%', 1, 0],
    [10, 0, 0, 0, 1],
    [10, '0%', '5%', 0, 1],
    [2, 1, 5, 1, 2],
    [0, '50%', 1, 0, 0],
  ])('%d replicas, surge %s, unavailable %s: +%d −%d', (replicas, surge, unavailable, maxSurge, maxUnavailable) => {
    expect(fenceposts(web(replicas, surge, unavailable))).toEqual({ maxSurge, maxUnavailable });
  });
});

describe('rollingUpdateSteps', () => {
  const sizes = (rollout: Rollout) =>
    rollingUpdateSteps(rollout as Rollout & { newSet: SetView }).map(
      (step) => `${step.set.metadata?.name} ${step.replicas}`,
    );

  it.each<[string, SetView[], string[]]>([
    ['starts with the surge', [set('old', 10, 10), set('new', 0, 0)], ['new 3']],
    ['takes away what is spare', [set('old', 10, 10), set('new', 3, 0)], ['old 8']],
    ['waits for new pods', [set('old', 8, 8), set('new', 5, 0)], []],
    ['takes away the unhealthy first', [set('bad', 3, 0), set('old', 7, 7), set('new', 3, 3)], ['bad 0', 'old 5']],
    ['shrinks a new set that is too big', [set('new', 12, 12)], ['new 10']],
  ])('%s', (_name, sets, expected) => {
    expect(sizes(rolloutOf(web(10), sets))).toEqual(expected);
  });

  it('never leaves the bounds, and ends (property)', () => {
    const limit = fc.oneof(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 30 }),
        limit,
        limit,
        fc.integer({ min: 0, max: 30 }),
        (replicas, surge, unavailable, old) => {
          const wanted = web(replicas, surge, unavailable);
          const { maxSurge, maxUnavailable } = fenceposts(wanted);
          let current = [set('old', old, old), set('new', 0, 0)];
          for (let step = 0; step < 200; step++) {
            const steps = rollingUpdateSteps(rolloutOf(wanted, current) as Rollout & { newSet: SetView });
            if (steps.length === 0) break;
            // What is scaled down was available, what is scaled up becomes so before the next step.
            const next = new Map(steps.map((one) => [one.set.metadata?.name, one.replicas]));
            const size = (one: SetView) => next.get(one.metadata?.name) ?? one.spec?.replicas ?? 0;
            const total = current.reduce((sum, one) => sum + size(one), 0);
            const available = current.reduce(
              (sum, one) => sum + Math.min(size(one), one.status?.availableReplicas ?? 0),
              0,
            );
            expect(total).toBeLessThanOrEqual(Math.max(old, replicas + maxSurge));
            expect(available).toBeGreaterThanOrEqual(Math.min(old, replicas - maxUnavailable));
            current = current.map((one) => set(one.metadata?.name ?? '', size(one), size(one)));
          }
          expect(current.map(({ spec }) => spec?.replicas)).toEqual([0, replicas]);
        },
      ),
    );
  });
});

describe('scalingSteps', () => {
  const sizes = (wanted: Deployment, sets: SetView[]): Record<string, number> =>
    Object.fromEntries<number>(
      scalingSteps(rolloutOf(wanted, sets)).map((step) => [step.set.metadata?.name ?? '', step.replicas]),
    );
  const max = (count: number) => ({ 'deployment.kubernetes.io/max-replicas': String(count) });

  it('gives each set its share, and what rounding left over to the biggest', () => {
    expect(sizes(web(15, 0, 1), [set('old', 5, 5, max(10)), set('new', 5, 0, max(10))])).toEqual({ old: 7, new: 8 });
    expect(sizes(web(5, 0, 1), [set('old', 8, 8, max(10)), set('new', 2, 0, max(10))])).toEqual({ old: 4, new: 1 });
    expect(sizes(web(0, 0, 1), [set('old', 8, 8, max(10)), set('new', 2, 0, max(10))])).toEqual({ old: 0, new: 0 });
  });

  it('scales the only active set alone', () => {
    expect(sizes(web(4), [set('old', 0, 0), set('new', 2, 2)])).toEqual({ new: 4 });
    expect(sizes(web(4), [set('old', 2, 2)])).toEqual({ old: 4 });
    expect(newSetSize(rolloutOf(web(4), []))).toBe(4);
  });
});

describe('revisions', () => {
  const revised = (revision: string) => set('old', 0, 0, { 'deployment.kubernetes.io/revision': revision });

  it('count on from the highest, as numbers', () => {
    expect(nextRevision([revised('9'), revised('10'), revised('x')])).toBe(11);
  });

  it('never go down, and are remembered', () => {
    const annotations = newSetAnnotations(web(1), revised('12'), 11);
    expect(annotations['deployment.kubernetes.io/revision']).toBe('12');
    expect(newSetAnnotations(web(1), revised('9'), 11)).toMatchObject({
      'deployment.kubernetes.io/revision': '11',
      'deployment.kubernetes.io/revision-history': '9',
    });
  });
});

describe('templateHash', () => {
  it('depends on content and collisions, not on the order of fields', () => {
    const a = { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'x', image: 'y' }] } };
    const b = { spec: { containers: [{ image: 'y', name: 'x' }] }, metadata: { labels: { b: '2', a: '1' } } };
    expect(templateHash(a, undefined)).toBe(templateHash(b, undefined));
    expect(templateHash(a, 1)).not.toBe(templateHash(a, undefined));
    expect(templateHash({ spec: { containers: [] } }, undefined)).not.toBe(templateHash(a, undefined));
  });
});
