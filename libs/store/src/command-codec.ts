import { readAuthChange, readAuthor, readToken, writeAuthChange, writeAuthor, writeToken } from './auth/auth-codec';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { type Command, type LeaseCheckpoint } from './command';
import {
  type Compare,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type TxnRequest,
} from './key-value-store';

/**
 * Commands as bytes. The positions in these lists are the format: append, never reorder.
 * Numbers are LEB128, lease ids eight bytes, keys and values preceded by their length.
 */
const COMMANDS = [
  'put',
  'delete',
  'txn',
  'compact',
  'lease-grant',
  'lease-revoke',
  'lease-checkpoint',
  // Not a command, but who asks for the one that follows.
  'author',
  'alarm',
  'auth',
  'token',
] as const;
const OPERATIONS = ['range', 'put', 'delete', 'txn'] as const;
const TARGETS = ['version', 'create', 'mod', 'value', 'lease'] as const;
const RESULTS = ['equal', 'greater', 'less', 'not-equal'] as const;
const SORT_TARGETS = ['key', 'version', 'create', 'mod', 'value'] as const;
const SORT_ORDERS = ['ascend', 'descend', 'none'] as const;
const ALARM_ACTIONS = ['raise', 'disarm'] as const;
const ALARMS = ['nospace', 'corrupt'] as const;

const NO_BYTES = Buffer.alloc(0);
const scratch = new ByteWriter(256 * 1024);

/** @param prefix goes before it, in the same memory */
export function encodeCommand(command: Command, prefix: Uint8Array = NO_BYTES): Buffer {
  scratch.reset();
  scratch.raw(prefix);
  if (command.author !== undefined) {
    scratch.u8(COMMANDS.indexOf('author'));
    writeAuthor(scratch, command.author);
  }
  scratch.u8(COMMANDS.indexOf(command.type));
  switch (command.type) {
    case 'put':
      writePut(scratch, command.request);
      break;
    case 'delete':
      writeDelete(scratch, command.request);
      break;
    case 'txn':
      writeTxn(scratch, command.request);
      break;
    case 'compact':
      scratch.varint(command.revision);
      break;
    case 'lease-grant':
      scratch.u64(command.id);
      scratch.varint(command.ttl);
      break;
    case 'lease-revoke':
      scratch.u64(command.id);
      break;
    case 'lease-checkpoint':
      scratch.varint(command.checkpoints.length);
      for (const { id, remaining } of command.checkpoints) {
        scratch.u64(id);
        scratch.varint(remaining);
      }
      break;
    case 'alarm':
      scratch.u8(ALARM_ACTIONS.indexOf(command.action));
      scratch.u8(ALARMS.indexOf(command.alarm.type));
      scratch.u64(command.alarm.memberId);
      break;
    case 'auth':
      writeAuthChange(scratch, command.change);
      break;
    case 'token':
      writeToken(scratch, command.token);
  }
  return scratch.toBuffer();
}

/** The values in the result are views of `data`. */
export function decodeCommand(data: Buffer, start = 0): Command {
  return readCommand(new ByteReader(data, start));
}

function readCommand(reader: ByteReader): Command {
  const type = pick(COMMANDS, reader.u8());
  switch (type) {
    case 'author': {
      const author = readAuthor(reader);
      return { ...readCommand(reader), author };
    }
    case 'put':
      return { type, request: readPut(reader) };
    case 'delete':
      return { type, request: readDelete(reader) };
    case 'txn':
      return { type, request: readTxn(reader) };
    case 'compact':
      return { type, revision: reader.varint() };
    case 'lease-grant':
      return { type, id: reader.i64(), ttl: reader.varint() };
    case 'lease-revoke':
      return { type, id: reader.i64() };
    case 'lease-checkpoint': {
      const checkpoints = readList(reader, (): LeaseCheckpoint => ({ id: reader.i64(), remaining: reader.varint() }));
      return { type, checkpoints };
    }
    case 'alarm': {
      const action = pick(ALARM_ACTIONS, reader.u8());
      return { type, action, alarm: { type: pick(ALARMS, reader.u8()), memberId: reader.u64() } };
    }
    case 'auth':
      return { type, change: readAuthChange(reader) };
    case 'token':
      return { type, token: readToken(reader) };
  }
}

const PUT_LEASE = 1;
const PUT_PREV_KV = 2;
const PUT_IGNORE_VALUE = 4;
const PUT_IGNORE_LEASE = 8;

function writePut(writer: ByteWriter, request: PutRequest): void {
  const lease = request.lease ?? 0n;
  writer.u8(
    (lease !== 0n ? PUT_LEASE : 0) |
      (request.prevKv ? PUT_PREV_KV : 0) |
      (request.ignoreValue ? PUT_IGNORE_VALUE : 0) |
      (request.ignoreLease ? PUT_IGNORE_LEASE : 0),
  );
  writer.key(request.key);
  if (lease !== 0n) writer.u64(lease);
  writer.bytes(request.value);
}

function readPut(reader: ByteReader): PutRequest {
  const flags = reader.u8();
  const key = reader.key();
  const lease = flags & PUT_LEASE ? reader.i64() : 0n;
  return {
    key,
    value: reader.bytes(),
    lease,
    prevKv: (flags & PUT_PREV_KV) !== 0,
    ignoreValue: (flags & PUT_IGNORE_VALUE) !== 0,
    ignoreLease: (flags & PUT_IGNORE_LEASE) !== 0,
  };
}

function writeDelete(writer: ByteWriter, request: DeleteRangeRequest): void {
  writer.u8(request.prevKv ? 1 : 0);
  writer.key(request.key);
  writer.key(request.rangeEnd ?? '');
}

function readDelete(reader: ByteReader): DeleteRangeRequest {
  return { prevKv: reader.u8() === 1, key: reader.key(), rangeEnd: reader.key() };
}

const RANGE_KEYS_ONLY = 1;
const RANGE_COUNT_ONLY = 2;
const RANGE_SERIALIZABLE = 4;
const RANGE_SORTED = 8;

function writeRange(writer: ByteWriter, request: RangeRequest): void {
  writer.u8(
    (request.keysOnly ? RANGE_KEYS_ONLY : 0) |
      (request.countOnly ? RANGE_COUNT_ONLY : 0) |
      (request.serializable ? RANGE_SERIALIZABLE : 0) |
      (request.sort ? RANGE_SORTED : 0),
  );
  writer.key(request.key);
  writer.key(request.rangeEnd ?? '');
  writer.varint(request.limit ?? 0);
  writer.varint(request.revision ?? 0);
  writer.varint(request.minModRevision ?? 0);
  writer.varint(request.maxModRevision ?? 0);
  writer.varint(request.minCreateRevision ?? 0);
  writer.varint(request.maxCreateRevision ?? 0);
  if (!request.sort) return;
  writer.u8(SORT_TARGETS.indexOf(request.sort.target));
  writer.u8(SORT_ORDERS.indexOf(request.sort.order));
}

function readRange(reader: ByteReader): RangeRequest {
  const flags = reader.u8();
  return {
    keysOnly: (flags & RANGE_KEYS_ONLY) !== 0,
    countOnly: (flags & RANGE_COUNT_ONLY) !== 0,
    serializable: (flags & RANGE_SERIALIZABLE) !== 0,
    key: reader.key(),
    rangeEnd: reader.key(),
    limit: reader.varint(),
    revision: reader.varint(),
    minModRevision: reader.varint(),
    maxModRevision: reader.varint(),
    minCreateRevision: reader.varint(),
    maxCreateRevision: reader.varint(),
    sort:
      flags & RANGE_SORTED
        ? { target: pick(SORT_TARGETS, reader.u8()), order: pick(SORT_ORDERS, reader.u8()) }
        : undefined,
  };
}

function writeTxn(writer: ByteWriter, request: TxnRequest): void {
  writer.varint(request.compare.length);
  for (const compare of request.compare) writeCompare(writer, compare);
  writer.varint(request.success.length);
  for (const operation of request.success) writeOperation(writer, operation);
  const failure = request.failure ?? [];
  writer.varint(failure.length);
  for (const operation of failure) writeOperation(writer, operation);
}

function readTxn(reader: ByteReader): TxnRequest {
  return {
    compare: readList(reader, () => readCompare(reader)),
    success: readList(reader, () => readOperation(reader)),
    failure: readList(reader, () => readOperation(reader)),
  };
}

function writeCompare(writer: ByteWriter, compare: Compare): void {
  writer.u8(TARGETS.indexOf(compare.target));
  writer.u8(RESULTS.indexOf(compare.result));
  writer.key(compare.key);
  writer.key(compare.rangeEnd ?? '');
  const { operand } = compare;
  if (compare.target === 'value') writer.bytes(operand as Uint8Array);
  else writer.u64(BigInt(operand as number | bigint));
}

function readCompare(reader: ByteReader): Compare {
  const target = pick(TARGETS, reader.u8());
  const result = pick(RESULTS, reader.u8());
  const key = reader.key();
  const rangeEnd = reader.key();
  if (target === 'value') return { target, result, key, rangeEnd, operand: reader.bytes() };
  const operand = reader.i64();
  return { target, result, key, rangeEnd, operand: target === 'lease' ? operand : Number(operand) };
}

function writeOperation(writer: ByteWriter, operation: RequestOp): void {
  writer.u8(OPERATIONS.indexOf(operation.type));
  switch (operation.type) {
    case 'range':
      return writeRange(writer, operation.request);
    case 'put':
      return writePut(writer, operation.request);
    case 'delete':
      return writeDelete(writer, operation.request);
    case 'txn':
      return writeTxn(writer, operation.request);
  }
}

function readOperation(reader: ByteReader): RequestOp {
  const type = pick(OPERATIONS, reader.u8());
  switch (type) {
    case 'range':
      return { type, request: readRange(reader) };
    case 'put':
      return { type, request: readPut(reader) };
    case 'delete':
      return { type, request: readDelete(reader) };
    case 'txn':
      return { type, request: readTxn(reader) };
  }
}

function readList<T>(reader: ByteReader, read: () => T): T[] {
  const list: T[] = [];
  for (let left = reader.varint(); left > 0; left--) list.push(read());
  return list;
}

function pick<T>(names: readonly T[], position: number): T {
  const name = names[position];
  if (name === undefined) throw new RangeError(`unknown code ${position} in a command`);
  return name;
}
