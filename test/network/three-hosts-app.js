// Runs in the pods of the test of three hosts: a server that says who it is and whom it sees, and a client.
'use strict';
const dgram = require('node:dgram');
const http = require('node:http');

const name = process.env.POD_NAME;

function serve() {
  const server = http.createServer((request, response) => {
    if (request.url.startsWith('/bytes/')) return response.end(Buffer.alloc(Number(request.url.slice(7)), 'x'));
    let received = 0;
    request.on('data', (chunk) => (received += chunk.length));
    request.on('end', () => {
      const client = request.socket.remoteAddress.replace('::ffff:', '');
      response.end(request.method === 'POST' ? String(received) : `${name} ${client}`);
    });
  });
  server.listen(8080);
  const udp = dgram.createSocket('udp4');
  udp.on('message', (message, { address, port }) => udp.send(`${message.length} ${address}`, port, address));
  udp.bind(8080);
  process.on('SIGTERM', () => process.exit(0));
}

/** A connection of its own; the answer, its length if it is long, or the error. */
const ask = (url, body) =>
  new Promise((resolve) => {
    const request = http.request(url, { agent: false, timeout: 5000, method: body === undefined ? 'GET' : 'POST' });
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('error', (error) => resolve(error.code));
      response.on('end', () => resolve(text.length > 1000 ? String(text.length) : text));
    });
    request.on('timeout', () => {
      resolve('no answer');
      request.destroy();
    });
    request.on('error', (error) => resolve(error.code ?? String(error)));
    request.end(body);
  });

const askUdp = (host, size) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const end = (answer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end('no answer'), 2000);
    socket.on('message', (message) => end(String(message)));
    socket.on('error', (error) => end(error.code));
    socket.send(Buffer.alloc(size), 8080, host);
  });

/** `node app.js '[{"url": "http://…", "times": 3}, {"url": …, "post": 100}, {"udp": "10.244.1.2", "size": 100}]'` */
async function answer(questions) {
  const answers = [];
  for (const { url, times = 1, post, udp, size } of questions) {
    for (let i = 0; i < times; i++) {
      const body = post === undefined ? undefined : Buffer.alloc(post, 'x');
      answers.push(udp === undefined ? await ask(url, body) : await askUdp(udp, size));
    }
  }
  console.log(JSON.stringify(answers));
}

if (process.argv[2] === undefined) serve();
else answer(JSON.parse(process.argv[2]));
