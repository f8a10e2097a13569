import { type Endpoint, type EndpointSlice } from '#api';
import fc from 'fast-check';
import { type EndpointGroup, type SlicePlan, planSlices } from './plan-slices';

const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
const endpoint = (n: number, ready = true): Endpoint => ({ addresses: [`10.0.0.${n}`], conditions: { ready } });
const plan = (existing: EndpointSlice[], wanted: Endpoint[], limit: number): SlicePlan => {
  const groups: EndpointGroup[] = wanted.length === 0 ? [] : [{ addressType: 'IPv4', ports, endpoints: wanted }];
  return planSlices({ existing, groups, placeholders: [], limit, isOutdated: () => false });
};

test('whatever there was: every endpoint ends up in exactly one slice, none is too full, and a second plan changes nothing', () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 40 });
  const sizes = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(numbers, numbers, sizes, fc.integer({ min: 1, max: 6 }), (before, after, cuts, max) => {
      const rest = [...before];
      const existing = cuts.map((size, i): EndpointSlice => ({
        metadata: { name: `s${i}` },
        addressType: 'IPv4',
        ports,
        endpoints: rest.splice(0, size).map((n) => endpoint(n)),
      }));
      const wanted = after.map((n) => endpoint(n));
      const { create, update, remove } = plan(existing, wanted, max);
      const touched = new Set([...update.map(({ slice }) => slice), ...remove]);
      const kept = existing.filter((slice) => !touched.has(slice));
      const contents = [
        ...kept.map(({ endpoints = [] }) => endpoints),
        ...update.map(({ content }) => content.endpoints),
        ...create.map(({ endpoints }) => endpoints),
      ];
      const placed = contents.flat().map(({ addresses }) => addresses[0]);
      expect(placed.sort()).toEqual(wanted.map(({ addresses }) => addresses[0]).sort());
      for (const one of contents) {
        expect(one.length).toBeLessThanOrEqual(max);
        expect(one.length).toBeGreaterThan(0);
      }
      const next = contents.map((endpoints, i): EndpointSlice => ({
        metadata: { name: `n${i}` },
        addressType: 'IPv4',
        ports,
        endpoints: endpoints as Endpoint[],
      }));
      expect(plan(next, wanted, max)).toMatchObject({ create: [], update: [], remove: [] });
    }),
  );
});

test('a change of conditions is an update in place', () => {
  const slice: EndpointSlice = {
    metadata: { name: 's' },
    addressType: 'IPv4',
    ports,
    endpoints: [endpoint(1), endpoint(2)],
  };
  const { create, remove, update } = plan([slice], [endpoint(1, false), endpoint(2)], 100);
  expect({ create, remove }).toEqual({ create: [], remove: [] });
  expect(update[0]?.content.endpoints).toEqual([endpoint(1, false), endpoint(2)]);
});
