/**
 * Pure functions on Kubernetes objects: no I/O, no clock of its own, no knowledge of particular kinds.
 */
export { applyConfiguration, type ApplyOptions } from './src/apply/applier';
export { type FieldSet, fieldSetOf } from './src/apply/field-set';
export { updateManagedFields, type VersionView, type WriteContext } from './src/apply/updater';
export {
  type BodyOptions,
  decodeBody,
  type DecodedBody,
  decodingFailed,
  type FieldValidation,
  parseText,
  strictText,
  unregistered,
} from './src/body';
export { type Clock, type Timer, delay, formatMicroTime, formatTime, systemClock } from './src/clock';
export { type Decoded, decodeValue, zeroStruct } from './src/decode';
export {
  alreadyExists,
  badRequest,
  beingDeleted,
  conflict,
  expired,
  forbidden,
  generateNameConflict,
  genericServerResponse,
  gone,
  internalError,
  invalid,
  methodNotSupported,
  notAcceptable,
  notFound,
  optimisticLockText,
  requestEntityTooLarge,
  requestTimeout,
  serverTimeout,
  serviceUnavailable,
  timeout,
  tooManyRequests,
  unauthorized,
  unknownError,
  unsupportedMediaType,
} from './src/errors';
export { aggregate, field, type FieldError, type FieldErrorReason, formatFieldError } from './src/field-errors';
export { FieldPath } from './src/field-path';
export {
  escapeFieldValue,
  type FieldRequirement,
  fieldsMatch,
  formatFieldSelector,
  parseFieldSelector,
} from './src/field-selector';
export { goNumber, goQuote, goValue } from './src/go-text';
export { type IntOrString, scaledValue } from './src/int-or-string';
export { applyJsonPatch, type JsonPatchResult } from './src/json-patch';
export { copyJson, isObject, jsonEquals, type JsonObject } from './src/json-tree';
export { JsonSyntaxError, type ParsedText, parseJson } from './src/json-text';
export {
  formatGroupKind,
  formatGroupResource,
  formatKind,
  type GroupKind,
  type GroupResource,
  type GroupVersionKind,
  type GroupVersionResource,
  kindOf,
} from './src/kinds';
export { type LabelOperator, type LabelRequirement, type Labels, SelectorError } from './src/label-requirement';
export {
  type LabelMatcher,
  type LabelSelector,
  type LabelSelectorRequirement,
  matchEverything,
  labelSelectorMatcher,
  labelsMatcher,
  matchNothing,
  parseLabelSelector,
} from './src/label-selector';
export { validateLabelName, validateLabels, validateLabelSelector } from './src/label-validation';
export { applyMergePatch, createMergePatch, patchObject } from './src/merge-patch';
export {
  inclusiveRangeError,
  isCIdentifier,
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isHttpHeaderName,
  isInRange,
  isPathSegmentName,
  isQualifiedName,
  isRelaxedEnvVarName,
  isValidLabelValue,
  isValidPercent,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
  maskTrailingDash,
  maxLengthError,
  nodeNameOf,
  regexError,
} from './src/names';
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
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  type Quantity,
  QuantityError,
  type QuantityFormat,
  quantityOf,
  quantityToNumber,
  roundQuantityUp,
  subtractQuantities,
  wholeValue,
  zeroQuantity,
} from './src/quantity';
export { DecodeError } from './src/scalars';
export {
  type FieldSchema,
  type ListSchema,
  type ListType,
  type MapSchema,
  type ScalarSchema,
  type Schema,
  type StructSchema,
} from './src/schema';
export {
  ApiError,
  type Status,
  type StatusCause,
  type StatusDetails,
  type StatusReason,
  hasReason,
} from './src/status';
export { applyStrategicMergePatch } from './src/strategic-merge';
export { parseYaml, YamlSyntaxError } from './src/yaml-text';
export { Turns } from './src/turns';
export { type TaintLike, type TolerationLike, isTolerated, tolerates } from './src/tolerations';
