import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { eventually } from '../../tools/eventually';
import { freePorts } from '../../tools/free-ports';
import { type MadeImage, digestOf, mediaTypes } from './made-image';

/** alice's password is wonderland. */
const htpasswd = 'alice:$2y$05$yAX9jOIBNkXHY4PnaWbsLuIFgqr7CGTUmC4ufGv2WJvE1IWuM1Bkq\n';
const authorization = `Basic ${Buffer.from('alice:wonderland').toString('base64')}`;

/** Debian's docker-registry (github.com/distribution/distribution) with a directory and a port of its own. */
export class RegistryProcess {
  private constructor(
    readonly host: string,
    private readonly home: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(isProtected: boolean): Promise<RegistryProcess> {
    const home = mkdtempSync(join(tmpdir(), 'nestor-registry-'));
    const [port] = await freePorts(1);
    writeFileSync(join(home, 'htpasswd'), htpasswd);
    const auth = isProtected ? { auth: { htpasswd: { realm: 'test', path: join(home, 'htpasswd') } } } : {};
    const config = {
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(home, 'data') } },
      http: { addr: `127.0.0.1:${port}` },
      ...auth,
    };
    // YAML takes JSON.
    writeFileSync(join(home, 'config.yml'), JSON.stringify(config));
    const child = spawn('docker-registry', ['serve', join(home, 'config.yml')], { stdio: 'ignore' });
    const registry = new RegistryProcess(`127.0.0.1:${port}`, home, child);
    await eventually(() => registry.call('GET', '/v2/'));
    return registry;
  }

  /** @returns the manifest's digest */
  async push(repository: string, tag: string, image: MadeImage): Promise<string> {
    for (const blob of [image.config, ...image.layers]) {
      const upload = await this.call('POST', `/v2/${repository}/blobs/uploads/`);
      const url = new URL(String(upload['location']), `http://${this.host}`);
      url.searchParams.set('digest', digestOf(blob));
      await this.call('PUT', `${url.pathname}${url.search}`, blob, 'application/octet-stream');
    }
    return this.pushManifest(repository, tag, image.manifest, mediaTypes.manifest);
  }

  async pushManifest(repository: string, tag: string, manifest: Buffer, type: string): Promise<string> {
    await this.call('PUT', `/v2/${repository}/manifests/${tag}`, manifest, type);
    return digestOf(manifest);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
    rmSync(this.home, { recursive: true });
  }

  private async call(method: 'GET' | 'POST' | 'PUT', path: string, body?: Buffer, type?: string) {
    const answer = await request(`http://${this.host}${path}`, {
      method,
      body,
      headers: { authorization, ...(type === undefined ? {} : { 'content-type': type }) },
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return answer.headers;
  }
}
