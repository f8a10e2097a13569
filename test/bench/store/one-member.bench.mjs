// One member against etcd's one, on the same disk: ours, then etcd's figure. Needs dist (npm run build), etcd-server and nghttp2-client.
import { compare } from './measure.mjs';

await compare(1);
