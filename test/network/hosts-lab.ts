import { NamespaceLab } from './namespace-lab';

/** A host of the lab: `host1`, with the pod `pod1`. */
export interface LabHost {
  readonly name: string;
  readonly ip: string;
  readonly podCidr: string;
  readonly pod: string;
  readonly podIp: string;
}

/**
 * Hosts on one network, each with a bridge as Docker makes it (all of the cluster's addresses, and the same address of its own
 * on every host) and a pod:
 *
 *     switch ─┬─ host1 192.0.2.11 ── bridge 10.250.0.1 ── pod1 10.250.1.5
 *             ├─ host2 192.0.2.12 ── bridge 10.250.0.1 ── pod2 10.250.2.5
 *             └─ host3 …
 */
export class HostsLab extends NamespaceLab {
  static readonly clusterCidr = '10.250.0.0/16';
  readonly hosts: readonly LabHost[];

  private constructor(count: number) {
    super();
    this.hosts = Array.from({ length: count }, (_, i) => ({
      name: `host${i + 1}`,
      ip: `192.0.2.${11 + i}`,
      podCidr: `10.250.${i + 1}.0/24`,
      pod: `pod${i + 1}`,
      podIp: `10.250.${i + 1}.5`,
    }));
  }

  static async create(count: number): Promise<HostsLab> {
    const lab = new HostsLab(count);
    try {
      await lab.build();
      return lab;
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  private async build(): Promise<void> {
    await this.add('switch');
    await this.must('switch', 'ip link add br0 type bridge; ip link set br0 up');
    for (const { name, ip, pod, podIp } of this.hosts) {
      await this.add(name);
      await this.link(name, 'switch', `to-${name}`);
      await this.must('switch', `ip link set to-${name} master br0`);
      await this.must(
        name,
        `ip addr add ${ip}/24 dev eth0; ip route add default via 192.0.2.1
         ip link add br0 type bridge; ip addr add 10.250.0.1/16 dev br0; ip link set br0 up
         echo 1 > /proc/sys/net/ipv4/ip_forward`,
      );
      await this.add(pod);
      await this.link(pod, name, 'veth0');
      await this.must(name, 'ip link set veth0 master br0');
      await this.must(pod, `ip addr add ${podIp}/16 dev eth0; ip route add default via 10.250.0.1`);
      await this.serve(pod);
    }
  }
}
