import { type RaftNode } from '#raft';
import { Proposals } from './proposals';

/** A node that takes whatever it is handed, and stands as the test says. */
class FakeNode {
  standing: { readonly role: string; readonly term: number } = { role: 'leader', term: 3 };
  readonly taken: Buffer[] = [];

  status(): unknown {
    return this.standing;
  }

  propose(data: Buffer): void {
    this.taken.push(data);
  }
}

describe('what a leader has decided by itself', () => {
  let node: FakeNode;
  let proposals: Proposals;
  let decided: Promise<string>;
  beforeEach(() => {
    node = new FakeNode();
    proposals = new Proposals(1n, 1, () => 0, 1_000, { proposalsFailed: { inc: () => undefined } as never });
    decided = proposals.command({ type: 'lease-revoke', id: 7n }, 3).then(
      () => 'done',
      (error: Error) => error.message,
    );
    // Whoever leads may write this.
    proposals.command({ type: 'lease-revoke', id: 8n }).catch(() => undefined);
  });
  const hand = (): void => proposals.hand(node as unknown as RaftNode);

  it('is written while it leads', () => {
    hand();
    expect(node.taken).toHaveLength(2);
    expect(proposals.count).toBe(2);
  });

  it.each([
    { role: 'follower', term: 4 },
    { role: 'follower', term: 3 },
    { role: 'leader', term: 5 },
  ])('is not left to the next leader: $role in term $term', async (standing) => {
    // It stood still when its time came, and has heard since that another leads.
    node.standing = standing;
    hand();
    expect(await decided).toBe('etcdserver: not leader');
    expect(node.taken).toHaveLength(1);
    expect(proposals.count).toBe(1);
  });
});
