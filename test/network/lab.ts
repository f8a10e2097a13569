import { NamespaceLab } from './namespace-lab';

/**
 * A host in a namespace of its own, with a bridge, pods on it, and another machine outside, which knows no route to pods:
 *
 *     outside 192.0.2.2 ── 192.0.2.1 node 10.250.0.1 ── bridge ── a 10.250.0.11, b 10.250.0.12
 */
export class Lab extends NamespaceLab {
  static readonly clusterCidr = '10.250.0.0/16';
  static readonly nodeIp = '192.0.2.1';
  static readonly outsideIp = '192.0.2.2';

  static async create(): Promise<Lab> {
    const lab = new Lab();
    try {
      await lab.build();
      return lab;
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  private async build(): Promise<void> {
    for (const name of ['node', 'outside', 'a', 'b']) {
      await this.add(name);
    }
    await this.must('node', 'ip link add br0 type bridge; ip addr add 10.250.0.1/16 dev br0; ip link set br0 up');
    await this.link('outside', 'node', 'up0');
    await this.must('node', `ip addr add ${Lab.nodeIp}/24 dev up0`);
    await this.must('outside', `ip addr add ${Lab.outsideIp}/24 dev eth0; ip route add 10.96.0.0/16 via ${Lab.nodeIp}`);
    await this.serve('outside');
    await this.serve('node');
    // As Docker leaves a host: forwarding only for what its chains accept.
    await this.must(
      'node',
      'iptables -w -P FORWARD DROP; iptables -w -N DOCKER-USER; iptables -w -A FORWARD -j DOCKER-USER',
    );
    for (const [name, ip] of [
      ['a', '10.250.0.11'],
      ['b', '10.250.0.12'],
    ] as const) {
      await this.link(name, 'node', `v${name}`);
      await this.must('node', `ip link set v${name} master br0`);
      await this.must(name, `ip addr add ${ip}/16 dev eth0; ip route add default via 10.250.0.1`);
      await this.serve(name);
    }
  }
}
