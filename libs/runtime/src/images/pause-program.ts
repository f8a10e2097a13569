/**
 * The pause process, written as machine code: it holds a pod's namespaces, and is process 1 where they share the process namespace.
 *
 * ```c
 * sigset_t set = {SIGTERM, SIGINT, SIGCHLD};
 * rt_sigprocmask(SIG_BLOCK, &set, 0, 8);     // a blocked signal reaches process 1 although it has no handler
 * for (;;) {
 *   int signal = rt_sigtimedwait(&set, 0, 0, 8);
 *   if (signal == SIGTERM || signal == SIGINT) exit(0);
 *   while (wait4(-1, 0, WNOHANG, 0) > 0);    // orphans of the pod's containers
 * }
 * ```
 */
export type Architecture = 'x64' | 'arm64';

type Instruction = readonly number[] | { readonly label: string } | { readonly jump: number; readonly to: string };

const SIGINT = 2;
const SIGTERM = 15;
const SIGCHLD = 17;
/** Bit n-1 is signal n. */
const signalSet = (1 << (SIGINT - 1)) | (1 << (SIGTERM - 1)) | (1 << (SIGCHLD - 1));

/** Bytes of one instruction each; jumps are an opcode and a signed byte from the next instruction. */
const x64: readonly Instruction[] = [
  [0x68, ...littleEndian(signalSet)], // push set
  [0x6a, 14, 0x58], // rax = rt_sigprocmask
  [0x31, 0xff], // rdi = SIG_BLOCK
  [0x48, 0x89, 0xe6], // rsi = &set
  [0x31, 0xd2], // rdx = 0
  [0x6a, 8, 0x41, 0x5a], // r10 = sizeof set
  [0x0f, 0x05], // syscall
  { label: 'wait' },
  [0xb8, ...littleEndian(128)], // eax = rt_sigtimedwait
  [0x48, 0x89, 0xe7], // rdi = &set
  [0x31, 0xf6], // rsi = 0
  [0x31, 0xd2], // rdx = 0
  [0x6a, 8, 0x41, 0x5a], // r10 = sizeof set
  [0x0f, 0x05], // syscall
  [0x83, 0xf8, SIGTERM], // cmp eax, SIGTERM
  { jump: 0x74, to: 'exit' }, // je
  [0x83, 0xf8, SIGINT], // cmp eax, SIGINT
  { jump: 0x74, to: 'exit' }, // je
  { label: 'reap' },
  [0x6a, 0xff, 0x5f], // rdi = -1
  [0x31, 0xf6], // rsi = 0
  [0x6a, 1, 0x5a], // rdx = WNOHANG
  [0x45, 0x31, 0xd2], // r10 = 0
  [0x6a, 61, 0x58], // rax = wait4
  [0x0f, 0x05], // syscall
  [0x85, 0xc0], // test eax, eax
  { jump: 0x7f, to: 'reap' }, // jg
  { jump: 0xeb, to: 'wait' }, // jmp
  { label: 'exit' },
  [0x31, 0xff], // rdi = 0
  [0x6a, 60, 0x58], // rax = exit
  [0x0f, 0x05], // syscall
];

const supervisorCall = 0xd4000001;
const B = 0x14000000;
const BEQ = 0x54000000;
const BGT = 0x5400000c;

/** One 32-bit word an instruction; jumps count words from themselves. */
const arm64: readonly Instruction[] = [
  [0xd10043ff], // sub sp, sp, #16
  [movz(9, signalSet & 0xffff)],
  [0xf2a00009 | ((signalSet >>> 16) << 5)], // movk x9, set >> 16, lsl #16
  [0xf90003e9], // str x9, [sp]
  [movz(0, 0)], // SIG_BLOCK
  [0x910003e1], // mov x1, sp
  [movz(2, 0)],
  [movz(3, 8)],
  [movz(8, 135)], // rt_sigprocmask
  [supervisorCall],
  { label: 'wait' },
  [0x910003e0], // mov x0, sp
  [movz(1, 0)],
  [movz(2, 0)],
  [movz(3, 8)],
  [movz(8, 137)], // rt_sigtimedwait
  [supervisorCall],
  [compare(0, SIGTERM)],
  { jump: BEQ, to: 'exit' },
  [compare(0, SIGINT)],
  { jump: BEQ, to: 'exit' },
  { label: 'reap' },
  [0x92800000], // mov x0, #-1
  [movz(1, 0)],
  [movz(2, 1)], // WNOHANG
  [movz(3, 0)],
  [movz(8, 260)], // wait4
  [supervisorCall],
  [compare(0, 0)],
  { jump: BGT, to: 'reap' },
  { jump: B, to: 'wait' },
  { label: 'exit' },
  [movz(0, 0)],
  [movz(8, 93)], // exit
  [supervisorCall],
];

function movz(register: number, value: number): number {
  return 0xd2800000 | (value << 5) | register;
}

function compare(register: number, value: number): number {
  return 0xf100001f | (value << 10) | (register << 5);
}

function littleEndian(value: number): readonly number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

/** The code alone, position independent. */
export function pauseCode(architecture: Architecture): Buffer {
  return architecture === 'x64' ? assembleX64(x64) : assembleArm64(arm64);
}

function assembleX64(program: readonly Instruction[]): Buffer {
  const labels = labelsOf(program, (instruction) => ('jump' in instruction ? 2 : instruction.length));
  const bytes: number[] = [];
  for (const instruction of program) {
    if ('label' in instruction) continue;
    if ('jump' in instruction) {
      const distance = (labels.get(instruction.to) ?? 0) - (bytes.length + 2);
      bytes.push(instruction.jump, distance & 0xff);
    } else bytes.push(...instruction);
  }
  return Buffer.from(bytes);
}

function assembleArm64(program: readonly Instruction[]): Buffer {
  const labels = labelsOf(program, () => 1);
  const words: number[] = [];
  for (const instruction of program) {
    if ('label' in instruction) continue;
    if ('jump' in instruction) {
      const distance = (labels.get(instruction.to) ?? 0) - words.length;
      words.push(instruction.jump === B ? B | (distance & 0x3ffffff) : instruction.jump | ((distance & 0x7ffff) << 5));
    } else words.push(...instruction);
  }
  return Buffer.from(words.flatMap((word) => [...littleEndian(word)]));
}

type Code = Exclude<Instruction, { readonly label: string }>;

function labelsOf(program: readonly Instruction[], size: (instruction: Code) => number): Map<string, number> {
  const labels = new Map<string, number>();
  let offset = 0;
  for (const instruction of program) {
    if ('label' in instruction) labels.set(instruction.label, offset);
    else offset += size(instruction);
  }
  return labels;
}
