// Informers of pods in a process of their own, each with a connection of its own where there is a broker. Told what to do by its parent:
// `{ open: 20 }` opens so many, `{ until: revision }` answers when all have it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const load = (name) => require(`../../../dist/libs/${name}/index.js`);
const { createNatsBus } = load('bus');
const { obtainBusIdentity } = load('client');
const { createInformerFactory } = load('controller');
const { systemClock: clock } = load('machinery');
const { ClientFactory, processUser, users } = load('process');
const { silentLogger } = load('telemetry');
const { resources } = load('api');

const common = { clock, random: Math.random, logger: silentLogger() };

/** Answers the parent; @param busFor makes the bus of one informer: `{ bus, user, sender? }` */
export function serveInformers(busFor) {
  const informers = [];
  const act = async ({ open, until }) => {
    if (open !== undefined) {
      for (let i = 0; i < open; i++) {
        const { bus, user, sender } = await busFor();
        const client = new ClientFactory({ bus, ...common, ...(sender === undefined ? {} : { sender }) }).as(
          user,
          'bench',
        );
        informers.push(createInformerFactory({ bus, client, ...common }).informer(resources.pods));
      }
    }
    await Promise.all(informers.map((informer) => informer.waitFor(until ?? 0)));
    process.send({ done: true });
  };
  process.on('message', (message) => {
    act(message).catch((error) => process.send({ error: String(error) }));
  });
}

/** `{ servers, tls: { ca, cert, key } }`: the scheduler's, who may watch pods. */
if (process.env.BENCH_INFORMERS !== undefined) {
  const { servers, tls: files } = JSON.parse(process.env.BENCH_INFORMERS);
  const tls = () => ({
    caPem: readFileSync(files.ca, 'utf8'),
    certificatePem: readFileSync(files.cert, 'utf8'),
    keyPem: readFileSync(files.key, 'utf8'),
  });
  const sender = processUser('scheduler');
  const identity = obtainBusIdentity({ servers, tls, user: sender, userAgent: 'bench/1', ...common });
  serveInformers(async () => {
    const who = await identity;
    const bus = await createNatsBus({ servers: who.servers, name: 'bench', identity: who, tls, ...common });
    return { bus, user: users.scheduler, sender };
  });
}
