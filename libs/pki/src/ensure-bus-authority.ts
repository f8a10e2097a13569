import path from 'node:path';
import { makePrivateDirectory, readPrivateFile, writeFileAtomically } from './atomic-file';
import { type BusAuthority, createBusAuthority } from './bus-authority';

/**
 * The bus's authority, from a directory or new: `operator.jwt`, `account.jwt` and, secret, `account.seed`. A half of it is an
 * error that names the file: a new account would lock out everybody who has a credential of the old one.
 */
export async function ensureBusAuthority(directory: string, name = 'nestor'): Promise<BusAuthority> {
  await makePrivateDirectory(directory);
  const files = {
    operatorJwt: path.join(directory, 'operator.jwt'),
    accountJwt: path.join(directory, 'account.jwt'),
    // Written last: with it the authority is complete.
    accountSeed: path.join(directory, 'account.seed'),
  };
  const accountSeed = await readPrivateFile(files.accountSeed);
  if (accountSeed !== undefined) {
    const operatorJwt = await existing(files.operatorJwt);
    const accountJwt = await existing(files.accountJwt);
    return { operatorJwt, accountJwt, account: await subjectOf(files.accountJwt, accountJwt), accountSeed };
  }
  const authority = await createBusAuthority(name);
  for (const part of ['operatorJwt', 'accountJwt', 'accountSeed'] as const) {
    await writeFileAtomically(files[part], authority[part]);
  }
  return authority;
}

async function existing(file: string): Promise<string> {
  const contents = await readPrivateFile(file);
  if (contents === undefined) throw new Error(`${file} is missing`);
  return contents;
}

async function subjectOf(file: string, jwt: string): Promise<string> {
  const { decode } = await import('@nats-io/jwt');
  try {
    return decode(jwt).sub;
  } catch (cause) {
    throw new Error(`${file} is damaged`, { cause });
  }
}
