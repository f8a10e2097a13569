import crypto from 'node:crypto';
import { type RaftStatus } from '#raft';
import { storeErrors } from '../errors';
import { type StateMachine } from '../state-machine';
import { clusterErrors } from './cluster-errors';
import { decodeEntryData, encodeMemberChange, NOBODY } from './entry-data';
import { encodeAnswer, type LeaderRequests } from './leader-requests';
import { type Member, type MemberChange } from './membership';
import { type Replicator } from './replicator';

/** What an operator has to do with the members of a store. Every promise rejects with `StoreError` and etcd's text. */
export interface ClusterAdministration {
  /** In order of id. @param isLinearizable not as this member happens to know it, but as it is */
  memberList(isLinearizable: boolean): Promise<readonly Member[]>;
  /** @returns the new member, which has to be started next, with `state` `existing` */
  memberAdd(peerUrls: readonly string[], isLearner: boolean): Promise<Member>;
  memberRemove(id: bigint): Promise<void>;
  memberUpdate(id: bigint, peerUrls: readonly string[]): Promise<void>;
  /** Makes a learner that has caught up a voter. */
  memberPromote(id: bigint): Promise<void>;
  /** Resolves when `id` leads. This member has to be the leader. */
  moveLeader(id: bigint): Promise<void>;
}

/** A learner may be promoted when it has so much of what the leader has; as etcd's `readyPercent`. */
const READY_FRACTION = 0.9;
const MOVE_POLL_MS = 50;

export interface ClusterAdministrationOptions {
  readonly machine: StateMachine;
  readonly replicator: Replicator;
  readonly requests: LeaderRequests;
  readonly memberId: bigint;
  /** There is a way to reach others. */
  readonly hasTransport: boolean;
}

/** Changes are judged and proposed by the leader, one at a time, since it alone knows how the others are. */
export class ReplicatedClusterAdministration implements ClusterAdministration {
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ClusterAdministrationOptions) {}

  async memberList(isLinearizable: boolean): Promise<readonly Member[]> {
    const { replicator, machine } = this.options;
    if (replicator.failure !== undefined) throw replicator.failure;
    if (isLinearizable) await replicator.linearize();
    return machine.membership.list();
  }

  async memberAdd(peerUrls: readonly string[], isLearner: boolean): Promise<Member> {
    checkPeerUrls(peerUrls);
    // Random: the same addresses may come back as another member.
    const id = crypto.randomBytes(8).readBigUInt64LE() | 1n;
    const member = { id, name: '', peerUrls: [...peerUrls], clientUrls: [], isLearner };
    await this.change({ type: 'add', member });
    return member;
  }

  memberRemove(id: bigint): Promise<void> {
    return this.change({ type: 'remove', id });
  }

  async memberUpdate(id: bigint, peerUrls: readonly string[]): Promise<void> {
    checkPeerUrls(peerUrls);
    await this.change({ type: 'update', id, peerUrls });
  }

  memberPromote(id: bigint): Promise<void> {
    return this.change({ type: 'promote', id });
  }

  async moveLeader(id: bigint): Promise<void> {
    const { replicator, machine, memberId } = this.options;
    if (!replicator.isLeader) throw clusterErrors.notLeader();
    const member = machine.membership.members.get(id);
    if (member === undefined || member.isLearner) throw clusterErrors.badTransferee();
    if (id === memberId) return;
    replicator.transferLeadership(id);
    for (let left = replicator.requestTimeoutMs; left > 0; left -= MOVE_POLL_MS) {
      if (replicator.leader === id) return;
      if (replicator.failure !== undefined) throw replicator.failure;
      await replicator.leaderChange(MOVE_POLL_MS);
    }
    throw clusterErrors.leaderTransferTimeout();
  }

  /** What another member, which takes this one for the leader, has been asked to do. */
  answer(body: Buffer): Promise<Buffer> {
    return encodeAnswer(async () => {
      const { change } = decodeEntryData(body);
      if (change === undefined) throw storeErrors.invalid('not a change of a member');
      await this.changeHere(change);
      return Buffer.alloc(0);
    });
  }

  /** Tells the others this member's name and addresses, as etcd's members do when they start. Repeatable. */
  publish(name: string, clientUrls: readonly string[]): Promise<void> {
    return this.options.replicator.changeMember({ type: 'publish', id: this.options.memberId, name, clientUrls });
  }

  /** As `publish`, where peers find this member. */
  announce(peerUrls: readonly string[]): Promise<void> {
    return this.options.replicator.changeMember({ type: 'update', id: this.options.memberId, peerUrls });
  }

  /** Resolves when this member knows of it, too: who asks it next who the members are has to be told. */
  private async change(change: MemberChange): Promise<void> {
    const { requests, replicator, memberId } = this.options;
    const body = encodeMemberChange(NOBODY, change);
    const request = { type: 'administration', body } as const;
    const here = (): Promise<boolean> => this.changeHere(change).then(() => true);
    // An attempt of unknown outcome is not repeated: the operator has to look.
    const isHere = await requests.ask(here, request, () => false, false);
    // Who is removed hears of nothing any more.
    if (isHere || (change.type === 'remove' && change.id === memberId)) return;
    // Done it is, whether or not this member gets to know in time.
    await replicator.linearize()?.catch(() => undefined);
  }

  private changeHere(change: MemberChange): Promise<void> {
    const result = this.turn.then(async () => {
      const { replicator, hasTransport } = this.options;
      if (!hasTransport) throw clusterErrors.alone();
      if (!replicator.isLeader) throw clusterErrors.notLeader();
      this.check(change);
      await replicator.changeMember(change);
    });
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** etcd's `--strict-reconfig-check`: no change that a quorum of started members might not survive. */
  private check(change: MemberChange): void {
    const { machine, replicator } = this.options;
    const { membership } = machine;
    membership.check(change);
    const voters = membership.list().filter(({ isLearner }) => !isLearner);
    const started = voters.filter(({ name }) => name !== '').length;
    const status = replicator.status();
    if (change.type === 'add' && !change.member.isLearner) {
      // Alone, and not even named: the first to be added may come before that.
      if (voters.length > 1 && started < quorum(voters.length + 1)) throw clusterErrors.notEnoughStarted();
      if (!this.isHealthy(status, voters)) throw clusterErrors.unhealthy();
    }
    if (change.type === 'promote') {
      if (!isCaughtUp(status, change.id)) throw clusterErrors.learnerNotReady();
      if (started + 1 < quorum(voters.length + 1)) throw clusterErrors.notEnoughStarted();
    }
    if (change.type === 'remove') this.checkRemoval(status, voters, change.id);
  }

  private checkRemoval(status: RaftStatus, voters: readonly Member[], id: bigint): void {
    const removed = voters.find((member) => member.id === id);
    // Neither a learner nor who never came is missed.
    if (removed === undefined || removed.name === '') return;
    const rest = voters.filter((member) => member !== removed);
    if (rest.filter(({ name }) => name !== '').length < quorum(rest.length)) throw clusterErrors.notEnoughStarted();
    if (
      this.isActive(status, id) &&
      rest.filter((member) => this.isActive(status, member.id)).length < quorum(rest.length)
    ) {
      throw clusterErrors.unhealthy();
    }
  }

  private isHealthy(status: RaftStatus, voters: readonly Member[]): boolean {
    return voters.every(({ id }) => this.isActive(status, id));
  }

  private isActive({ progress }: RaftStatus, id: bigint): boolean {
    return id === this.options.memberId || progress.get(id)?.isActive === true;
  }
}

function quorum(count: number): number {
  return Math.floor(count / 2) + 1;
}

function isCaughtUp({ progress, lastIndex }: RaftStatus, id: bigint): boolean {
  return (progress.get(id)?.match ?? 0) > lastIndex * READY_FRACTION;
}

function checkPeerUrls(urls: readonly string[]): void {
  const isGood = (url: string): boolean => URL.canParse(url) && /^https?:\/\/[^/]+:\d+\/?$/.test(url);
  if (urls.length === 0 || !urls.every(isGood) || new Set(urls).size < urls.length) throw clusterErrors.badPeerUrls();
}
