const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Cluster } = require('nestor/testing');

let cluster;
before(async () => {
  cluster = await Cluster.start();
});

test('a node is ready', () => cluster.waitFor('node/node-1', 'Ready'));

after(async () => {
  await cluster.stop();
  // A closed server tells the event loop in its next turns.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  const left = process
    .getActiveResourcesInfo()
    .filter((name) => !/^(PipeWrap|TTYWrap|FSReqCallback|FSReqPromise|Immediate|CloseReq)$/.test(name));
  assert.deepEqual(left, []);
});
