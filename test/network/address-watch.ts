import { createInterface } from 'node:readline';
import { type MachinesLab } from './machines-lab';

/** Watches which pod has which address. */
export class AddressWatch {
  readonly clashes: string[] = [];
  seen = 0;
  private readonly holders = new Map<string, string>();

  async start(lab: MachinesLab): Promise<void> {
    const fields = '{.type} {.object.metadata.uid} {.object.status.phase} {.object.status.podIP}{"\\n"}';
    const watch = await lab.kubectlStream(
      'get',
      'pods',
      '-A',
      '-w',
      '--output-watch-events',
      '-o',
      `jsonpath=${fields}`,
    );
    if (watch.stdout === null) throw new Error('no output');
    createInterface({ input: watch.stdout }).on('line', (line) => {
      const [type = '', uid = '', phase = '', ip = ''] = line.split(' ');
      if (ip === '') return;
      const holder = this.holders.get(ip);
      if (type === 'DELETED' || phase === 'Succeeded' || phase === 'Failed') {
        if (holder === uid) this.holders.delete(ip);
      } else if (holder === undefined) {
        this.holders.set(ip, uid);
        this.seen++;
      } else if (holder !== uid) {
        this.clashes.push(`${ip}: ${holder} and ${uid}`);
      }
    });
  }
}
