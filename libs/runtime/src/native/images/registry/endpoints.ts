/** How a registry is reached. */
export interface RegistryConfig {
  /** URLs (`https://mirror.example`) that are asked first, in order; what they do not have comes from the registry itself. */
  readonly mirrors?: readonly string[];
  /** HTTP instead of HTTPS. Registries on this machine are always taken so, as containerd does, unless told `false`. */
  readonly plainHttp?: boolean;
  /** Takes any certificate. */
  readonly skipTlsVerify?: boolean;
  /** PEM of authorities to trust in place of the usual ones. */
  readonly ca?: string;
}

export type RegistryConfigs = Readonly<Record<string, RegistryConfig>>;

/** One place to ask. */
export interface Endpoint {
  /** Scheme and host, and for mirrors maybe a path; no slash at the end. */
  readonly base: string;
  readonly isMirror: boolean;
  /** Whether it may send on to, or take tokens from, what is not HTTPS. */
  readonly allowsPlain: boolean;
  readonly skipTlsVerify: boolean;
  readonly ca?: string;
}

const dockerHub = 'registry-1.docker.io';

/** Where to ask for the images of a registry, the registry itself last. Throws on a mirror that is no URL. */
export function endpointsOf(registry: string, configs: RegistryConfigs): Endpoint[] {
  const own = configs[registry] ?? {};
  const mirrors = (own.mirrors ?? []).map((mirror) => {
    const url = new URL(mirror);
    if (!/^https?:$/.test(url.protocol)) throw new Error(`the mirror ${mirror} is neither http nor https`);
    return endpoint(mirror.replace(/\/+$/, ''), true, configs[url.host] ?? {});
  });
  const host = registry === 'docker.io' ? dockerHub : registry;
  const isPlain = own.plainHttp ?? isThisMachine(host);
  return [...mirrors, endpoint(`${isPlain ? 'http' : 'https'}://${host}`, false, own)];
}

function endpoint(base: string, isMirror: boolean, config: RegistryConfig): Endpoint {
  return {
    base,
    isMirror,
    allowsPlain: base.startsWith('http:') || config.skipTlsVerify === true,
    skipTlsVerify: config.skipTlsVerify ?? false,
    ...(config.ca === undefined ? {} : { ca: config.ca }),
  };
}

function isThisMachine(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}
