// Writes the declarations of `nestor/testing` into dist: those of its entry and of what they mention, and no others. Imports of a library
// (`#client`) are replaced by imports of the very files that declare what is meant, so that a consumer's compiler reads little and needs
// no package imports, whatever its module resolution.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(root, 'apps/nestor/testing/index.ts');

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram([entry], {
  ...options,
  noEmit: false,
  incremental: false,
  tsBuildInfoFile: undefined,
  declaration: true,
  emitDeclarationOnly: true,
});
const checker = program.getTypeChecker();

/** Source file to the text of its declarations. */
function declarationsOf(fileName) {
  let text = '';
  program.emit(program.getSourceFile(fileName), (_, emitted) => (text = emitted), undefined, true);
  return text;
}

function resolve(specifier, from) {
  const mode = program.getSourceFile(from).impliedNodeFormat;
  const { resolvedModule } = ts.resolveModuleName(
    specifier,
    from,
    program.getCompilerOptions(),
    ts.sys,
    undefined,
    undefined,
    mode,
  );
  if (resolvedModule === undefined) throw new Error(`${from}: cannot resolve ${specifier}`);
  return resolvedModule;
}

/** The source file that declares what a module exports under a name, and its name there. */
function origin(moduleFile, name) {
  const exported = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(moduleFile)))
    .find((symbol) => symbol.name === name);
  if (exported === undefined) throw new Error(`${moduleFile} does not export ${name}`);
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  return { file: symbol.declarations[0].getSourceFile().fileName, name: symbol.name };
}

function specifierOf(from, to) {
  const path = relative(dirname(from), to).split(sep).join('/').replace(/\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}

const pending = [entry];
const done = new Set();
let bytes = 0;
for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
  if (done.has(file)) continue;
  done.add(file);
  const text = declarationsOf(file);
  const parsed = ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.Latest, true);
  let output = '';
  let at = 0;
  for (const statement of parsed.statements) {
    const specifier = statement.moduleSpecifier?.text;
    if (specifier === undefined) continue;
    const module = resolve(specifier, file);
    if (module.isExternalLibraryImport) continue;
    const bindings = statement.importClause?.namedBindings ?? statement.exportClause;
    const isNamed = bindings !== undefined && (ts.isNamedImports(bindings) || ts.isNamedExports(bindings));
    let replaced;
    if (isNamed) {
      const keyword = ts.isImportDeclaration(statement) ? 'import' : 'export';
      replaced = bindings.elements
        .map((element) => {
          const found = origin(module.resolvedFileName, (element.propertyName ?? element.name).text);
          pending.push(found.file);
          const type = element.isTypeOnly || statement.isTypeOnly || statement.importClause?.isTypeOnly ? 'type ' : '';
          const as = found.name === element.name.text ? '' : ` as ${element.name.text}`;
          return `${keyword} { ${type}${found.name}${as} } from '${specifierOf(file, found.file)}';`;
        })
        .join('\n');
    } else {
      pending.push(module.resolvedFileName);
      const quoted = statement.moduleSpecifier.getText(parsed);
      replaced = statement.getText(parsed).replace(quoted, `'${specifierOf(file, module.resolvedFileName)}'`);
    }
    output += text.slice(at, statement.getStart(parsed)) + replaced;
    at = statement.getEnd();
  }
  output += text.slice(at);
  if (/import\(["']#/.test(output)) throw new Error(`${file}: a declaration mentions a library without importing it`);
  const target = join(root, 'dist', relative(root, file)).replace(/\.ts$/, '.d.ts');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, output);
  bytes += output.length;
}
process.stderr.write(`nestor: ${done.size} files of declarations, ${Math.round(bytes / 1024)} KiB\n`);
