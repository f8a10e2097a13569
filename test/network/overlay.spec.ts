import { type Node } from '#api';
import { computeOverlay, type OverlayBackend, overlayDeviceName } from '#network';
import { silentLogger } from '#telemetry';
import { createOverlayHost, type OverlayHost, removeOverlay } from '../../apps/node-agent';
import { eventually } from '../tools/eventually';
import { HostsLab, type LabHost } from './hosts-lab';
import { canMakeNamespaces } from './namespace-lab';

const cluster = 'lab';
const { clusterCidr } = HostsLab;
const suite = canMakeNamespaces() ? describe : describe.skip;

function nodeOf({ name, ip, podCidr }: LabHost): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
    status: { addresses: [{ type: 'InternalIP', address: ip }] },
  };
}

suite.each<OverlayBackend>(['vxlan', 'host-gw'])('three hosts, with %s', (backend) => {
  let lab: HostsLab;
  let overlays: ReadonlyMap<string, OverlayHost>;
  const optionsFor = (host: LabHost) => ({
    ...{ cluster, clusterCidr, localIp: host.ip, logger: silentLogger() },
    run: lab.run(host.name),
    files: filesOf(lab, host.name),
  });
  /** What each host's agent does when it hears of these nodes. */
  const apply = async (nodes: readonly Node[], hosts = lab.hosts): Promise<void> => {
    for (const host of hosts) {
      const options = { backend, cluster, clusterCidr, localNodes: new Set([host.name]), localIp: host.ip };
      await overlays.get(host.name)?.apply(computeOverlay(nodes, options));
    }
  };
  const all = (): Node[] => lab.hosts.map(nodeOf);
  const state = (host: string): Promise<string> =>
    lab.must(host, 'ip -4 route; ip neigh show nud permanent; bridge fdb show; ip -4 -o addr; ip -o link');

  beforeAll(async () => {
    lab = await HostsLab.create(3);
    overlays = new Map(lab.hosts.map((host) => [host.name, createOverlayHost(optionsFor(host))]));
    await apply(all());
  });
  afterAll(() => lab.destroy());

  test('pod to pod on every other host, each with its own address', async () => {
    for (const from of lab.hosts) {
      for (const to of lab.hosts) {
        if (from !== to) expect(await lab.get(from.pod, `${to.podIp}:8080`)).toBe(`${to.pod} ${from.podIp}`);
      }
    }
  });

  test('over UDP, too', async () => {
    const [a, b] = lab.hosts;
    expect(await lab.getUdp(a!.pod, b!.podIp, 8080)).toBe(`${b!.pod} ${a!.podIp}`);
  });

  test('host to pod of another host, with an address that only this host has', async () => {
    const [a, b] = lab.hosts;
    const seen = await lab.get(a!.name, `${b!.podIp}:8080`);
    expect(seen).toBe(`${b!.pod} ${backend === 'vxlan' ? '10.250.1.0' : a!.ip}`);
  });

  test('packets of every size pass', async () => {
    const [a, b] = lab.hosts;
    if (backend === 'vxlan') {
      expect(await lab.must(a!.name, `cat /sys/class/net/${overlayDeviceName(cluster)}/mtu`)).toBe('1450\n');
    }
    // Larger than the overlay takes: the host says so, and TCP and `ping` make them smaller.
    await lab.must(a!.pod, `busybox ping -c 1 -W 2 -s 1400 ${b!.podIp}`);
    await lab.must(a!.pod, `busybox ping -c 1 -W 2 -s 3000 ${b!.podIp}`);
    const script = `require('node:http').get('http://${b!.podIp}:8080/' + 'x'.repeat(7000), (a) => a.resume().on('end', () => console.log('done')))`;
    const { stdout } = await lab.run(a!.pod)([process.execPath, '-e', script]);
    expect(stdout).toBe('done\n');
  });

  test('what is right is left alone', async () => {
    const before = await state('host1');
    const commands: string[] = [];
    const [host] = lab.hosts;
    const run = lab.run(host!.name);
    const watched = createOverlayHost({
      ...optionsFor(host!),
      run: (argv, input) => {
        if (argv.includes('-batch')) commands.push(`${argv.join(' ')} ${input}`);
        return run(argv, input);
      },
    });
    const options = { backend, cluster, clusterCidr, localNodes: new Set([host!.name]), localIp: host!.ip };
    await watched.apply(computeOverlay(all(), options));
    expect(commands).toEqual([]);
    expect(await state('host1')).toBe(before);
  });

  test('what somebody took away comes back', async () => {
    const [a, b] = lab.hosts;
    await lab.must(a!.name, `ip route del ${b!.podCidr}`);
    if (backend === 'vxlan') {
      await lab.must(
        a!.name,
        `bridge fdb flush dev ${overlayDeviceName(cluster)} self; ip link set ${overlayDeviceName(cluster)} down`,
      );
    }
    await apply(all(), [a!]);
    expect(await lab.get(a!.pod, `${b!.podIp}:8080`)).toBe(`${b!.pod} ${a!.podIp}`);
  });

  test('a host that is cut off is missed, and is back by itself', async () => {
    const [a, b, c] = lab.hosts;
    await lab.must('switch', `ip link set to-${b!.name} down`);
    expect(await lab.get(a!.pod, `${b!.podIp}:8080`)).toMatch(/no answer|EHOSTUNREACH/);
    expect(await lab.get(a!.pod, `${c!.podIp}:8080`)).toBe(`${c!.pod} ${a!.podIp}`);
    await lab.must('switch', `ip link set to-${b!.name} up`);
    await eventually(async () => expect(await lab.get(a!.pod, `${b!.podIp}:8080`)).toBe(`${b!.pod} ${a!.podIp}`));
  });

  test('a node that moves to another host is found there', async () => {
    const [a, b, c] = lab.hosts;
    const moved = { ...nodeOf(b!), status: { addresses: [{ type: 'InternalIP' as const, address: c!.ip }] } };
    await apply([nodeOf(a!), moved, nodeOf(c!)], [a!]);
    const routes = await lab.must(a!.name, 'ip -4 route');
    const ways = routes.split('\n').filter((line) => line.startsWith('10.250.') && line.includes('proto 78'));
    expect(new Set(ways.map((line) => / via (\S+)/.exec(line)?.[1])).size).toBe(1);
    await apply(all(), [a!]);
    expect(await lab.get(a!.pod, `${b!.podIp}:8080`)).toBe(`${b!.pod} ${a!.podIp}`);
  });

  test('a node that is gone has no route, and with the last one nothing is left', async () => {
    const [a, b, c] = lab.hosts;
    await apply([nodeOf(a!), nodeOf(c!)], [a!]);
    expect(await lab.must(a!.name, 'ip -4 route')).not.toContain(b!.podCidr);
    expect(await lab.get(a!.pod, `${c!.podIp}:8080`)).toBe(`${c!.pod} ${a!.podIp}`);
    await removeOverlay(optionsFor(a!));
    await removeOverlay(optionsFor(a!));
    expect(await lab.must(a!.name, 'ip -4 route; ip -o link')).not.toMatch(/proto 78|vxlan|nsv/);
    await apply(all(), [a!]);
    expect(await lab.get(a!.pod, `${b!.podIp}:8080`)).toBe(`${b!.pod} ${a!.podIp}`);
  });
});

/** /proc/sys of a host's own namespace. */
function filesOf(lab: HostsLab, host: string) {
  return {
    read: async (path: string) => (await lab.must(host, `cat ${path}`)).trim(),
    write: async (path: string, value: string) => void (await lab.must(host, `echo ${value} > ${path}`)),
    list: () => Promise.resolve([]),
    interfaces: () => Promise.resolve([]),
  };
}
