import { type MethodDefinition, status } from '@grpc/grpc-js';
import { clusterService, type etcdserverpb, maintenanceService } from '#etcd';
import { type Clock } from '#machinery';
import { type ConnectOperatorOptions, type MemberStatus, type StoreOperator } from '../src/connect-operator';
import { storeErrors } from '../src/errors';
import { StoreError } from '../src/key-value-store';
import { type Member } from '../src/replication/membership';
import { Connection, isServiceError } from './connection';
import { failureOf } from './status';

const DEFAULT_REQUEST_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

/** `StoreOperator` over etcd v3's gRPC API. Nothing is repeated: an operator wants to know what happened. */
export class RemoteOperator implements StoreOperator {
  readonly endpoint: string;
  private readonly connection: Connection;
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private readonly closed = new AbortController();

  constructor({
    endpoint,
    tls,
    clock,
    requestTimeoutMs: timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
  }: ConnectOperatorOptions) {
    this.endpoint = endpoint;
    this.clock = clock;
    this.timeoutMs = timeoutMs;
    this.connection = new Connection(endpoint, tls, clock, KEEP_ALIVE_MS, () => undefined);
  }

  async status(): Promise<MemberStatus> {
    const answer = await this.ask(maintenanceService.status, {});
    const { header } = answer;
    return {
      version: answer.version,
      revision: Number(header?.revision ?? 0n),
      clusterId: header?.clusterId ?? 0n,
      memberId: header?.memberId ?? 0n,
      size: Number(answer.dbSize),
      leader: answer.leader,
      term: Number(answer.raftTerm),
      raftIndex: Number(answer.raftIndex),
      appliedIndex: Number(answer.raftAppliedIndex),
      isLearner: answer.isLearner,
      errors: answer.errors,
    };
  }

  async memberList(): Promise<readonly Member[]> {
    const { members } = await this.ask(clusterService.memberList, { linearizable: true });
    return members.map(fromMember);
  }

  async memberAdd(peerUrls: readonly string[], isLearner: boolean): Promise<Member> {
    const { member } = await this.ask(clusterService.memberAdd, { peerURLs: [...peerUrls], isLearner });
    if (member === undefined) throw new StoreError('unavailable', 'the answer has no member');
    return fromMember(member);
  }

  async memberRemove(id: bigint): Promise<void> {
    await this.ask(clusterService.memberRemove, { ID: id });
  }

  async memberUpdate(id: bigint, peerUrls: readonly string[]): Promise<void> {
    await this.ask(clusterService.memberUpdate, { ID: id, peerURLs: [...peerUrls] });
  }

  async memberPromote(id: bigint): Promise<void> {
    await this.ask(clusterService.memberPromote, { ID: id });
  }

  async moveLeader(to: bigint): Promise<void> {
    await this.ask(maintenanceService.moveLeader, { targetID: to });
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    const stream = this.connection.download(maintenanceService.snapshot, {});
    let isSilent = false;
    const giveUp = (): void => {
      isSilent = true;
      stream.cancel();
    };
    let timer = this.clock.setTimer(this.timeoutMs, giveUp);
    try {
      for await (const { blob } of stream as AsyncIterable<etcdserverpb.SnapshotResponse>) {
        timer.cancel();
        yield blob;
        timer = this.clock.setTimer(this.timeoutMs, giveUp);
      }
    } catch (error) {
      throw isSilent ? storeErrors.timedOut() : toStoreError(error);
    } finally {
      timer.cancel();
      stream.cancel();
    }
  }

  close(): void {
    this.closed.abort();
    this.connection.close();
  }

  private async ask<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    try {
      return await this.connection.unary(method, request, this.timeoutMs, this.closed.signal);
    } catch (error) {
      throw toStoreError(error);
    }
  }
}

function fromMember({ ID, name, peerURLs, clientURLs, isLearner }: etcdserverpb.Member): Member {
  return { id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
}

function toStoreError(error: unknown): unknown {
  if (!isServiceError(error)) return error;
  if (error.code === status.FAILED_PRECONDITION) return new StoreError('failed-precondition', error.details);
  if (error.code === status.NOT_FOUND) return new StoreError('not-found', error.details);
  return failureOf(error).error;
}
