import { type OpenApiObject } from '../openapi/schema-objects';
import { boolField, bytesField, stringField } from './wire-writer';

type Json = OpenApiObject | readonly Json[] | string | number | boolean | null | undefined;
type Encode = (number: number, value: Json) => Buffer;
/** Encoders of the members of a JSON object; members that start with `x-` are its vendor extensions. */
interface Message {
  readonly fields: Readonly<Record<string, readonly [number: number, encode: Encode]>>;
  readonly extensions?: number;
}

/**
 * An OpenAPI v2 document as the protobuf message `openapi.v2.Document` (google/gnostic, OpenAPIv2.proto), the only form in which client-go asks for it:
 * kubectl validates lists (`kind: List`) with it. Has the fields that our documents use.
 */
export function encodeOpenApiV2(document: OpenApiObject): Buffer {
  return encodeMessage(messages.document, document);
}

function encodeMessage({ fields, extensions }: Message, object: OpenApiObject): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(object) as [string, Json][]) {
    const field = fields[name];
    if (field !== undefined) parts.push(field[1](field[0], value));
    else if (name.startsWith('x-') && extensions !== undefined) parts.push(named(any)(extensions, { [name]: value }));
    else throw new Error(`OpenAPI: no protobuf field for ${name}`);
  }
  return Buffer.concat(parts);
}

const text: Encode = (number, value) => stringField(number, value as string);
const flag: Encode = (number, value) => boolField(number, value as boolean);
/** gnostic's Any: JSON is YAML, too. */
const any: Encode = (number, value) => bytesField(number, stringField(2, JSON.stringify(value)));
const message =
  (of: () => Message): Encode =>
  (number, value) =>
    bytesField(number, encodeMessage(of(), value as OpenApiObject));
const wrapped =
  (inner: number, encode: Encode): Encode =>
  (number, value) =>
    bytesField(number, encode(inner, value));
const repeated =
  (encode: Encode): Encode =>
  (number, value) =>
    Buffer.concat((value as readonly Json[]).map((item) => encode(number, item)));
/** A map is a list of pairs of name and value. */
const named =
  (encode: Encode): Encode =>
  (number, value) =>
    Buffer.concat(
      (Object.entries(value as OpenApiObject) as [string, Json][]).map(([name, item]) =>
        bytesField(number, Buffer.concat([stringField(1, name), encode(2, item)])),
      ),
    );

const schema = message(() => messages.schema);
const operation = message(() => messages.operation);
const additional: Encode = (number, value) =>
  bytesField(number, typeof value === 'boolean' ? boolField(2, value) : schema(1, value));

/** Which of the messages a parameter is depends on where it is. */
const parameter: Encode = (number, value) => {
  const { in: place, $ref: ref } = value as { in?: keyof typeof parameters | 'body'; $ref?: string };
  if (ref !== undefined) return bytesField(number, wrapped(1, text)(2, ref));
  if (place === 'body')
    return bytesField(
      number,
      wrapped(
        1,
        message(() => messages.bodyParameter),
      )(1, value),
    );
  const [kind, shape] = parameters[place ?? 'query'];
  return bytesField(
    number,
    wrapped(
      2,
      wrapped(
        kind,
        message(() => shape),
      ),
    )(1, value),
  );
};

const strings = repeated(text);
const always = { required: [1, flag], in: [2, text], description: [3, text], name: [4, text] } as const;
const inPath: Message = { fields: { ...always, type: [5, text], format: [6, text], uniqueItems: [19, flag] } };
const inQuery: Message = { fields: { ...always, type: [6, text], format: [7, text], uniqueItems: [20, flag] } };
const parameters = { header: [1, inPath], query: [3, inQuery], path: [4, inPath] } as const;

const parameterList = repeated(parameter);

type Name = 'document' | 'info' | 'apiKey' | 'pathItem' | 'operation' | 'response' | 'bodyParameter' | 'schema';

const messages: Readonly<Record<Name, Message>> = {
  document: {
    fields: {
      swagger: [1, text],
      info: [2, message(() => messages.info)],
      paths: [8, wrapped(2, named(message(() => messages.pathItem)))],
      definitions: [9, wrapped(1, named(schema))],
      security: [12, repeated(wrapped(1, named(wrapped(1, strings))))],
      securityDefinitions: [
        13,
        wrapped(
          1,
          named(
            wrapped(
              2,
              message(() => messages.apiKey),
            ),
          ),
        ),
      ],
    },
  },
  info: { fields: { title: [1, text], version: [2, text] } },
  apiKey: { fields: { type: [1, text], name: [2, text], in: [3, text], description: [4, text] } },
  pathItem: {
    fields: {
      get: [2, operation],
      put: [3, operation],
      post: [4, operation],
      delete: [5, operation],
      options: [6, operation],
      head: [7, operation],
      patch: [8, operation],
      parameters: [9, parameterList],
    },
  },
  operation: {
    fields: {
      tags: [1, strings],
      description: [3, text],
      operationId: [5, text],
      produces: [6, strings],
      consumes: [7, strings],
      parameters: [8, parameterList],
      responses: [
        9,
        wrapped(
          1,
          named(
            wrapped(
              1,
              message(() => messages.response),
            ),
          ),
        ),
      ],
      schemes: [10, strings],
      deprecated: [11, flag],
    },
    extensions: 13,
  },
  response: { fields: { description: [1, text], schema: [2, wrapped(1, schema)] } },
  bodyParameter: {
    fields: { description: [1, text], name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] },
  },
  schema: {
    fields: {
      $ref: [1, text],
      format: [2, text],
      title: [3, text],
      description: [4, text],
      default: [5, any],
      required: [19, strings],
      enum: [20, repeated(any)],
      additionalProperties: [21, additional],
      type: [22, wrapped(1, text)],
      items: [23, wrapped(1, schema)],
      properties: [25, wrapped(1, named(schema))],
    },
    extensions: 31,
  },
};
