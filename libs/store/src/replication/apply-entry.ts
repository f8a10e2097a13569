import { type ConfChange, decodeConfChange, type Entry } from '#raft';
import { type Command } from '../command';
import { decodeCommand } from '../command-codec';
import { StoreError } from '../key-value-store';
import { type Outcome, type StateMachine } from '../state-machine';
import { decodeEntryData } from './entry-data';
import { type MemberChange } from './membership';

/** What became of an entry. `request` begins with the id of who asked for it. */
export type Applied =
  | { readonly type: 'nothing' }
  | { readonly type: 'command'; readonly request: Buffer; readonly command: Command; readonly outcome: Outcome }
  | {
      readonly type: 'member-change';
      readonly request: Buffer;
      readonly change: MemberChange;
      /** Why it was refused; it has changed nothing then, and Raft's configuration must not change either. */
      readonly error?: StoreError;
      /** To be told to Raft. */
      readonly confChange?: ConfChange;
    };

/**
 * The state machine's next step, the same on every member and after every restart.
 *
 * @param known a command that this member still has as it was decoded
 * @throws on a bug or garbage, after which the state cannot be trusted
 */
export function applyEntry(
  machine: StateMachine,
  entry: Entry,
  known: (request: Buffer) => Command | undefined = () => undefined,
): Applied {
  const { index, term, type } = entry;
  if (index !== machine.appliedIndex + 1) throw new Error(`entry ${index} applied after ${machine.appliedIndex}`);
  if (entry.data.length === 0) {
    machine.skip(index, term);
    return { type: 'nothing' };
  }
  const confChange = type === 'conf-change' ? decodeConfChange(entry.data) : undefined;
  const request = confChange?.context ?? entry.data;
  const own = known(request);
  if (own !== undefined) return { type: 'command', request, command: own, outcome: machine.apply(index, term, own) };
  const { change, start } = decodeEntryData(request);
  if (change === undefined) {
    const command = decodeCommand(request, start);
    return { type: 'command', request, command, outcome: machine.apply(index, term, command) };
  }
  machine.skip(index, term);
  try {
    machine.membership.apply(change);
    return { type: 'member-change', request, change, confChange };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { type: 'member-change', request, change, error };
  }
}
