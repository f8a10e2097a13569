import { type KubernetesObject } from '#machinery';
import { type ResourceStrategy } from '../strategy';

/** The part of a strategy that says what a kind's objects may be; spread into the strategy. */
export type Validation<T extends KubernetesObject> = Pick<
  ResourceStrategy<T>,
  'validateCreate' | 'validateUpdate' | 'warningsOnCreate' | 'warningsOnUpdate'
>;
