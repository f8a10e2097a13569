import { type KeyValueStore, StoreError } from '#store';
import { FakeClock } from '#testing';
import { LeasePool } from './lease-pool';

function setUp() {
  const clock = new FakeClock();
  const granted: number[] = [];
  let failure: Error | undefined;
  const store = {
    leaseGrant: (ttl: number) => {
      if (failure !== undefined) return Promise.reject(failure);
      granted.push(ttl);
      return Promise.resolve({ id: BigInt(granted.length), ttl });
    },
  } as unknown as KeyValueStore;
  const fail = (error: Error | undefined): void => void (failure = error);
  return { clock, granted, fail, pool: new LeasePool(store, clock) };
}

describe('LeasePool', () => {
  it('shares a lease among what is written within a minute', async () => {
    const { clock, granted, pool } = setUp();
    expect(await Promise.all([pool.leaseFor(3600), pool.leaseFor(3600)])).toEqual([1n, 1n]);
    await clock.advance(59_000);
    expect(await pool.leaseFor(3600)).toBe(1n);
    await clock.advance(1000);
    expect(await pool.leaseFor(3600)).toBe(2n);
    // The last object of a lease must live as long as it asked for.
    expect(granted).toEqual([3660, 3660]);
  });

  it('does not hang everything on one lease', async () => {
    const { pool } = setUp();
    const leases = new Set<bigint>();
    for (let i = 0; i < 1001; i++) leases.add(await pool.leaseFor(10));
    expect(leases.size).toBe(2);
  });

  it('keeps lifetimes apart', async () => {
    const { pool } = setUp();
    expect(await pool.leaseFor(10)).not.toBe(await pool.leaseFor(20));
  });

  it('tries again after a failure', async () => {
    const { fail, pool } = setUp();
    fail(new StoreError('unavailable', 'no leader'));
    await expect(pool.leaseFor(10)).rejects.toThrow('no leader');
    fail(undefined);
    expect(await pool.leaseFor(10)).toBe(1n);
  });
});
