import { systemClock } from '#machinery';
import { type ConnectStoreOptions, connectStore, type KeyValueStore } from '#store';
import { silentLogger } from '#telemetry';

/** A client as an app would make it. */
export function connect(
  endpoints: readonly string[],
  options: Partial<ConnectStoreOptions> = {},
): Promise<KeyValueStore> {
  return connectStore({ endpoints, clock: systemClock, random: Math.random, logger: silentLogger(), ...options });
}
