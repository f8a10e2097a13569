import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultLimits, type ImageLimits } from '../options';
import { type DevicePolicy, LayerWriter } from './layer-writer';
import { SpecialFiles } from './special-files';
import { unpack } from './unpack';

/** Directories in which layers are unpacked, beside something that must not change. */
export class LayerLab {
  readonly home = mkdtempSync(join(tmpdir(), 'nestor-layer-'));
  private count = 0;

  constructor() {
    mkdirSync(join(this.home, 'outside'));
    writeFileSync(join(this.home, 'outside/secret'), 'untouched');
  }

  /** Unpacks; resolves with the layer's directory. `lowers`: directories of layers below, the highest first. */
  async unpack(archive: Buffer, options: Options = {}): Promise<string> {
    const { lowers = [], limits = {}, devices = 'ignore' } = options;
    const root = join(this.home, 'store', `${this.count++}`, 'fs');
    const special = join(root, '../special');
    mkdirSync(root, { recursive: true, mode: 0o700 });
    mkdirSync(special);
    const packed = join(root, '../layer');
    writeFileSync(packed, archive);
    const writer = new LayerWriter(root, new SpecialFiles(special), devices);
    try {
      await unpack(packed, writer, { limits: { ...defaultLimits, ...limits }, progress: () => undefined });
      const problem = await writer.finish(lowers);
      if (problem !== undefined) throw new Error(problem);
    } finally {
      await writer.abandon();
    }
    return root;
  }

  /** Everything but the layers, with modes, owners, times and contents. */
  outside(): string {
    const listed = execFileSync('find', [join(this.home, 'outside'), '-printf', '%p %m %U %s %T@ %l\n']).toString();
    return listed + execFileSync('cat', [join(this.home, 'outside/secret')]).toString();
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

interface Options {
  readonly lowers?: readonly string[];
  readonly limits?: Partial<ImageLimits>;
  readonly devices?: DevicePolicy;
}
