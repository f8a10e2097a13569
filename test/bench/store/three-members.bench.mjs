// Three members on one machine against three of etcd's; load goes to the leaders. CPU is that of the leader's process.
import { compare } from './measure.mjs';

await compare(3);
