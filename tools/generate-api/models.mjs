// Reads the models of `@kubernetes/client-node` (OpenAPI Generator's output) as text.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ name: string, type: string, format: string, required: boolean, description: string }} Field
 *   `name` as on the wire; `type` as the package writes it: `string`, `number`, `boolean`, `Date`, `any`, `IntOrString`,
 *   a model's name, `Array<T>` or `{ [key: string]: T; }`.
 * @typedef {{ name: string, description: string, fields: Field[] }} Model
 */

/** The models below a folder of the package, parsed on demand. */
export function openModels(folder) {
  const cache = new Map();
  return {
    /** @returns {Model} */
    get(name) {
      let model = cache.get(name);
      if (model === undefined) cache.set(name, (model = parseModel(folder, name)));
      return model;
    },
    has: (name) => existsSync(join(folder, 'models', `${name}.js`)),
    roots: () => parseRoots(readFileSync(join(folder, 'types/ObjectParamAPI.d.ts'), 'utf8')),
  };
}

function parseModel(folder, name) {
  const code = readFileSync(join(folder, 'models', `${name}.js`), 'utf8');
  const declaration = readFileSync(join(folder, 'models', `${name}.d.ts`), 'utf8');
  // Files of earlier releases are left behind in the package; nothing current may refer to one.
  if (!code.includes('OpenAPI spec version: release-1.36')) throw new Error(`${name} is not a model of release-1.36`);

  const attributes = /attributeTypeMap = (\[[\s\S]*?\n?\]);/.exec(code);
  if (attributes === null) throw new Error(`${name} has no attributeTypeMap`);

  const body = declaration.slice(declaration.indexOf('export declare class'));
  const declared = new Map();
  for (const match of body.matchAll(/(?:\/\*\*\n([\s\S]*?)\*\/\n\s*)?^ {4}'([^']+)'(\??): /gm)) {
    declared.set(match[2], { description: cleanComment(match[1] ?? ''), required: match[3] === '' });
  }

  const fields = JSON.parse(attributes[1]).map((attribute) => {
    const found = declared.get(attribute.name);
    if (found === undefined) throw new Error(`${name}.${attribute.name} is not declared`);
    return { name: attribute.baseName, type: attribute.type, format: attribute.format, ...found };
  });
  return { name, description: cleanComment(lastComment(declaration)), fields };
}

/** The comment right before the class; the file's header is a comment as well. */
function lastComment(declaration) {
  const end = declaration.indexOf('*/\nexport declare class');
  if (end < 0) return '';
  return declaration.slice(declaration.lastIndexOf('/**', end) + 3, end);
}

function cleanComment(comment) {
  return comment
    .replace(/^\s*\*? ?/gm, '')
    .trim()
    .replace(/\\(["'\\])/g, '$1');
}

/** What can be created, from the requests of the versioned APIs: `CoreV1` + `V1Pod`. GA versions only. */
function parseRoots(text) {
  const roots = [];
  for (const match of text.matchAll(/export interface (\w+?)(V\d+)ApiCreate\w+Request \{([\s\S]*?)\n\}/g)) {
    const body = /\n {4}body: (\w+);/.exec(match[3]);
    if (body !== null) roots.push({ group: match[1], version: match[2].toLowerCase(), model: body[1] });
  }
  return roots;
}

/** The models that a type mentions: `Array<V1Pod>` mentions `V1Pod`. */
export function mentionedModels(type) {
  return (type.match(/\w+/g) ?? []).filter(
    (word) => /^(?:[A-Z]\w*)?V\d+[A-Z]\w*$/.test(word) && word !== 'V1MicroTime',
  );
}
