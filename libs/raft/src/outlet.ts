import { type Core } from './core';
import { type HardState } from './entry';
import { type Message } from './message';
import { type Ready, type SoftState } from './ready';

/** Hands out what the driver has to do, and learns that it is done. One `Ready` at a time is open. */
export class Outlet {
  /** As the driver knows them. */
  private softState: SoftState;
  private hardState: HardState;
  private open: { readonly ready: Ready; readonly own: readonly Message[] } | undefined;

  constructor(private readonly core: Core) {
    this.softState = { leader: core.leader, role: core.role };
    this.hardState = core.config.storage.initialState().hardState;
  }

  get isOpen(): boolean {
    return this.open !== undefined;
  }

  hasReady(): boolean {
    const { core } = this;
    return (
      core.messages.length > 0 ||
      core.messagesAfterPersist.length > 0 ||
      core.readStates.length > 0 ||
      !core.log.unstable.isEmpty() ||
      core.log.unstable.snapshot !== undefined ||
      core.log.hasCommittedEntries() ||
      this.changedHardState() !== undefined ||
      this.changedSoftState() !== undefined
    );
  }

  ready(): Ready {
    if (this.open !== undefined) throw new Error('the last Ready has not been advanced');
    const { core } = this;
    const { log } = core;
    const softState = this.changedSoftState();
    const hardState = this.changedHardState();
    const entries = log.unstable.all();
    const { snapshot } = log.unstable;
    const isVoteOrTerm =
      hardState !== undefined && (hardState.term !== this.hardState.term || hardState.vote !== this.hardState.vote);
    const committedEntries = log.committedEntries(core.config.maxBytesPerReady);
    // A member that forgot who votes could not be elected any more by those who know.
    const isConfChange = committedEntries.some(({ type }) => type === 'conf-change');
    const { messages, messagesAfterPersist, readStates } = core;
    core.messages = [];
    core.messagesAfterPersist = [];
    core.readStates = [];
    this.softState = softState ?? this.softState;
    this.hardState = hardState ?? this.hardState;
    const ready: Ready = {
      softState,
      hardState,
      entries,
      snapshot,
      messages,
      messagesAfterPersist: messagesAfterPersist.filter(({ to }) => to !== core.id),
      committedEntries,
      readStates,
      mustSync: entries.length > 0 || snapshot !== undefined || isVoteOrTerm || isConfChange,
    };
    // What this member promises itself it may believe when it is durable.
    this.open = { ready, own: messagesAfterPersist.filter(({ to }) => to === core.id) };
    return ready;
  }

  advance(): { readonly ready: Ready; readonly own: readonly Message[] } {
    const { open, core } = this;
    if (open === undefined) throw new Error('there is no Ready to advance');
    const { log } = core;
    const { snapshot, entries, committedEntries } = open.ready;
    const last = entries.at(-1);
    if (last !== undefined) log.persisted(last);
    if (snapshot !== undefined) {
      log.unstable.installed(snapshot);
      log.applied = snapshot.index;
    }
    log.applied = committedEntries.at(-1)?.index ?? log.applied;
    this.open = undefined;
    return open;
  }

  private changedSoftState(): SoftState | undefined {
    const { leader, role } = this.core;
    return leader === this.softState.leader && role === this.softState.role ? undefined : { leader, role };
  }

  private changedHardState(): HardState | undefined {
    const { term, vote, log } = this.core;
    const known = this.hardState;
    if (term === known.term && vote === known.vote && log.commit === known.commit) return undefined;
    return { term, vote, commit: log.commit };
  }
}
