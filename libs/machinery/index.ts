/**
 * Pure functions on Kubernetes objects: no I/O, no clock of its own, no knowledge of particular kinds.
 */
export { type Clock, type Timer, delay, formatMicroTime, formatTime, systemClock } from './src/clock';
export {
  type DeepReadonly,
  type JsonValue,
  type KubernetesObject,
  type ManagedFieldsEntry,
  type ObjectKey,
  type ObjectMeta,
  type OwnerReference,
  controllerOf,
  deepFreeze,
  formatKey,
  keyOf,
  parseKey,
} from './src/objects';
export {
  type FieldSchema,
  type ListSchema,
  type ListType,
  type MapSchema,
  type ScalarSchema,
  type Schema,
  type StructSchema,
} from './src/schema';
export { ApiError, type Status, type StatusCause, type StatusDetails, type StatusReason, hasReason } from './src/status';
