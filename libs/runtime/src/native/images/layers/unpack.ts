import { createHash } from 'node:crypto';
import { type ImageLimits } from '../options';
import { readTar } from '../tar/tar-reader';
import { decompress, readBlob } from './decompress';
import { UnsafeLayerError } from './layer-tree';
import { type LayerWriter } from './layer-writer';

export interface Unpacked {
  readonly diffId: string;
  /** Of files, as they are in the archive. */
  readonly bytes: number;
}

const ratioMatters = 64 * 2 ** 20;
const mostXattrBytes = 16 * 2 ** 20;

export interface UnpackOptions {
  readonly limits: ImageLimits;
  readonly signal?: AbortSignal;
  /** Bytes read of the packed layer. */
  readonly progress: (bytes: number) => void;
}

/** Reads a layer, packed or not, into the writer. Rejects with `UnsafeLayerError`, `TarError`, or zlib's errors. */
export async function unpack(path: string, writer: LayerWriter, options: UnpackOptions): Promise<Unpacked> {
  const { limits, signal, progress } = options;
  const hash = createHash('sha256');
  let packed = 0;
  let unpacked = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of readBlob(path, signal)) {
      packed += chunk.length;
      progress(packed);
      yield chunk;
    }
  }
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const chunk of decompress(counted())) {
      unpacked += chunk.length;
      if (unpacked > limits.layerBytes) throw tooLarge(limits);
      if (unpacked > ratioMatters && unpacked > packed * limits.ratio) {
        throw new UnsafeLayerError(`the layer is more than ${limits.ratio} times as large as it is packed`);
      }
      hash.update(chunk);
      yield chunk;
    }
  }
  let bytes = 0;
  let entries = 0;
  let xattrBytes = 0;
  for await (const entry of readTar(hashed())) {
    bytes += entry.header.size;
    entries++;
    for (const value of entry.header.xattrs.values()) xattrBytes += value.length;
    if (bytes > limits.layerBytes) throw tooLarge(limits);
    if (entries > limits.layerEntries)
      throw new UnsafeLayerError(`the layer has more than ${limits.layerEntries} entries`);
    if (xattrBytes > mostXattrBytes) throw new UnsafeLayerError('the layer has too many extended attributes');
    await writer.add(entry);
  }
  return { diffId: `sha256:${hash.digest('hex')}`, bytes };
}

/** What a layer's archive is when unpacked, without writing anything. */
export async function diffIdOf(path: string, limits: ImageLimits): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of decompress(readBlob(path))) {
    bytes += chunk.length;
    if (bytes > limits.layerBytes) throw tooLarge(limits);
    hash.update(chunk);
  }
  return `sha256:${hash.digest('hex')}`;
}

function tooLarge({ layerBytes }: ImageLimits): UnsafeLayerError {
  return new UnsafeLayerError(`the layer is larger than ${layerBytes} bytes`);
}
