import fc from 'fast-check';
import { type Node } from '#api';
import {
  computeOverlay,
  type OverlayDevice,
  overlayDeviceName,
  type OverlayOptions,
  type OverlayPlan,
} from './overlay';
import { overlayChanges, type OverlayState } from './overlay-changes';

const options: OverlayOptions = {
  backend: 'vxlan',
  cluster: 'demo',
  clusterCidr: '10.244.0.0/16',
  localNodes: new Set(['n1']),
  localIp: '192.0.2.1',
};

function node(name: string, ip: string | undefined, ...podCIDRs: string[]): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDRs },
    status: { addresses: ip === undefined ? [] : [{ type: 'InternalIP', address: ip }] },
  };
}

const n1 = node('n1', '192.0.2.1', '10.244.0.0/24');
const n2 = node('n2', '192.0.2.2', '10.244.1.0/24');
const n3 = node('n3', '192.0.2.3', '10.244.2.0/24');

const destinations = ({ routes }: OverlayPlan): string[] => routes.map(({ destination }) => destination);

describe('the plan of a host', () => {
  it('leads to the pods of every other host, by way of its overlay address', () => {
    const plan = computeOverlay([n1, n2, n3], options);
    expect(plan.routes).toEqual([
      { destination: '10.244.1.0/24', gateway: '10.244.1.0', device: overlayDeviceName('demo') },
      { destination: '10.244.2.0/24', gateway: '10.244.2.0', device: overlayDeviceName('demo') },
    ]);
    expect(plan.device).toMatchObject({ address: '10.244.0.0', localIp: '192.0.2.1', port: 8472 });
    expect(plan.forwarding.map(({ ip }) => ip)).toEqual(['192.0.2.2', '192.0.2.3']);
  });

  it('says of a host what that host says of itself', () => {
    const plan = computeOverlay([n1, n2], options);
    const other = computeOverlay([n1, n2], { ...options, localNodes: new Set(['n2']), localIp: '192.0.2.2' });
    expect(plan.neighbours).toEqual([{ ip: other.device?.address, mac: other.device?.mac }]);
    expect(plan.forwarding).toEqual([{ mac: other.device?.mac, ip: other.device?.localIp }]);
    expect(plan.device?.vni).toBe(other.device?.vni);
    expect(plan.device?.mac).not.toBe(other.device?.mac);
  });

  it('does not depend on the order of the nodes', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([n1, n2, n3], { minLength: 3 }), (nodes) => {
        expect(computeOverlay(nodes, options)).toEqual(computeOverlay([n1, n2, n3], options));
      }),
    );
  });

  it('takes several nodes of one host for one neighbour', () => {
    const plan = computeOverlay([n1, n2, node('n2b', '192.0.2.2', '10.244.7.0/24')], options);
    expect(plan.routes.map(({ gateway }) => gateway)).toEqual(['10.244.1.0', '10.244.1.0']);
    expect(plan.neighbours).toHaveLength(1);
  });

  it('knows nodes of this host by name or address', () => {
    const plan = computeOverlay([n1, node('n1b', '192.0.2.1', '10.244.9.0/24'), n2], options);
    expect(destinations(plan)).toEqual(['10.244.1.0/24']);
  });

  it.each<[string, Node[]]>([
    ['there is no other host', [n1]],
    ['this host has no pod addresses yet', [node('n1', '192.0.2.1'), n2]],
  ])('is empty while %s', (_, nodes) => {
    expect(computeOverlay(nodes, options)).toEqual({ routes: [], neighbours: [], forwarding: [] });
  });

  it.each<[string, Node]>([
    ['without an address', node('x', undefined, '10.244.8.0/24')],
    ['with an address that is none', node('x', '1.2.3', '10.244.8.0/24')],
    ['without pod addresses', node('x', '192.0.2.9')],
    ['with pod addresses that are none', node('x', '192.0.2.9', 'pods')],
    ['with pod addresses outside of the cluster', node('x', '192.0.2.9', '10.0.0.0/24')],
    ['with all of the cluster’s addresses', node('x', '192.0.2.9', '10.244.0.0/16')],
    ['with the pod addresses of another', node('x', '192.0.2.9', '10.244.1.128/25')],
    ['with the pod addresses of this one', node('x', '192.0.2.9', '10.244.0.0/24')],
  ])('leaves out a node %s', (_, odd) => {
    expect(computeOverlay([n1, n2, odd], options)).toEqual(computeOverlay([n1, n2], options));
  });

  it('of host-gw is routes by way of the hosts themselves', () => {
    expect(computeOverlay([n1, n2], { ...options, backend: 'host-gw' })).toEqual({
      routes: [{ destination: '10.244.1.0/24', gateway: '192.0.2.2' }],
      neighbours: [],
      forwarding: [],
    });
  });
});

describe('changes', () => {
  const name = overlayDeviceName('demo');
  const host = { name, underlayMtu: 1500 };

  const plans = fc
    .record({
      backend: fc.constantFrom('vxlan' as const, 'host-gw' as const),
      localIp: fc.constantFrom('192.0.2.1', '192.0.2.100'),
      nodes: fc.uniqueArray(
        fc.tuple(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 })).map(([i, host]) => ({ i, host })),
        { selector: ({ i }) => i, maxLength: 6 },
      ),
    })
    .map(({ backend, localIp, nodes }) =>
      computeOverlay([n1, ...nodes.map(({ i, host: by }) => node(`n${i}`, `192.0.2.${by}`, `10.244.${i}.0/24`))], {
        ...options,
        backend,
        localIp,
      }),
    );

  it('lead from any state to any plan, and then there are none', () => {
    fc.assert(
      fc.property(plans, plans, fc.constantFrom(1500, 9000), (before, after, mtu) => {
        const kernel = new Kernel(name);
        kernel.carryOut(overlayChanges(kernel.state(), before, host));
        kernel.carryOut(overlayChanges(kernel.state(), after, { name, underlayMtu: mtu }));
        const { device, ...rest } = kernel.state();
        expect(sorted(rest)).toEqual(sorted({ ...after, device: undefined }));
        if (after.device === undefined) expect(device).toBeUndefined();
        else expect(device).toEqual({ ...after.device, mtu: mtu - 50, isUp: true });
        expect(overlayChanges(kernel.state(), after, { name, underlayMtu: mtu })).toEqual({ ip: [], bridge: [] });
      }),
    );
  });
});

function sorted(plan: Partial<OverlayPlan>): object {
  const by = <T>(list: readonly T[] = []): string[] => list.map((entry) => JSON.stringify(entry)).sort();
  return [by(plan.routes), by(plan.neighbours), by(plan.forwarding)];
}

/** As much of the kernel as the commands touch. Throws where it would refuse. */
class Kernel {
  private device: (OverlayDevice & { mtu: number; isUp: boolean }) | undefined;
  private readonly routes = new Map<string, OverlayPlan['routes'][number]>();
  private readonly neighbours = new Map<string, string>();
  private readonly forwarding = new Map<string, string>();

  constructor(private readonly name: string) {}

  state(): OverlayState {
    return {
      ...(this.device === undefined ? {} : { device: { ...this.device } }),
      routes: [...this.routes.values()],
      neighbours: [...this.neighbours].map(([ip, mac]) => ({ ip, mac })),
      forwarding: [...this.forwarding].map(([mac, ip]) => ({ mac, ip })),
    };
  }

  carryOut({ ip, bridge }: { ip: readonly string[]; bridge: readonly string[] }): void {
    for (const line of ip) this.ip(line.split(' '));
    for (const line of bridge) {
      const [, verb, mac = '', , , , dst = ''] = line.split(' ');
      if (this.device === undefined) throw new Error(`no device: ${line}`);
      if (verb === 'replace') this.forwarding.set(mac, dst);
      else if (!this.forwarding.delete(mac)) throw new Error(`nothing there: ${line}`);
    }
  }

  private ip(words: string[]): void {
    const after = (word: string): string => words[words.indexOf(word) + 1] ?? '';
    const [object, verb, what = ''] = words;
    if (object === 'link' && verb === 'add') {
      if (this.device !== undefined) throw new Error('the device exists');
      this.device = {
        ...{ name: this.name, vni: Number(after('id')), port: Number(after('dstport')), localIp: after('local') },
        ...{ mac: after('address'), mtu: Number(after('mtu')), address: '', isUp: false },
      };
      return;
    }
    if (object !== 'route' && this.device === undefined) throw new Error(`no device: ${words.join(' ')}`);
    if (object === 'link' && verb === 'del') {
      this.device = undefined;
      this.neighbours.clear();
      this.forwarding.clear();
      for (const [key, { device }] of this.routes) if (device !== undefined) this.routes.delete(key);
    } else if (object === 'link') {
      const device = this.device!;
      if (words.includes('up')) this.device = { ...device, isUp: true };
      if (words.includes('mtu')) this.device = { ...device, mtu: Number(after('mtu')) };
      if (words.includes('address')) this.device = { ...device, mac: after('address') };
    } else if (object === 'addr') {
      this.device = { ...this.device!, address: verb === 'add' ? what.replace('/32', '') : '' };
    } else if (object === 'neigh') {
      if (verb === 'replace') this.neighbours.set(what, after('lladdr'));
      else if (!this.neighbours.delete(what)) throw new Error(`no such neighbour: ${what}`);
    } else {
      if (words.includes('dev') && this.device?.isUp !== true) throw new Error('Nexthop has invalid gateway');
      const route = {
        destination: what,
        gateway: after('via'),
        ...(words.includes('dev') ? { device: after('dev') } : {}),
      };
      if (verb === 'replace') this.routes.set(what, route);
      else if (!this.routes.delete(what)) throw new Error(`no such route: ${what}`);
    }
  }
}
