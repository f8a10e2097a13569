import { type KeyToPath } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, type ObjectMeta } from '#machinery';
import { dnsSubdomain, localUnreservedPath, required } from '../validation/checks';

/** What is known about the pod around a spec: templates are checked less strictly than pods. */
export interface PodContext {
  readonly metadata: DeepReadonly<ObjectMeta> | undefined;
  readonly isTemplate: boolean;
}

export function validateMode(mode: number | undefined, path: FieldPath): FieldError[] {
  return mode === undefined || (mode >= 0 && mode <= 0o777)
    ? []
    : [field.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

export function validateKeyToPath({ key, path, mode }: DeepReadonly<KeyToPath>, place: FieldPath): FieldError[] {
  return [
    ...required(key, place.child('key')),
    ...required(path, place.child('path')),
    ...localUnreservedPath(path ?? '', place.child('path')),
    ...validateMode(mode, place.child('mode')),
  ];
}

/** The name of a CSI driver: what it calls itself, in any case. */
export function validateDriverName(driver: string | undefined, path: FieldPath): FieldError[] {
  if (driver === undefined || driver === '') return [field.required(path)];
  return [
    ...(driver.length > 63 ? [field.tooLong(path, 63)] : []),
    ...dnsSubdomain(driver.toLowerCase(), path).map((error) => ({
      ...error,
      message: error.message.replace(driver.toLowerCase(), driver),
    })),
  ];
}
