import { ask } from '../control-socket';
import { dataDirectory } from '../data-directory';
import { holderOf } from '../directory-holder';
import { describe } from '../report';
import { UserError } from '../user-error';

/** Tells what runs on the data directory; fails if nothing does. */
export async function status(options: { dataDir: string }): Promise<void> {
  const directory = dataDirectory(options.dataDir);
  const report = await ask(directory.socket, 'report');
  if (report !== undefined) {
    console.log(describe(report, Date.now()));
    return;
  }
  const holder = await holderOf(directory);
  if (holder !== undefined) throw new UserError(`process ${holder.pid} holds ${directory.root} but does not answer`);
  throw new UserError(`no cluster is running on ${directory.root}; start it with: nestor up`);
}
