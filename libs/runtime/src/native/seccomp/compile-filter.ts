import { type SeccompArgument, type SeccompProfile, type SeccompRule } from './seccomp-types';
import { type SyscallArchitecture } from './syscall-numbers';

/** An instruction of classic BPF (linux/filter.h): code, jump if true, jump if false, operand. Jumps count from the next instruction. */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

const LOAD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const EQUAL = 0x15;
const GREATER = 0x25;
const AT_LEAST = 0x35;
const RETURN = 0x06;

/** Of struct seccomp_data; the machines are little-endian. */
const offsets = { number: 0, architecture: 4, arguments: 16 } as const;

const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};
const EPERM = 1;

/**
 * A profile as a program for the kernel (seccomp(2)): a search for the call's number among ranges with the same answer, in some eight steps. Names
 * that the architecture does not have mean nothing. Calls of other architectures, and x32's, are answered as those that no rule mentions.
 * Throws for what the profile asks and a filter cannot do.
 */
export function compileFilter(profile: SeccompProfile, { auditArch, numbers }: SyscallArchitecture): Instruction[] {
  const { defaultAction, defaultErrnoRet, syscalls = [], flags = [] } = profile;
  if (flags.length > 0) throw new Error(`flags are not supported: ${flags.join(', ')}`);
  const otherwise = answerOf(defaultAction, defaultErrnoRet);
  const rules = new Map<number, SeccompRule[]>();
  for (const rule of syscalls) {
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number !== undefined) rules.set(number, [...(rules.get(number) ?? []), rule]);
    }
  }
  const blocks = new Map([...rules].map(([number, of]) => [number, blockOf(of, otherwise)]));
  const other: Instruction[] = [[RETURN, 0, 0, otherwise]];
  return [
    [LOAD, 0, 0, offsets.architecture],
    [EQUAL, 1, 0, auditArch],
    [RETURN, 0, 0, otherwise],
    [LOAD, 0, 0, offsets.number],
    ...search(rangesOf(blocks, other)),
  ];
}

/** As `struct sock_filter`s. */
export function encodeFilter(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, operand]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  }
  return bytes;
}

interface Range {
  readonly from: number;
  readonly block: readonly Instruction[];
}

/** All numbers, from 0 on; neighbours with the same answer are one range. */
function rangesOf(blocks: ReadonlyMap<number, readonly Instruction[]>, other: readonly Instruction[]): Range[] {
  const ranges: Range[] = [];
  const add = (from: number, block: readonly Instruction[]): void => {
    if (ranges.at(-1)?.block.join() !== block.join()) ranges.push({ from, block });
  };
  add(0, other);
  for (const number of [...blocks.keys()].sort((a, b) => a - b)) {
    if (ranges.at(-1)?.from === number) ranges.pop();
    add(number, blocks.get(number) ?? other);
    ranges.push({ from: number + 1, block: other });
  }
  return merged(ranges);
}

function merged(ranges: readonly Range[]): Range[] {
  return ranges.filter(({ block }, index) => index === 0 || ranges[index - 1]?.block.join() !== block.join());
}

/** Halves the ranges until one is left. A conditional jump reaches 255 instructions: far ones are made by a jump of their own. */
function search(ranges: readonly Range[]): Instruction[] {
  const [only] = ranges;
  if (only === undefined || ranges.length === 1) return [...(only?.block ?? [])];
  const middle = ranges.length >> 1;
  const below = search(ranges.slice(0, middle));
  return [
    [AT_LEAST, 0, 1, ranges[middle]?.from ?? 0],
    [JUMP, 0, 0, below.length],
    ...below,
    ...search(ranges.slice(middle)),
  ];
}

/** The rules of a call: the first whose conditions hold answers; one without conditions always does. */
function blockOf(rules: readonly SeccompRule[], otherwise: number): Instruction[] {
  const unconditional = rules.find(({ args = [] }) => args.length === 0);
  const conditional = unconditional === undefined ? rules : [];
  return [
    ...conditional.flatMap(ruleBlock),
    [RETURN, 0, 0, unconditional === undefined ? otherwise : answerOf(unconditional.action, unconditional.errnoRet)],
  ];
}

function ruleBlock({ args = [], action, errnoRet }: SeccompRule): Instruction[] {
  let block: Instruction[] = [[RETURN, 0, 0, answerOf(action, errnoRet)]];
  for (const argument of [...args].reverse()) block = [...condition(argument, block.length), ...block];
  return block;
}

/**
 * Goes on behind itself if the condition holds, else past `rest` more instructions. Arguments have 64 bits, which are looked at in two halves.
 */
function condition({ index, value, valueTwo = 0, op }: SeccompArgument, rest: number): Instruction[] {
  const low: Instruction = [LOAD, 0, 0, offsets.arguments + 8 * index];
  const high: Instruction = [LOAD, 0, 0, offsets.arguments + 8 * index + 4];
  const [valueHigh, valueLow] = halves(value);
  const differ = (lastCode: number, holds: boolean): Instruction[] => [
    high,
    holds ? [GREATER, 3, 0, valueHigh] : [GREATER, 3 + rest, 0, valueHigh],
    holds ? [EQUAL, 0, 2 + rest, valueHigh] : [EQUAL, 0, 2, valueHigh],
    low,
    holds ? [lastCode, 0, rest, valueLow] : [lastCode, rest, 0, valueLow],
  ];
  switch (op) {
    case 'SCMP_CMP_EQ':
      return [high, [EQUAL, 0, 2 + rest, valueHigh], low, [EQUAL, 0, rest, valueLow]];
    case 'SCMP_CMP_NE':
      return [high, [EQUAL, 0, 2, valueHigh], low, [EQUAL, rest, 0, valueLow]];
    case 'SCMP_CMP_GT':
      return differ(GREATER, true);
    case 'SCMP_CMP_GE':
      return differ(AT_LEAST, true);
    case 'SCMP_CMP_LT':
      return differ(AT_LEAST, false);
    case 'SCMP_CMP_LE':
      return differ(GREATER, false);
    case 'SCMP_CMP_MASKED_EQ': {
      const [wantedHigh, wantedLow] = halves(valueTwo);
      return [
        ...[high, [AND, 0, 0, valueHigh] as const, [EQUAL, 0, 3 + rest, wantedHigh] as const],
        ...[low, [AND, 0, 0, valueLow] as const, [EQUAL, 0, rest, wantedLow] as const],
      ];
    }
    default:
      throw new Error(`unknown comparison: ${op}`);
  }
}

function halves(value: number): [high: number, low: number] {
  const bits = BigInt.asUintN(64, BigInt(value));
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
}

function answerOf(action: string, errno = EPERM): number {
  const answer = actions[action];
  if (answer === undefined) throw new Error(`unknown action: ${action}`);
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? answer | (errno & 0xffff) : answer;
}
