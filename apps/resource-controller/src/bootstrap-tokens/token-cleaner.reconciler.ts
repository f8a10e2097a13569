import { resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { type Clock, hasReason, keyOf, parseKey } from '#machinery';
import { type ResourceControllerConfig } from '../identities';
import { isTokenSecret, tokenExpiration } from './token-secret';

/** A timer takes no more than 2³¹ ms. */
const longestWaitMs = 86_400_000;

/** Deletes bootstrap tokens whose time is over (`tokencleaner`). */
@Reconciler({ name: 'token_cleaner' })
export class TokenCleanerReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly clock: Clock;

  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() config: ResourceControllerConfig,
  ) {
    this.client = config.clientAs('token-cleaner');
    this.clock = dependencies.clock;
  }

  watch(watches: Watches): void {
    watches.mapped(resources.secrets, (secret) => (isTokenSecret(secret) ? [keyOf(secret)] : []));
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const name = parseKey(key);
    try {
      const secret = await this.client.get(resources.secrets, name);
      const waitMs = tokenExpiration(secret) - this.clock.now();
      if (waitMs === Infinity) return;
      if (waitMs > 0) return { requeueAfterMs: Math.min(waitMs, longestWaitMs) };
      const { uid, resourceVersion } = secret.metadata ?? {};
      // The version too: somebody may have prolonged it meanwhile.
      await this.client.delete(resources.secrets, name, { preconditions: { uid, resourceVersion } });
    } catch (error) {
      // Gone; or changed, which leads here again.
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}
