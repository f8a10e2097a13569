/** In Go's words (OCI image index, "platform"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', loong64: 'loong64' };

/** Of images that run on this machine. */
export function machinePlatform(arch: string = process.arch): Platform {
  if (arch === 'arm') return { os: 'linux', architecture: 'arm', variant: 'v7' };
  return normalizePlatform({ os: 'linux', architecture: architectures[arch] ?? arch });
}

/** Other spellings of the same platform. */
export function normalizePlatform({ os, architecture, variant = '' }: Platform): Platform {
  const spelled: Readonly<Record<string, readonly [string, string]>> = {
    x86_64: ['amd64', ''],
    'x86-64': ['amd64', ''],
    aarch64: ['arm64', 'v8'],
    armhf: ['arm', 'v7'],
    armel: ['arm', 'v6'],
  };
  const [name, implied] = spelled[architecture] ?? [architecture, variant];
  const fallback = name === 'arm64' ? 'v8' : name === 'arm' ? 'v7' : name === 'amd64' ? 'v1' : '';
  const numbered = /^[0-9]+$/.test(implied) ? `v${implied}` : implied;
  const level = numbered === '' ? fallback : numbered;
  return { os: os.toLowerCase(), architecture: name, ...(level === '' ? {} : { variant: level }) };
}

/** How well an image of that platform suits this one: larger is better, undefined: it does not run. Lower variants run on higher ones. */
export function suits(image: Platform, machine: Platform): number | undefined {
  const theirs = normalizePlatform(image);
  const ours = normalizePlatform(machine);
  if (theirs.os !== ours.os || theirs.architecture !== ours.architecture) return undefined;
  const level = levelOf(theirs);
  return level > levelOf(ours) ? undefined : level;
}

function levelOf({ variant = 'v0' }: Platform): number {
  const level = Number(variant.slice(1));
  return Number.isFinite(level) ? level : 0;
}
