// The API over HTTPS, as the kubeconfig says.
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';

const decode = (text) => Buffer.from(text, 'base64');

export class Api {
  constructor(server, kubeconfig) {
    const config = parse(kubeconfig);
    const { user } = config.users[0];
    this.server = server;
    this.agent = new https.Agent({
      keepAlive: true,
      ca: decode(config.clusters[0].cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
  }

  request(method, path, body, onResponse, onError) {
    const patch = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = body === undefined ? {} : { 'content-type': patch };
    const request = https.request(`${this.server}${path}`, { method, agent: this.agent, headers }, onResponse);
    request.on('error', onError);
    request.end(body === undefined ? undefined : JSON.stringify(body));
    return request;
  }

  call(method, path, body) {
    return new Promise((resolve, reject) => {
      const onResponse = (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () => (response.statusCode < 300 ? resolve(JSON.parse(text)) : reject(new Error(text))));
      };
      this.request(method, path, body, onResponse, reject);
    });
  }

  /** Calls back with each event; returns a function that ends it, once it has begun. */
  watch(path, onEvent) {
    return new Promise((resolve, reject) => {
      const request = this.request(
        'GET',
        path,
        undefined,
        (response) => {
          let rest = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            const lines = (rest + chunk).split('\n');
            rest = lines.pop();
            for (const line of lines) onEvent(JSON.parse(line));
          });
          response.on('error', () => undefined);
          resolve(() => request.destroy());
        },
        reject,
      );
    });
  }

  async until(probe, limitMs = 120_000) {
    for (const start = performance.now(); performance.now() - start < limitMs; await sleep(20)) {
      try {
        if (await probe()) return;
      } catch {
        // Not there yet.
      }
    }
    throw new Error('the cluster did not get there in time');
  }

  close() {
    this.agent.destroy();
  }
}
