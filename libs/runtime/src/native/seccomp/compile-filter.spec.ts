import fc from 'fast-check';
import { compileFilter, encodeFilter, type Instruction } from './compile-filter';
import { defaultProfile } from './default-profile';
import { type SeccompProfile } from './seccomp-types';
import { syscallArchitectures } from './syscall-numbers';

const { x64, arm64 } = syscallArchitectures;
const allowed = 0x7fff_0000;
const refused = (errno: number): number => 0x0005_0000 | errno;

interface Call {
  readonly number: number;
  readonly auditArch?: number;
  readonly args?: readonly bigint[];
}

/** What the kernel does with a program. */
function run(program: readonly Instruction[], { number, auditArch = x64.auditArch, args = [] }: Call): number {
  const words = [number, auditArch, 0, 0];
  for (let index = 0; index < 6; index++) {
    const value = BigInt.asUintN(64, args[index] ?? 0n);
    words.push(Number(value & 0xffff_ffffn), Number(value >> 32n));
  }
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [code, ifTrue, ifFalse, operand] = program[at] ?? [-1, 0, 0, 0];
    if (code === 0x06) return operand;
    if (code === 0x20) accumulator = words[operand / 4] ?? NaN;
    else if (code === 0x54) accumulator = (accumulator & operand) >>> 0;
    else if (code === 0x05) at += operand;
    else if (code === 0x15) at += accumulator === operand ? ifTrue : ifFalse;
    else if (code === 0x25) at += accumulator > operand ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= operand ? ifTrue : ifFalse;
    else throw new Error(`unknown instruction at ${at}`);
  }
}

const operators: Readonly<Record<string, (a: bigint, b: bigint, c: bigint) => boolean>> = {
  SCMP_CMP_EQ: (a, b) => a === b,
  SCMP_CMP_NE: (a, b) => a !== b,
  SCMP_CMP_GT: (a, b) => a > b,
  SCMP_CMP_GE: (a, b) => a >= b,
  SCMP_CMP_LT: (a, b) => a < b,
  SCMP_CMP_LE: (a, b) => a <= b,
  SCMP_CMP_MASKED_EQ: (a, b, c) => (a & b) === c,
};

/** What the profile means. */
function meaning({ syscalls = [] }: SeccompProfile, name: string, args: readonly bigint[]): number {
  const rules = syscalls.filter(({ names }) => names.includes(name));
  const found =
    rules.find((rule) => (rule.args ?? []).length === 0) ??
    rules.find((rule) =>
      (rule.args ?? []).every(({ index, value, valueTwo = 0, op }) =>
        operators[op]?.(args[index] ?? 0n, BigInt(value), BigInt(valueTwo)),
      ),
    );
  if (found === undefined) return refused(1);
  return found.action === 'SCMP_ACT_ALLOW' ? allowed : refused(found.errnoRet ?? 1);
}

const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40));
const rule = fc.record({
  names: fc.uniqueArray(fc.constantFrom('read', 'write', 'open', 'close', 'socket', 'clone', 'mseal', 'no_such_call'), {
    minLength: 1,
  }),
  action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO'),
  errnoRet: fc.integer({ min: 1, max: 40 }),
  args: fc.array(
    fc.record({
      index: fc.integer({ min: 0, max: 2 }),
      value,
      valueTwo: value,
      op: fc.constantFrom(...Object.keys(operators)),
    }),
    { maxLength: 3 },
  ),
});

test('a filter answers as its profile says', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 8 }),
      fc.constantFrom(...x64.numbers.keys()),
      fc.array(value, { minLength: 6, maxLength: 6 }),
      (syscalls, name, numbers) => {
        const profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls };
        const args = numbers.map(BigInt);
        const number = x64.numbers.get(name) ?? -1;
        expect(run(compileFilter(profile, x64), { number, args })).toBe(meaning(profile, name, args));
      },
    ),
  );
});

describe('the default profile', () => {
  const usual = defaultProfile(['CAP_CHOWN', 'CAP_SYS_CHROOT']);
  const program = compileFilter(usual, x64);
  const answer = (name: string, ...args: bigint[]): number =>
    run(program, { number: x64.numbers.get(name) ?? -1, args });

  test.each(['read', 'execve', 'openat', 'statx', 'chroot', 'futex', 'mseal'])('allows %s', (name) => {
    expect(answer(name)).toBe(allowed);
  });
  test.each(['mount', 'unshare', 'setns', 'bpf', 'kexec_load', 'add_key', 'io_uring_setup', 'reboot', 'init_module'])(
    'refuses %s',
    (name) => {
      expect(answer(name)).toBe(refused(1));
    },
  );
  test('refuses new namespaces, however they are asked for', () => {
    expect(answer('clone', 0x11n)).toBe(allowed);
    expect(answer('clone', 0x1000_0011n)).toBe(refused(1));
    expect(answer('clone3')).toBe(refused(38));
  });
  test('goes with the capabilities', () => {
    const administrator = compileFilter(defaultProfile(['CAP_SYS_ADMIN']), x64);
    for (const name of ['mount', 'clone3', 'unshare']) {
      expect(run(administrator, { number: x64.numbers.get(name) ?? -1 })).toBe(allowed);
    }
  });
  test('refuses calls of another architecture, and numbers that there are not', () => {
    expect(run(program, { number: 0, auditArch: 0x4000_0003 })).toBe(refused(1));
    expect(run(program, { number: 0x4000_0000 })).toBe(refused(1));
    expect(run(program, { number: 99_999 })).toBe(refused(1));
  });
  test.each([x64, arm64])('is short enough for the kernel, and knows the names', (architecture) => {
    expect(encodeFilter(compileFilter(usual, architecture)).length / 8).toBeLessThan(600);
    expect(['read', 'openat', 'clone3'].filter((name) => !architecture.numbers.has(name))).toEqual([]);
  });
});

test.each([
  [{ defaultAction: 'SCMP_ACT_NOTIFY' }, 'unknown action'],
  [{ defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_TSYNC'] }, 'flags are not supported'],
])('what a filter cannot do is refused: %j', (profile, message) => {
  expect(() => compileFilter(profile, x64)).toThrow(message);
});
