import { type Message } from './message';

/** Whether a message can be what a member says. What cannot would break what the rest of the code relies on. */
export function isPlausible(message: Message): boolean {
  if (!isIndex(message.term) || message.from <= 0n) return false;
  switch (message.type) {
    case 'append':
      return isIndex(message.index) && isIndex(message.logTerm) && isIndex(message.commit) && isChain(message);
    case 'append-response':
      return isIndex(message.index) && isIndex(message.hintIndex) && isIndex(message.hintTerm);
    case 'pre-vote':
    case 'vote':
      return isIndex(message.index) && isIndex(message.logTerm) && message.logTerm < message.term;
    case 'pre-vote-response':
    case 'vote-response':
      return isIndex(message.commit) && isIndex(message.commitTerm);
    case 'heartbeat':
      return isIndex(message.commit);
    case 'snapshot':
      return isIndex(message.snapshot.index) && isIndex(message.snapshot.term) && message.snapshot.term <= message.term;
    case 'read-index-response':
      return isIndex(message.index);
    default:
      return true;
  }
}

/** Entries follow one another without gaps, and no term falls or comes from the future. */
function isChain(message: Extract<Message, { readonly type: 'append' }>): boolean {
  let { index, logTerm: term } = message;
  for (const entry of message.entries) {
    if (entry.index !== index + 1 || !isIndex(entry.index) || entry.term < term) return false;
    ({ index, term } = entry);
  }
  return term <= message.term;
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
