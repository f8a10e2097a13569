/** Tells where a Perl is that containers cannot reach the machine's by (`Steward.sealedPerl`). */
export type SealedPerl = () => Promise<string>;

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0: string;
}

/** What to spawn for a program: itself, or the Perl that runs it. */
export async function commandOf(
  program: string,
  args: readonly string[],
  perl: SealedPerl | undefined,
): Promise<Command> {
  if (perl === undefined) return { file: program, args, argv0: program };
  return { file: await perl(), args: ['-w', program, ...args], argv0: 'perl' };
}
