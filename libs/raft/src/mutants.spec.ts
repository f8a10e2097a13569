import { transformSync } from '@swc/core';
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { type NodeFactory } from './testing/machine.fixture';
import { type Mutant, MUTANTS } from './testing/mutants.fixture';
import { runSchedule } from './testing/schedule.fixture';

interface Module {
  exports: Record<string, unknown>;
}

const SOURCES = __dirname;
const compiled = new Map<string, string>();

/** The algorithm from its source text, with a mistake in it. @throws Error if the text to be replaced is not there, once */
function loadMutant(mutant: Mutant): NodeFactory {
  const file = path.join(SOURCES, `${mutant.module}.ts`);
  const source = fs.readFileSync(file, 'utf8');
  const count = source.split(mutant.search).length - 1;
  if (count !== 1) throw new Error(`${mutant.module}.ts has ${count} times ${mutant.search}`);
  const mutated = compile(source.replace(mutant.search, () => mutant.replace));
  const modules = new Map<string, Module>();
  const load = (name: string): Record<string, unknown> => {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module: Module = { exports: {} };
    modules.set(name, module);
    const code = name === mutant.module ? mutated : compileModule(name);
    const run = vm.compileFunction(code, ['exports', 'module', 'require']) as (...values: unknown[]) => void;
    run(module.exports, module, (request: string) => load(path.basename(request)));
    return module.exports;
  };
  const { RaftNode } = load('node') as {
    RaftNode: new (...config: Parameters<NodeFactory>) => ReturnType<NodeFactory>;
  };
  return (config) => new RaftNode(config);
}

function compileModule(name: string): string {
  let code = compiled.get(name);
  if (code === undefined) {
    code = compile(fs.readFileSync(path.join(SOURCES, `${name}.ts`), 'utf8'));
    compiled.set(name, code);
  }
  return code;
}

function compile(source: string): string {
  const parser = { syntax: 'typescript' } as const;
  return transformSync(source, { swcrc: false, jsc: { parser, target: 'es2022' }, module: { type: 'commonjs' } }).code;
}

/** What the simulation cannot find in so many schedules it would not find in the algorithm either. */
const SCHEDULES = 3_000;

describe('the simulation notices a member that', () => {
  it('makes a mistake, and no other', () => {
    const createNode = loadMutant({
      mistake: 'none',
      module: 'log',
      search: 'this.applied = applied;',
      replace: 'this.applied = applied;',
    });
    for (let seed = 0; seed < 20; seed++) runSchedule(seed, createNode);
  });

  it.each(MUTANTS.map((mutant) => [mutant.mistake, mutant] as const))(
    '%s',
    (_, mutant) => {
      const createNode = loadMutant(mutant);
      const isCaught = Array.from({ length: SCHEDULES }, (_, position) => position + 1).some((seed) => {
        try {
          runSchedule(seed, createNode);
          return false;
        } catch {
          return true;
        }
      });
      expect(isCaught).toBe(true);
    },
    300_000,
  );
});
