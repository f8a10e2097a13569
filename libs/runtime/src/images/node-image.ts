import { createHash } from 'node:crypto';
import { access, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ImageFile, type LocalImage } from './docker-archive';
import { type Architecture } from './pause-program';
import { librariesOf, unusualDirectories } from './shared-libraries';

const run = promisify(execFile);

/** Changes with what is made below, so that an image of an older Nestor is not taken for today's. */
const layout = 'node-image-2';
const repository = 'nestor.local/node';
const nodeUser = 1000;
const busyboxPath = '/bin/busybox';

/** Without busybox: what examples and `kubectl exec`, `cp` and probes need; what is missing is left out, except the first. */
const wanted = [
  'sh',
  'tar',
  'ls',
  'cat',
  'sleep',
  'echo',
  'env',
  'id',
  'hostname',
  'grep',
  'mkdir',
  'rm',
  'cp',
  'mv',
  'touch',
  'date',
  'ps',
  'head',
  'tail',
  'wc',
  'true',
  'false',
  'kill',
  'test',
];

const passwd = `root:x:0:0:root:/root:/bin/sh\nnode:x:${nodeUser}:${nodeUser}:node:/home/node:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`;
const group = `root:x:0:\nnode:x:${nodeUser}:\nnogroup:x:65534:\n`;
/** libc asks files, then DNS. */
const nsswitch = 'passwd: files\ngroup: files\nhosts: files dns\n';

/** Plugins that older C libraries load by name, invisible to `ldd`. */
const resolverPlugins = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

const certificateFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

interface Program {
  /** In the image. */
  readonly path: string;
  /** On this machine. */
  readonly source: string;
}

export interface NodeImage {
  /** Of the content: the same files on this machine give the same key. */
  readonly key: string;
  readonly tags: readonly string[];
  /** Reads what goes into it. */
  build(): Promise<LocalImage>;
}

/**
 * The image `nestor.local/node`: the running Node with its shared libraries, CA certificates and a small shell, all from this machine. Planning it reads no file
 * and runs no program, so that it can be compared with what the engine has at every start; a library that changed alone does not make it anew.
 */
export async function planNodeImage(architecture: Architecture): Promise<NodeImage> {
  const programs = await findPrograms();
  const sources = await Promise.all(programs.map(withSize));
  const description = JSON.stringify([layout, process.version, architecture, sources]);
  const key = createHash('sha256').update(description).digest('hex').slice(0, 12);
  const [major = ''] = process.versions.node.split('.');
  const tags = [`${repository}:latest`, `${repository}:${major}`, `${repository}:${key}`];
  return { key: `${repository}:${key}`, tags, build: () => build(architecture, tags, programs) };
}

async function build(
  architecture: Architecture,
  tags: readonly string[],
  programs: readonly Program[],
): Promise<LocalImage> {
  const libraries = await librariesOf(programs.map(({ source }) => source));
  const all = [...libraries, ...(await pluginsBeside(libraries))].map((library) => ({
    path: library,
    source: library,
  }));
  const copied = await Promise.all([...programs, ...all].map(withSize));
  const files = copied.map(({ path: target, source, size }): ImageFile => ({
    path: target,
    source,
    size,
    mode: 0o755,
  }));
  const unusual = unusualDirectories(libraries);
  return {
    architecture,
    tags,
    files: withDirectories([...files, ...(await applets(programs)), ...(await fixedFiles())]),
    config: {
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        `NODE_VERSION=${process.versions.node}`,
        'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
        ...(unusual.length === 0 ? [] : [`LD_LIBRARY_PATH=${unusual.join(':')}`]),
      ],
      Cmd: ['node'],
      WorkingDir: '/',
      Labels: { 'nestor.dev/local-image': 'node' },
    },
  };
}

async function withSize(program: Program): Promise<Program & { readonly size: number; readonly mtimeMs: number }> {
  const { size, mtimeMs } = await stat(program.source);
  return { ...program, size, mtimeMs };
}

async function findPrograms(): Promise<Program[]> {
  const node = { path: '/usr/local/bin/node', source: process.execPath };
  const busybox = await which('busybox');
  if (busybox !== undefined) return [node, { path: busyboxPath, source: busybox }];
  const found = await Promise.all(wanted.map(async (name) => ({ name, source: await which(name) })));
  if (found[0]?.source === undefined) {
    throw new Error('this machine has neither busybox nor sh: nestor.local/node cannot be made');
  }
  return [
    node,
    ...found.flatMap(({ name, source }) => (source === undefined ? [] : [{ path: `/bin/${name}`, source }])),
  ];
}

/** busybox is every program that it is called by the name of. */
async function applets(programs: readonly Program[]): Promise<ImageFile[]> {
  const busybox = programs.find(({ path: target }) => target === busyboxPath);
  if (busybox === undefined) return [];
  const { stdout } = await run(busybox.source, ['--list']);
  const names = stdout.split('\n').filter((name) => /^[a-z0-9][\w.-]*$/i.test(name) && name !== 'busybox');
  return names.map((name) => ({ path: `/bin/${name}`, linkTo: 'busybox' }));
}

async function which(name: string): Promise<string | undefined> {
  for (const directory of [
    '/bin',
    '/usr/bin',
    '/usr/local/bin',
    ...(process.env['PATH'] ?? '').split(path.delimiter),
  ]) {
    const file = path.join(directory, name);
    if (await exists(file)) return file;
  }
  return undefined;
}

async function pluginsBeside(libraries: readonly string[]): Promise<string[]> {
  const libc = libraries.find((library) => path.basename(library) === 'libc.so.6');
  if (libc === undefined) return [];
  const candidates = resolverPlugins.map((name) => path.join(path.dirname(libc), name));
  const present = await Promise.all(candidates.map(exists));
  return candidates.filter((candidate, index) => present[index] === true && !libraries.includes(candidate));
}

async function fixedFiles(): Promise<ImageFile[]> {
  const file = (target: string, text: string | Buffer): ImageFile => ({
    path: target,
    mode: 0o644,
    content: Buffer.from(text),
  });
  const directory = (target: string, mode = 0o755, owner?: number): ImageFile => ({
    path: target,
    mode,
    isDirectory: true,
    ...(owner === undefined ? {} : { owner }),
  });
  return [
    directory('/tmp', 0o1777),
    directory('/var/tmp', 0o1777),
    directory('/run'),
    directory('/root', 0o700),
    directory('/home/node', 0o755, nodeUser),
    file('/etc/passwd', passwd),
    file('/etc/group', group),
    file('/etc/nsswitch.conf', nsswitch),
    file('/etc/ssl/certs/ca-certificates.crt', await certificates()),
  ];
}

/** This machine's, with what its administrator added; else those that Node brings along. */
async function certificates(): Promise<string | Buffer> {
  for (const file of certificateFiles) if (await exists(file)) return readFile(file);
  return `${tls.rootCertificates.join('\n')}\n`;
}

/** Parents come first, each once. */
function withDirectories(files: readonly ImageFile[]): ImageFile[] {
  const present = new Set(files.flatMap((file) => ('isDirectory' in file ? [file.path] : [])));
  const missing = new Map<string, ImageFile>();
  for (const { path: target } of files) {
    for (let parent = path.dirname(target); parent !== '/'; parent = path.dirname(parent)) {
      if (!present.has(parent)) missing.set(parent, { path: parent, mode: 0o755, isDirectory: true });
    }
  }
  const depth = (file: ImageFile): number => ('isDirectory' in file ? file.path.split('/').length : Infinity);
  return [...missing.values(), ...files].sort((a, b) => Math.min(depth(a), 1e6) - Math.min(depth(b), 1e6));
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return false;
    throw error;
  }
}
