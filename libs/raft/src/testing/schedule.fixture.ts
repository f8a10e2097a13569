import { Random } from '#testing';
import { type NodeFactory } from './machine.fixture';
import { World } from './world.fixture';

type Act = (world: World) => void;

const MAX_SNAPSHOT_KEEP = 3;
const MAX_FLOW_ROUNDS = 15;
const HEALING_ROUNDS = 300;
/** A proposal or a read that nobody has answered by then is made again. */
const ROUNDS_TO_ANSWER = 15;

/** What can happen, and how often it does beside the others. */
const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [40, (world) => world.deliver()],
  [60, (world) => world.busy()?.work()],
  [15, (world) => world.any().act((node) => node.tick())],
  [10, (world) => world.propose()],
  [8, (world) => world.read()],
  [2, (world) => world.lose()],
  [2, (world) => world.repeat()],
  [1.5, (world) => world.echo()],
  [0.7, (world) => world.any().crash(world.random.chance(0.5))],
  [3, restartAny],
  [0.4, (world) => world.partition()],
  [0.6, (world) => world.heal()],
  [1, (world) => world.any().takeSnapshot(world.random.below(MAX_SNAPSHOT_KEEP))],
  [0.5, (world) => (world.any().storage.isBusy = world.random.chance(0.5))],
  [1.2, (world) => world.proposeConfChange()],
  [0.5, (world) => world.transfer()],
  [0.7, (world) => world.any().act((node) => node.campaign())],
  [0.3, (world) => world.any().act((node) => node.reportUnreachable(world.random.pick(world.ids) ?? 1n))],
  [3, (world) => world.report()],
  [5, (world) => world.flow(world.random.between(1, MAX_FLOW_ROUNDS))],
  [0.7, (world) => world.isolateLeader()],
];

export interface Outcome {
  readonly steps: number;
  readonly committed: number;
  readonly reads: number;
}

/** One world from its beginning to its end, all of it determined by the seed. @throws Error if a law is broken */
export function runSchedule(seed: number, createNode: NodeFactory): Outcome {
  const random = new Random(seed);
  const world = new World(random, createNode);
  // Each run has its own weather: some without crashes, some with little else.
  const weights = ACTS.map(([weight]) => weight * (random.pick([0, 0.3, 1, 1, 3, 10]) ?? 1));
  // Without these nothing happens.
  for (const vital of [0, 1, 2]) weights[vital] = (ACTS[vital]?.[0] ?? 0) * (random.pick([0.5, 1, 2]) ?? 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const steps = random.pick([50, 200, 400, 800]) ?? 50;
  for (let step = 0; step < steps; step++) {
    let at = random.next() * total;
    const chosen = ACTS.find((_, position) => (at -= weights[position] ?? 0) < 0);
    chosen?.[1](world);
  }
  recover(world);
  return { steps, committed: world.laws.acknowledged, reads: world.laws.readsAnswered };
}

/** Once nothing goes wrong any more, a leader emerges, all converge, and what is asked is answered. */
function recover(world: World): void {
  world.heal();
  for (const machine of world.machines.values()) {
    machine.storage.isBusy = false;
    if (machine.node === undefined) machine.start();
  }
  world.settle();
  const before = world.laws.acknowledged;
  const reads = world.laws.readsAnswered;
  for (let round = 0; round < HEALING_ROUNDS; round++) {
    if (round % ROUNDS_TO_ANSWER === 0) {
      world.propose();
      world.read();
    }
    for (const machine of world.machines.values()) machine.act((node) => node.tick());
    world.settle();
    if (world.laws.acknowledged > before && world.laws.readsAnswered > reads && isConverged(world)) return;
  }
  throw new Error(`no agreement after ${HEALING_ROUNDS} rounds: ${describeWorld(world)}`);
}

function restartAny(world: World): void {
  const machine = world.any();
  if (machine.node === undefined) machine.start();
}

function isConverged(world: World): boolean {
  const all = [...world.machines.values()].flatMap(({ node }) => node?.status() ?? []);
  const leaders = all.filter(({ role }) => role === 'leader').sort((a, b) => b.term - a.term);
  const [leader] = leaders;
  if (leader === undefined) return false;
  const { voters, votersOutgoing, learners, autoLeave } = leader.confState;
  if (autoLeave || leader.commit !== leader.lastIndex) return false;
  const members = new Set([...voters, ...votersOutgoing, ...learners]);
  return all.every(({ id, applied, term }) => !members.has(id) || (applied === leader.commit && term === leader.term));
}

function describeWorld(world: World): string {
  return [...world.machines.values()]
    .map(({ id, node }) => {
      const status = node?.status();
      if (status === undefined) return `${id} down`;
      const { role, term, commit, applied, lastIndex, leader, confState } = status;
      const voters = `${confState.voters.join()}|${confState.votersOutgoing.join()}|${confState.learners.join()}`;
      return `${id} ${role} t${term} of ${leader} a${applied} c${commit} l${lastIndex} (${voters})`;
    })
    .join('; ');
}
