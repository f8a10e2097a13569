import { freePorts } from '../../apps/nestor/src/free-ports';

export { freePorts };

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}
