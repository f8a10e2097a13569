import { type ConfChange, ProposalDroppedError, type RaftNode } from '#raft';
import { type Command } from '../command';
import { decodeCommand, encodeCommand } from '../command-codec';
import { storeErrors } from '../errors';
import { type StoreError } from '../key-value-store';
import { type MemberMetrics } from '../member-metrics';
import { type Response } from '../state-machine';
import { clusterErrors } from './cluster-errors';
import { encodeMemberChange } from './entry-data';
import { type MemberChange } from './membership';
import { RequestIds } from './request-ids';

/** What one round takes in: applying it stays a matter of milliseconds. */
const MAX_ROUND_ENTRIES = 1_000;
const MAX_ROUND_BYTES = 4 * 1024 * 1024;
/** More than this under way, and the store says it is overloaded. */
const MAX_BYTES = 64 * 1024 * 1024;

interface Proposal {
  readonly sequence: number;
  readonly data: Buffer;
  /** As decoded from `data`, so that members that read it from the log apply the very same. */
  readonly command?: Command;
  readonly confChange?: ConfChange;
  /** The term of the leader that alone may write this; undefined: whoever leads may. */
  readonly term?: number;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** To Raft; undefined: it waits. */
  handedAt?: number;
  resolve(response: Response): void;
  reject(error: Error): void;
}

type Asked = Pick<Proposal, 'sequence' | 'data' | 'command' | 'confChange' | 'term'>;

/** What this member has asked for and has not seen in the log yet. */
export class Proposals {
  private queue: Proposal[] = [];
  /** Handed to Raft, in that order. */
  private readonly pending = new Map<number, Proposal>();
  private bytes = 0;
  private readonly requestIds: RequestIds;

  /** @param sequence first number of a request: not used by this member in a life before */
  constructor(
    private readonly memberId: bigint,
    private sequence: number,
    private readonly monotonic: () => number,
    private readonly maxRequestBytes: number,
    private readonly metrics: Pick<MemberMetrics, 'proposalsFailed'>,
  ) {
    this.requestIds = new RequestIds(memberId);
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && this.pending.size === 0;
  }

  get count(): number {
    return this.queue.length + this.pending.size;
  }

  get isWaiting(): boolean {
    return this.queue.length > 0;
  }

  /** @param term in which this member leads, and without which nothing is to come of it; undefined: whoever leads may write it */
  command(command: Command, term?: number): Promise<Response> {
    const sequence = this.sequence++;
    const prefix = this.requestIds.encode(sequence);
    const data = encodeCommand(command, prefix);
    // As etcd: with all that is around keys and values.
    if (data.length > this.maxRequestBytes) return Promise.reject(storeErrors.requestTooLarge());
    return this.enqueue({ sequence, data, command: decodeCommand(data, prefix.length), term });
  }

  /** @param step what it means to Raft; undefined: nothing */
  async memberChange(change: MemberChange, step?: ConfChange['steps'][number]): Promise<void> {
    const sequence = this.sequence++;
    const data = encodeMemberChange({ memberId: this.memberId, sequence }, change);
    const confChange: ConfChange | undefined = step && { steps: [step], transition: 'auto', context: data };
    await this.enqueue({ sequence, data, confChange });
  }

  /** Hands to Raft what has gathered, as much as it takes. */
  hand(node: RaftNode): void {
    const now = this.monotonic();
    let bytes = 0;
    let count = 0;
    while (count < this.queue.length && count < MAX_ROUND_ENTRIES && bytes < MAX_ROUND_BYTES) {
      const proposal = this.queue[count]!;
      if (proposal.term !== undefined && proposal.term !== termLedBy(node)) {
        count++;
        this.bytes -= proposal.data.length;
        this.giveUp(proposal, clusterErrors.notLeader());
        continue;
      }
      try {
        if (proposal.confChange === undefined) node.propose(proposal.data);
        else node.proposeConfChange(proposal.confChange);
      } catch (error) {
        // No leader now, or too much under way: they wait their time.
        if (error instanceof ProposalDroppedError) break;
        throw error;
      }
      proposal.handedAt = now;
      this.pending.set(proposal.sequence, proposal);
      bytes += proposal.data.length;
      count++;
    }
    if (count > 0) this.queue = this.queue.slice(count);
  }

  /** The command of an own request, decoded before. */
  known(request: Buffer): Command | undefined {
    return this.find(request)?.command;
  }

  /** An entry has been applied: tells its proposer, if that was here. */
  settle(request: Buffer, result: { readonly response?: Response; readonly error?: StoreError }): void {
    const proposal = this.find(request);
    if (proposal === undefined) return;
    this.pending.delete(proposal.sequence);
    this.bytes -= proposal.data.length;
    if (result.error === undefined) proposal.resolve(result.response);
    else proposal.reject(result.error);
  }

  /**
   * Gives up those that were begun before `deadline`, and those that were handed to Raft before `lost`: nobody knows what becomes
   * of what was handed over.
   */
  expire(deadline: number, lost: number, errorFor: (startedAt: number) => StoreError): void {
    for (const proposal of this.pending.values()) {
      if (proposal.startedAt > deadline && proposal.handedAt! >= lost) break;
      this.pending.delete(proposal.sequence);
      this.bytes -= proposal.data.length;
      this.giveUp(proposal, errorFor(proposal.startedAt));
    }
    let count = 0;
    while (count < this.queue.length && this.queue[count]!.startedAt <= deadline) {
      const proposal = this.queue[count++]!;
      this.bytes -= proposal.data.length;
      this.giveUp(proposal, errorFor(proposal.startedAt));
    }
    if (count > 0) this.queue = this.queue.slice(count);
  }

  rejectAll(error: StoreError): void {
    const all = [...this.pending.values(), ...this.queue];
    this.pending.clear();
    this.queue = [];
    this.bytes = 0;
    for (const proposal of all) this.giveUp(proposal, error);
  }

  private giveUp(proposal: Proposal, error: StoreError): void {
    this.metrics.proposalsFailed.inc();
    proposal.reject(error);
  }

  private find(request: Buffer): Proposal | undefined {
    const sequence = this.requestIds.sequenceOf(request);
    return sequence === undefined ? undefined : this.pending.get(sequence);
  }

  private enqueue({ sequence, data, command, confChange, term }: Asked): Promise<Response> {
    if (this.bytes + data.length > MAX_BYTES) return Promise.reject(storeErrors.tooManyRequests());
    this.bytes += data.length;
    return new Promise((resolve, reject) => {
      const startedAt = this.monotonic();
      this.queue.push({ sequence, data, command, confChange, term, startedAt, resolve, reject });
    });
  }
}

/** Undefined: it does not lead, whatever its soft state said last. */
export function termLedBy(node: RaftNode): number | undefined {
  const { role, term } = node.status();
  return role === 'leader' ? term : undefined;
}
