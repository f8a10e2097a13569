import { type ConfChange, type ConfChangeStep } from './conf-change';
import { type ConfState } from './entry';

/** A `ConfState` to reckon with. Never changed in place. */
export interface Configuration {
  readonly voters: ReadonlySet<bigint>;
  readonly votersOutgoing: ReadonlySet<bigint>;
  readonly learners: ReadonlySet<bigint>;
  readonly learnersNext: ReadonlySet<bigint>;
  readonly autoLeave: boolean;
}

export function configurationOf(state: ConfState): Configuration {
  return {
    voters: new Set(state.voters),
    votersOutgoing: new Set(state.votersOutgoing),
    learners: new Set(state.learners),
    learnersNext: new Set(state.learnersNext),
    autoLeave: state.autoLeave,
  };
}

/** Reckoned once: a status is asked for far more often than the members change. */
const states = new WeakMap<Configuration, ConfState>();

export function confStateOf(configuration: Configuration): ConfState {
  let state = states.get(configuration);
  if (state === undefined) {
    state = {
      voters: sorted(configuration.voters),
      learners: sorted(configuration.learners),
      votersOutgoing: sorted(configuration.votersOutgoing),
      learnersNext: sorted(configuration.learnersNext),
      autoLeave: configuration.autoLeave,
    };
    states.set(configuration, state);
  }
  return state;
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.size > 0;
}

/** In either half. */
export function isVoter(configuration: Configuration, id: bigint): boolean {
  return configuration.voters.has(id) || configuration.votersOutgoing.has(id);
}

export function isMember(configuration: Configuration, id: bigint): boolean {
  return isVoter(configuration, id) || configuration.learners.has(id);
}

export function allVoters(configuration: Configuration): ReadonlySet<bigint> {
  if (!isJoint(configuration)) return configuration.voters;
  return new Set([...configuration.voters, ...configuration.votersOutgoing]);
}

export function allMembers(configuration: Configuration): ReadonlySet<bigint> {
  return new Set([...allVoters(configuration), ...configuration.learners]);
}

/**
 * The configuration after a change; undefined if it cannot be made: a joint configuration is left before anything else changes, there is
 * one to leave, and a voter remains. Every member comes to the same answer, since each has the same configuration at that entry.
 */
export function changed(configuration: Configuration, change: ConfChange): Configuration | undefined {
  const { steps } = change;
  if (steps.some(({ id }) => id <= 0n)) return undefined;
  if (isJoint(configuration)) return steps.length === 0 ? leaveJoint(configuration) : undefined;
  if (steps.length === 0) return undefined;
  if (steps.length === 1) return withSteps(configuration, steps);
  // A configuration without voters has no majority that could agree to leave it.
  if (configuration.voters.size === 0) return undefined;
  const joint = { ...configuration, votersOutgoing: configuration.voters, autoLeave: change.transition === 'auto' };
  return withSteps(joint, steps);
}

function withSteps(configuration: Configuration, steps: readonly ConfChangeStep[]): Configuration | undefined {
  const voters = new Set(configuration.voters);
  const learners = new Set(configuration.learners);
  const learnersNext = new Set(configuration.learnersNext);
  for (const { type, id } of steps) {
    voters.delete(id);
    learners.delete(id);
    learnersNext.delete(id);
    if (type === 'add-voter') voters.add(id);
    // Who still votes in the outgoing half cannot be a learner yet.
    else if (type === 'add-learner') (configuration.votersOutgoing.has(id) ? learnersNext : learners).add(id);
  }
  return voters.size === 0 ? undefined : { ...configuration, voters, learners, learnersNext };
}

function leaveJoint(configuration: Configuration): Configuration {
  return {
    voters: configuration.voters,
    votersOutgoing: new Set(),
    learners: new Set([...configuration.learners, ...configuration.learnersNext]),
    learnersNext: new Set(),
    autoLeave: false,
  };
}

function sorted(ids: ReadonlySet<bigint>): readonly bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : 1));
}
