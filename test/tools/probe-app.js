// Runs in the pods of the service tests: a server that says who it is, and a client that does what the test asks for.
'use strict';
const dgram = require('node:dgram');
const dns = require('node:dns');
const http = require('node:http');
const net = require('node:net');

const port = Number(process.env.PORT ?? 8080);
const name = process.env.POD_NAME;
let isReady = process.env.READY !== 'no';
let isDraining = false;
let load;

const get = (url, agent = false) =>
  new Promise((resolve) => {
    const request = http.get(url, { agent, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('error', (error) => resolve(error.code));
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => {
      resolve('no answer');
      request.destroy();
    });
    request.on('error', (error) => resolve(error.code ?? String(error)));
  });

const udp = ({ host, port: to }) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const end = (answer) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end('no answer'), 2000);
    socket.on('message', (message) => end(String(message)));
    socket.on('error', (error) => end(error.code));
    socket.connect(to, host, (error) => (error ? end(error.code) : socket.send('?')));
  });

/** A query for A records over TCP; the answer's code, number of records and last four bytes: the only record's address. */
const dnsOverTcp = ({ name: question, server }) =>
  new Promise((resolve) => {
    const labels = question.split('.').map((label) => `${String.fromCharCode(label.length)}${label}`);
    const query = Buffer.concat([
      Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
      Buffer.from(`${labels.join('')}\0`, 'latin1'),
      Buffer.from([0, 1, 0, 1]),
    ]);
    const socket = net.connect(53, server, () => socket.write(Buffer.concat([Buffer.from([0, query.length]), query])));
    let data = Buffer.alloc(0);
    socket.on('data', (part) => {
      data = Buffer.concat([data, part]);
      if (data.length < 2 || data.length < data.readUInt16BE(0) + 2) return;
      socket.destroy();
      resolve({ rcode: data[5] & 15, count: data.readUInt16BE(8), last: [...data.subarray(-4)].join('.') });
    });
    socket.on('error', (error) => resolve({ error: error.code }));
  });

const resolver = (method) => (question) =>
  dns.promises[method](question).then(
    (answer) => answer,
    (error) => error.code,
  );

/** Requests without a pause on `clients` connections at a time, until it is stopped. */
const startLoad = ({ url, clients, keepAlive }) => {
  const agent = keepAlive ? new http.Agent({ keepAlive: true, maxSockets: clients }) : false;
  const result = { answers: 0, by: {}, failures: [] };
  let isStopping = false;
  const loop = async () => {
    while (!isStopping) {
      const answer = await get(url, agent);
      const [who, , end] = answer.split(' ');
      if (end !== 'end') result.failures.push(answer);
      result.answers++;
      result.by[who] = (result.by[who] ?? 0) + 1;
    }
  };
  const loops = Promise.all(Array.from({ length: clients }, loop));
  const stop = async () => {
    isStopping = true;
    await loops;
    if (agent) agent.destroy();
    return result;
  };
  return { result, stop };
};

const tasks = {
  get: async ({ url, times = 1 }) => {
    const answers = [];
    for (let i = 0; i < times; i++) answers.push(await get(url));
    return answers;
  },
  udp,
  dnsOverTcp,
  lookup: (question) =>
    dns.promises.lookup(question, { family: 4 }).then(
      ({ address }) => address,
      (error) => error.code,
    ),
  resolve4: resolver('resolve4'),
  resolve6: resolver('resolve6'),
  resolveSrv: resolver('resolveSrv'),
  resolveCname: resolver('resolveCname'),
  reverse: resolver('reverse'),
  setReady: (value) => (isReady = value),
  startLoad: (options) => {
    load = startLoad(options);
  },
  loadSoFar: () => load.result,
  stopLoad: () => load.stop(),
};

const server = http.createServer(async (request, response) => {
  // A client with a connection of its own is told to look for another server.
  if (isDraining) response.setHeader('connection', 'close');
  if (request.url === '/ready') return response.writeHead(isReady ? 200 : 503).end();
  if (request.method !== 'POST') return response.end(`${name} ${request.socket.remoteAddress} end`);
  let body = '';
  for await (const part of request) body += part;
  const { task, options } = JSON.parse(body);
  response.end(JSON.stringify((await tasks[task](options)) ?? null));
});
server.keepAliveTimeout = 60_000;

server.listen(port, '0.0.0.0', () => {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`${name} ${from.address}`, from.port, from.address));
  socket.bind(port, '0.0.0.0');
});

process.on('SIGTERM', () => {
  isDraining = true;
  let idle = 0;
  const look = (error, count) => {
    idle = error || count > 0 ? 0 : idle + 1;
    // Twice: a connection may wait to be accepted.
    if (idle === 2) process.exit(0);
  };
  setInterval(() => server.getConnections(look), 100);
});
