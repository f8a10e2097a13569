import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { StoreError } from '../key-value-store';
import { type StateMachine } from '../state-machine';
import { type ClusterOptions } from './bootstrap';
import { type ReplicatedClusterAdministration } from './cluster-administration';

const RETRY_MS = 500;

export interface PublishOptions {
  readonly administration: ReplicatedClusterAdministration;
  readonly machine: StateMachine;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger?: Logger;
  readonly cluster: ClusterOptions;
  readonly memberId: bigint;
}

/** In the background, until it has been heard: what this member is called, and where clients and, if nobody knows yet, peers find it. */
export function publishMember(options: PublishOptions, signal: AbortSignal): void {
  const { administration, machine, clock, random, logger, cluster, memberId } = options;
  const isTold = (): boolean => {
    const self = machine.membership.members.get(memberId);
    return self?.name === cluster.name && self.clientUrls.join() === cluster.clientUrls.join();
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const self = machine.membership.members.get(memberId);
        if (self !== undefined && self.peerUrls.length === 0) await administration.announce(cluster.peerUrls);
        if (self !== undefined && !isTold()) await administration.publish(cluster.name, cluster.clientUrls);
        if (isTold()) return;
      } catch (err) {
        if (!(err instanceof StoreError) || err.code === 'closed') return;
        logger?.debug({ err }, 'the others do not know this member by name yet');
      }
      await pause(clock, RETRY_MS * (1 + random()), signal);
    }
  };
  void run();
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(ms, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
