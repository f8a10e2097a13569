import { goNumber, goQuote, goValue } from '../go-text';
import { isObject } from '../json-tree';
import { type JsonValue } from '../objects';
import { type ListSchema, type Schema } from '../schema';
import { elementOf, formatElement, formatPath, ListElementError } from './path-element';
import { childSchema } from './typed';

/**
 * What structured-merge-diff says about a configuration that does not fit its type, or undefined. Lists must not name an
 * element twice.
 */
export function validateTyped(value: JsonValue, schema: Schema): string | undefined {
  const errors: string[] = [];
  visit(value, schema, [], errors);
  return errors.length <= 1 ? errors[0] : ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
}

function visit(value: JsonValue, schema: Schema, path: readonly string[], errors: string[]): void {
  if (value === null) return;
  const report = (text: string): void => {
    errors.push(path.length === 0 ? text : `${formatPath(path)}: ${text}`);
  };
  switch (schema.type) {
    case 'any':
      return;
    case 'struct':
    case 'map':
      if (!isObject(value)) return report(`expected map, got ${pointer(value)}`);
      for (const [key, child] of Object.entries(value)) {
        const declared = childSchema(schema, key);
        if (declared === undefined) errors.push(`${formatPath([...path, `f:${key}`])}: field not declared in schema`);
        else visit(child, declared, [...path, `f:${key}`], errors);
      }
      return;
    case 'list':
      if (!Array.isArray(value)) return report(`expected list, got ${pointer(value)}`);
      return visitElements(value, schema, path, errors, report);
    case 'string':
      if (typeof value !== 'string') report(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
      return;
    case 'integer':
    case 'number':
      if (typeof value !== 'number') report(`expected numeric (int or float), got ${goType(value)}`);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') report(`expected boolean, got ${pointer(value)}`);
      return;
    case 'quantity':
    case 'int-or-string':
      if (typeof value === 'object') report(`expected any scalar, got ${pointer(value)}`);
  }
}

function visitElements(
  items: readonly JsonValue[],
  schema: ListSchema,
  path: readonly string[],
  errors: string[],
  report: (text: string) => void,
): void {
  const shared = schema.listType === 'map' || schema.listType === 'set';
  const seen = new Set<string>();
  items.forEach((item, index) => {
    let element = `i:${index}`;
    if (shared) {
      try {
        element = elementOf(item, schema);
      } catch (error) {
        if (!(error instanceof ListElementError)) throw error;
        return report(`element ${index}: ${error.message}`);
      }
      if (seen.has(element)) report(`duplicate entries for key ${formatElement(element)}`);
      seen.add(element);
    }
    visit(item, schema.items, [...path, element], errors);
  });
}

/** `%v` of a pointer to the value's wrapper. */
function pointer(value: JsonValue): string {
  return `&{${goValue(value)}}`;
}

/** `%#v`. */
function goSyntax(value: JsonValue): string {
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number') return goNumber(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isObject(value)) return value === null ? 'interface {}(nil)' : String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${entries.map(([key, child]) => `${goQuote(key)}:${goSyntax(child)}`).join(', ')}}`;
}

/** `%T`. */
function goType(value: JsonValue): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return isObject(value) ? 'map[string]interface {}' : typeof value === 'boolean' ? 'bool' : typeof value;
}
