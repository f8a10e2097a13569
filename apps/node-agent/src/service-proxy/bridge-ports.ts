import { isInCidr } from '#network';
import { type Logger } from '#telemetry';
import { type HostFiles } from '../host/host-files';

/**
 * Lets the ports of the pods' bridge send frames back where they came from. When bridges hand frames to the firewall, one that
 * is translated to a pod of the same bridge is not routed but bridged on, and without this a pod that reaches itself through
 * a service would never get its packet (the kubelet's `--hairpin-mode=hairpin-veth`).
 */
export class BridgePorts {
  private done = new Set<string>();

  constructor(
    private readonly clusterCidr: string,
    private readonly files: HostFiles,
    private readonly logger: Logger,
  ) {}

  /** Sets what is new since the last call. To be called before rules with new endpoints are applied; never rejects. */
  async allowHairpin(): Promise<void> {
    const done = new Set<string>();
    try {
      for (const { name, address } of await this.files.interfaces()) {
        if (!isInCidr(address, this.clusterCidr)) continue;
        for (const port of await this.files.list(`/sys/class/net/${name}/brif`)) {
          if (this.done.has(port) || (await this.allow(`/sys/class/net/${name}/brif/${port}/hairpin_mode`)))
            done.add(port);
        }
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'the ports of the bridge cannot be listed');
    }
    this.done = done;
  }

  private async allow(path: string): Promise<boolean> {
    try {
      if ((await this.files.read(path)) !== '1') await this.files.write(path, '1');
      return true;
    } catch (error) {
      // Its pod may just have gone.
      this.logger.debug({ err: error, path }, 'a bridge port cannot be set');
      return false;
    }
  }
}
