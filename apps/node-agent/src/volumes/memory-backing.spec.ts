import { type Logger, silentLogger } from '#telemetry';
import { MemoryBacking } from './memory-backing';

const isRoot = process.getuid?.() === 0;

describe('memory for secrets', () => {
  (isRoot ? it : it.skip)('mounts each directory', async () => {
    const mounted: string[] = [];
    const memory = new MemoryBacking(silentLogger(), async (directory) => void mounted.push(directory));
    await memory.ensure('/nowhere/a');
    await memory.ensure('/nowhere/b');
    // What is a mount point already is found in the kernel's table.
    await memory.ensure('/');
    expect(mounted).toEqual(['/nowhere/a', '/nowhere/b']);
  });

  (isRoot ? it : it.skip)('says once that it may not mount, and goes on without', async () => {
    const warn = jest.fn();
    const mountTmpfs = jest.fn().mockRejectedValue(new Error('permission denied'));
    const memory = new MemoryBacking({ warn } as unknown as Logger, mountTmpfs);
    await memory.ensure('/nowhere/a');
    await memory.ensure('/nowhere/b');
    expect(mountTmpfs).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
