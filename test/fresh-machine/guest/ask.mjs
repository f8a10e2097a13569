// Creates what a file has, and asks port 30080 until three pods have answered.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { parse, parseAllDocuments } = createRequire('/opt/nestor/node_modules/nestor/package.json')('yaml');
const [kubeconfig, manifests] = process.argv.slice(2);
const deadline = Date.now() + 1_200_000;

const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'));
const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
const { 'client-certificate-data': cert, 'client-key-data': key } = users[0].user;
const [caBytes, certBytes, keyBytes] = [ca, cert, key].map((text) => Buffer.from(text, 'base64'));
const collections = {
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  Service: '/api/v1/namespaces/default/services',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
};

function create(object) {
  const options = { method: 'POST', ca: caBytes, cert: certBytes, key: keyBytes };
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const url = `${server}${collections[object.kind]}`;
    const request = https.request(url, { ...options, headers }, (response) => {
      response.resume();
      if (response.statusCode === 201 || response.statusCode === 409) response.once('end', resolve);
      else reject(new Error(`${object.kind}: ${response.statusCode}`));
    });
    request.once('error', reject);
    request.end(JSON.stringify(object));
  });
}

/** Again and again: the cluster may be about to start. */
async function until(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(500);
    }
  }
}

for (const document of parseAllDocuments(readFileSync(manifests, 'utf8'))) await until(() => create(document.toJS()));
const answers = new Set();
await until(async () => {
  const answer = await (await fetch('http://127.0.0.1:30080', { headers: { connection: 'close' } })).text();
  if (!answers.has(answer)) process.stdout.write(answer);
  answers.add(answer);
  if (answers.size < 3) throw new Error(`${answers.size} pods have answered`);
});
