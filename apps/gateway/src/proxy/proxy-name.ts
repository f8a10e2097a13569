/** What stands in a path for a pod, Service or node: `name`, `name:port` or `scheme:name:port`. */
export interface ProxyName {
  readonly scheme: '' | 'http' | 'https';
  readonly name: string;
  /** A number or, for Services, a name; '' for what is usual. */
  readonly port: string;
}

const schemes: readonly string[] = ['', 'http', 'https'] satisfies readonly ProxyName['scheme'][];

/** Undefined for anything else. */
export function parseProxyName(text: string): ProxyName | undefined {
  const parts = text.split(':');
  if (parts.length > 3) return undefined;
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (name === '' || !schemes.includes(scheme)) return undefined;
  return { scheme: scheme as ProxyName['scheme'], name, port };
}
