// `npm run fresh`: a cluster without an engine on a machine that has nothing but Debian's essential packages and Node, in a change of root or, with --vm,
// in a virtual machine with control groups of version 2 alone. See README.md.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const checkout = join(here, '../..');
const { values } = parseArgs({
  options: {
    vm: { type: 'boolean', default: false },
    directory: { type: 'string', default: join(checkout, 'node_modules/.cache/fresh-machine') },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
    release: { type: 'string', default: 'bookworm' },
  },
});
const root = join(values.directory, 'root');
const kernel = join(values.directory, 'kernel');
const call = (program, args, options = {}) => execFileSync(program, args, { encoding: 'utf8', ...options });

/** What needs the network is made once; the rest is of this checkout, each time. */
function prepareRoot() {
  if (!existsSync(join(root, 'opt'))) {
    rmSync(root, { recursive: true, force: true });
    call('debootstrap', ['--variant=minbase', values.release, root, values.mirror], { stdio: 'inherit' });
  }
  const nestor = join(root, 'opt/nestor');
  mkdirSync(nestor, { recursive: true });
  writeFileSync(join(nestor, 'package.json'), '{"name":"fresh","private":true}\n');
  call('npm', ['pack', '--ignore-scripts', '--pack-destination', nestor], { cwd: checkout, stdio: 'ignore' });
  const [tarball] = readdirSync(nestor).filter((name) => name.endsWith('.tgz'));
  rmSync(join(nestor, 'node_modules/nestor'), { recursive: true, force: true });
  call(
    'npm',
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--prefer-offline',
      '--omit=optional',
      join(nestor, tarball),
    ],
    {
      cwd: nestor,
      stdio: 'inherit',
    },
  );
  rmSync(join(nestor, tarball));
  cpSync(realpathSync(process.execPath), join(root, 'usr/bin/node'));
  for (const name of ['boot', 'try', 'ask.mjs']) cpSync(join(here, 'guest', name), join(root, 'opt', name));
  chmodSync(join(root, 'opt/boot'), 0o755);
  cpSync(join(checkout, 'examples/hello/hello.yaml'), join(root, 'opt/hello.yaml'));
}

/** In namespaces of its own, so that what is left over goes with it. */
function changeRoot() {
  const script = `mount --bind "$1" "$1" && cd "$1" && mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev &&
    mount -t tmpfs tmpfs tmp && mkdir -p var/lib/nestor && mount -t tmpfs tmpfs var/lib/nestor && ${loopback} &&
    exec chroot . /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash /opt/try`;
  const namespaces = ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child'];
  return spawn('unshare', [...namespaces, 'bash', '-c', script, 'bash', root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

const loopback = `perl -e 'socket my $any, 2, 2, 0; my $up = pack "a16 s x22", "lo", 1; ioctl $any, 0x8914, $up or die "lo: $!"'`;
const modules = ['virtio_pci', 'virtio_blk', 'overlay', 'bridge', 'veth'];

/** Debian's kernel, and a first root in memory that loads the modules it takes to get at the disk. @returns its version */
function prepareKernel() {
  if (!existsSync(join(kernel, 'boot'))) {
    mkdirSync(kernel, { recursive: true });
    const depends = call('apt-cache', ['depends', 'linux-image-cloud-amd64']);
    const [, name] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
    call('apt-get', ['download', name], { cwd: values.directory, stdio: 'inherit' });
    const [deb] = readdirSync(values.directory).filter((file) => file.startsWith(name));
    call('dpkg-deb', ['-x', join(values.directory, deb), kernel]);
  }
  const [version] = readdirSync(join(kernel, 'lib/modules'));
  call('depmod', ['-b', kernel, version]);
  const first = join(values.directory, 'first');
  rmSync(first, { recursive: true, force: true });
  for (const name of ['bin', 'dev', 'proc', 'sys', 'new', 'modules']) mkdirSync(join(first, name), { recursive: true });
  cpSync('/bin/busybox', join(first, 'bin/busybox'));
  cpSync(join(here, 'guest/init'), join(first, 'init'));
  chmodSync(join(first, 'init'), 0o755);
  const shown = modules.flatMap((name) => [
    ...call('modprobe', ['-d', kernel, '-S', version, '--show-depends', name]).matchAll(/^insmod (\S+)/gm),
  ]);
  const files = [...new Set(shown.map(([, file]) => file))];
  for (const file of files) cpSync(file, join(first, 'modules', basename(file)));
  writeFileSync(join(first, 'modules/order'), files.map((file) => `${basename(file)}\n`).join(''));
  call('sh', ['-c', 'find . | cpio -o -H newc --quiet > ../initrd'], { cwd: first });
  return version;
}

function boot() {
  const version = prepareKernel();
  const disk = join(values.directory, 'disk');
  rmSync(disk, { force: true });
  call('mke2fs', ['-q', '-t', 'ext4', '-d', root, disk, '3g']);
  const files = ['-kernel', join(kernel, `boot/vmlinuz-${version}`), '-initrd', join(values.directory, 'initrd')];
  const machine = ['-accel', 'tcg,thread=multi', '-smp', '2', '-m', '3072', '-nographic', '-no-reboot'];
  const drive = ['-drive', `file=${disk},if=virtio,format=raw,cache=unsafe`];
  const words = ['-append', 'console=ttyS0 panic=-1 quiet random.trust_cpu=on mitigations=off'];
  const stdio = ['ignore', 'pipe', 'inherit'];
  return spawn('qemu-system-x86_64', [...machine, ...files, ...drive, ...words], { stdio });
}

prepareRoot();
const machine = values.vm ? boot() : changeRoot();
let said = '';
machine.stdout.on('data', (chunk) => {
  process.stdout.write(chunk);
  said += chunk;
});
machine.once('close', () => process.exit(said.includes('ALL IS WELL') ? 0 : 1));
