import { type etcdserverpb } from '#etcd';
import { type KeyValueStore, type StoreStatus } from '#store';

/** Who answers: every response says so in its header. */
export class Member {
  private constructor(
    private readonly store: KeyValueStore,
    private last: StoreStatus,
  ) {}

  static async of(store: KeyValueStore): Promise<Member> {
    return new Member(store, await store.status());
  }

  async status(): Promise<StoreStatus> {
    this.last = await this.store.status();
    return this.last;
  }

  header(revision: number): etcdserverpb.ResponseHeader {
    // Nothing has been written yet in term 0, but who answers leads, in the first term at least.
    const { clusterId, memberId, term } = this.last;
    return { clusterId, memberId, revision: BigInt(revision), raftTerm: BigInt(Math.max(1, term)) };
  }

  /** For answers that do not come with a revision of their own. */
  async currentHeader(): Promise<etcdserverpb.ResponseHeader> {
    return this.header((await this.status()).revision);
  }
}
