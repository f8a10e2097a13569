import fc from 'fast-check';
import { IpAllocator } from './ip-allocator';
import { isInCidr } from './ipv4';
import { NodeCidrAllocator } from './node-cidr-allocator';

describe('IpAllocator', () => {
  test('leaves out network, gateway, broadcast and what is reserved', () => {
    const allocator = new IpAllocator('10.244.1.0/29', { reserved: ['10.244.1.3', '10.9.9.9'] });
    expect(allocator.free).toBe(4);
    const given = [1, 2, 3, 4].map(() => allocator.allocate());
    expect(given).toEqual(['10.244.1.2', '10.244.1.4', '10.244.1.5', '10.244.1.6']);
    expect(allocator.allocate()).toBeUndefined();
  });

  test('a released address is the last to be given out again', () => {
    const allocator = new IpAllocator('10.244.1.0/29');
    expect(allocator.allocate()).toBe('10.244.1.2');
    allocator.release('10.244.1.2');
    expect([1, 2, 3, 4].map(() => allocator.allocate())).toEqual([
      '10.244.1.3',
      '10.244.1.4',
      '10.244.1.5',
      '10.244.1.6',
    ]);
    expect(allocator.allocate()).toBe('10.244.1.2');
  });

  test('claims what is in use, once', () => {
    const allocator = new IpAllocator('10.244.1.0/29');
    expect(allocator.claim('10.244.1.2')).toBe(true);
    expect(allocator.claim('10.244.1.2')).toBe(false);
    expect(allocator.claim('10.244.2.2')).toBe(false);
    expect(allocator.claim('10.244.1.1')).toBe(false);
    expect(allocator.has('10.244.1.2')).toBe(true);
    expect(allocator.allocate()).toBe('10.244.1.3');
  });

  test('never gives an address twice, whatever happens in between', () => {
    const step = fc.oneof(fc.constant('allocate'), fc.nat(12));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const allocator = new IpAllocator('10.0.0.0/28');
        const held = new Set<string>();
        for (const what of steps) {
          if (typeof what === 'number') {
            const victim = [...held][what];
            if (victim !== undefined && held.delete(victim)) allocator.release(victim);
            continue;
          }
          const ip = allocator.allocate();
          if (ip === undefined) expect(held.size).toBe(13);
          else {
            expect(held.has(ip)).toBe(false);
            expect(isInCidr(ip, '10.0.0.0/28')).toBe(true);
            held.add(ip);
          }
        }
        expect(allocator.free).toBe(13 - held.size);
      }),
    );
  });
});

describe('NodeCidrAllocator', () => {
  test('one block a node, in order, until there is none', () => {
    const allocator = new NodeCidrAllocator('10.244.0.0/22');
    expect([1, 2, 3, 4].map(() => allocator.allocate())).toEqual([
      '10.244.0.0/24',
      '10.244.1.0/24',
      '10.244.2.0/24',
      '10.244.3.0/24',
    ]);
    expect(allocator.allocate()).toBeUndefined();
    allocator.release('10.244.1.0/24');
    expect(allocator.allocate()).toBe('10.244.1.0/24');
  });

  test('what nodes have is not given out, whatever its size', () => {
    const allocator = new NodeCidrAllocator('10.244.0.0/22');
    expect(allocator.claim('10.244.0.0/23')).toBe(true);
    expect(allocator.claim('10.244.1.128/25')).toBe(false);
    expect(allocator.claim('10.245.0.0/24')).toBe(false);
    expect(allocator.claim('nonsense')).toBe(false);
    expect(allocator.allocate()).toBe('10.244.2.0/24');
  });

  test('refuses sizes that cannot be', () => {
    expect(() => new NodeCidrAllocator('10.244.0.0/16', 8)).toThrow(RangeError);
    expect(() => new NodeCidrAllocator('10.0.0.0/8', 30)).toThrow(RangeError);
    expect(() => new NodeCidrAllocator('fd00::/64')).toThrow(RangeError);
  });
});
