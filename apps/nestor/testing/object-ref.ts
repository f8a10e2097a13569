/** `'deployment/web'`, or in parts; without `apiVersion` the first group that has the kind, without `namespace` `default`. */
export type ObjectRef =
  string | { readonly apiVersion?: string; readonly kind: string; readonly namespace?: string; readonly name: string };
