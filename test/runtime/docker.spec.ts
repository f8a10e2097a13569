import { connectToDocker, createDockerRuntime, type DockerRuntime } from '#runtime';
import { systemClock } from '#machinery';
import { silentLogger } from '#telemetry';
import { describeWith } from '../tools/requirements';
import { describeContainerRuntime } from './container-runtime.contract';

const cluster = `test-${process.pid}-${Date.now().toString(36)}`;
const second = 16 + (process.pid % 200);
let last = 1;
const nextIp = (): string => `10.199.${second}.${++last}`;

describeWith(['docker', 'root'], 'the docker runtime keeps the contract', () => {
  const connection = connectToDocker();
  let runtime: DockerRuntime;

  describeContainerRuntime(async () => {
    await connection.ensureLocalImages();
    runtime = createDockerRuntime({
      cluster,
      node: 'n1',
      clusterCidr: `10.199.${second}.0/24`,
      gateway: `10.199.${second}.1`,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
    });
    return {
      runtime,
      image: 'nestor.local/node',
      nextIp,
      cleanUp: async () => {
        await runtime.close();
        await connection.purgeCluster(cluster);
        connection.close();
      },
    };
  });
});
