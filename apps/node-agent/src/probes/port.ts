import { type DeepReadonly } from '#machinery';
import { type IntOrString } from '#api';
import { type ContainerSpec } from '../pods/pod-containers';

/** The number of a port that is given by number or by name. Throws when it is neither. */
export function resolvePort(port: DeepReadonly<IntOrString>, container: ContainerSpec): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new Error(`invalid port number: ${String(port)}`);
  }
  return number;
}
