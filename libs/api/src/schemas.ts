import { type StructSchema } from '#machinery';
import { packages } from './generated/definitions';
import { linkSchemas } from './link';
import { formatGroupVersion } from './resource';

/** Definitions of `metav1` are named by no group version but usable in each (`DeleteOptions` in `apps/v1`). */
export const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';

let linked: ReadonlyMap<string, StructSchema> | undefined;

/** Every built-in definition by its OpenAPI name. Linked on first use, about 10 ms; the same objects from then on. */
export function allSchemas(): ReadonlyMap<string, StructSchema> {
  return (linked ??= linkSchemas());
}

/** `io.k8s.api.apps.v1.Deployment`, or undefined for a group version that is not built in. */
export function definitionName(group: string, version: string, kind: string): string | undefined {
  const goPackage = packages[formatGroupVersion(group, version)];
  return goPackage === undefined ? undefined : `${goPackage}.${kind}`;
}

/** The schema of a built-in kind, or of a kind of `metav1` (`Status`, `DeleteOptions`) in a built-in group version. */
export function findSchema(group: string, version: string, kind: string): StructSchema | undefined {
  const name = definitionName(group, version, kind);
  if (name === undefined) return group === 'meta.k8s.io' ? allSchemas().get(`${metaPackage}.${kind}`) : undefined;
  return allSchemas().get(name) ?? allSchemas().get(`${metaPackage}.${kind}`);
}

/** As `findSchema`, for kinds that are known to be built in: throws for others. */
export function schemaFor(group: string, version: string, kind: string): StructSchema {
  const schema = findSchema(group, version, kind);
  if (schema === undefined) throw new TypeError(`${formatGroupVersion(group, version)} has no built-in kind ${kind}`);
  return schema;
}
