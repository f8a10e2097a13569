import { type ConfChange, type ConfState } from '#raft';
import { clusterErrors } from './cluster-errors';

/** A member of the cluster, as everybody knows it. */
export interface Member {
  readonly id: bigint;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** A change of the members that the log carries. */
export type MemberChange =
  | { readonly type: 'add'; readonly member: Member }
  | { readonly type: 'remove' | 'promote'; readonly id: bigint }
  | { readonly type: 'update'; readonly id: bigint; readonly peerUrls: readonly string[] }
  | { readonly type: 'publish'; readonly id: bigint; readonly name: string; readonly clientUrls: readonly string[] };

/** etcd's `--max-learners`. */
const MAX_LEARNERS = 1;

/** Who is in the cluster: part of the replicated state. It changes by log entries alone. */
export class Membership {
  readonly members = new Map<bigint, Member>();
  /** Ids are never used again. */
  readonly removed = new Set<bigint>();
  /** The only member of a store from before there were members, until the log has said who it is. */
  founder: bigint | undefined;

  /** As Raft has it: members change one at a time, so there are no joint configurations. */
  get confState(): ConfState {
    const ids = (isLearner: boolean): bigint[] =>
      this.list()
        .filter((member) => member.isLearner === isLearner)
        .map(({ id }) => id);
    const voters = this.isEmpty && this.founder !== undefined ? [this.founder] : ids(false);
    return { voters, learners: ids(true), votersOutgoing: [], learnersNext: [], autoLeave: false };
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  /** @throws StoreError if the change makes no sense now; nobody has been changed then */
  check(change: MemberChange): void {
    if (change.type === 'add') return this.checkAddition(change.member);
    const member = this.members.get(change.id);
    if (member === undefined) throw clusterErrors.memberNotFound();
    if (change.type === 'promote' && !member.isLearner) throw clusterErrors.notALearner();
    if (change.type === 'update') this.checkUrls(change.peerUrls, change.id);
    // Nobody would be left to agree to anything.
    if (change.type === 'remove' && this.confState.voters.every((id) => id === change.id)) {
      throw clusterErrors.notEnoughStarted();
    }
  }

  /** @throws as `check` */
  apply(change: MemberChange): void {
    this.check(change);
    if (change.type === 'add') this.members.set(change.member.id, change.member);
    else if (change.type === 'remove') {
      this.members.delete(change.id);
      this.removed.add(change.id);
    } else if (change.type === 'promote') this.revise(change.id, { isLearner: false });
    else if (change.type === 'update') this.revise(change.id, { peerUrls: change.peerUrls });
    else if (change.type === 'publish') this.revise(change.id, { name: change.name, clientUrls: change.clientUrls });
  }

  /** In order of id. */
  list(): Member[] {
    return [...this.members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private revise(id: bigint, change: Partial<Member>): void {
    this.members.set(id, { ...this.members.get(id)!, ...change });
  }

  private checkAddition(added: Member): void {
    if (this.members.has(added.id) || this.removed.has(added.id)) throw clusterErrors.memberExists();
    this.checkUrls(added.peerUrls, added.id);
    const learners = this.list().filter(({ isLearner }) => isLearner).length;
    if (added.isLearner && learners >= MAX_LEARNERS) throw clusterErrors.tooManyLearners();
  }

  private checkUrls(urls: readonly string[], ownId: bigint): void {
    for (const { id, peerUrls } of this.members.values()) {
      if (id !== ownId && peerUrls.some((url) => urls.includes(url))) throw clusterErrors.peerUrlExists();
    }
  }
}

/** What a change means to Raft; undefined: nothing. */
export function stepOf(change: MemberChange): ConfChange['steps'][number] | undefined {
  switch (change.type) {
    case 'add':
      return { type: change.member.isLearner ? 'add-learner' : 'add-voter', id: change.member.id };
    case 'promote':
      return { type: 'add-voter', id: change.id };
    case 'remove':
      return { type: 'remove', id: change.id };
    case 'update':
    case 'publish':
      return undefined;
  }
}
