/**
 * What may be called what. Each function returns upstream's complaints about a value, none when it is fine; callers put
 * them behind a field path.
 */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const qualifiedNameText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

interface Rule {
  /** As it is printed; anchored for matching. */
  readonly pattern: string;
  readonly text: string;
  readonly examples: readonly string[];
  readonly maximum?: number;
  /** What the maximum is said to count. Upstream counts bytes always, and says so for labels only. */
  readonly unit?: 'bytes';
}

const rules = {
  label: {
    pattern: label,
    text: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    examples: ['my-name', '123-abc'],
    maximum: 63,
  },
  subdomain: {
    pattern: subdomain,
    text: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    examples: ['example.com'],
    maximum: 253,
  },
  wildcardSubdomain: {
    pattern: `\\*\\.${subdomain}`,
    text: "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    examples: ['*.example.com'],
    maximum: 253,
  },
  dns1035Label: {
    pattern: '[a-z]([-a-z0-9]*[a-z0-9])?',
    text: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    examples: ['my-name', 'abc-123'],
    maximum: 63,
  },
  labelValue: {
    pattern: `(${qualifiedName})?`,
    text: `a valid label must be an empty string or ${qualifiedNameText.slice('must '.length)}`,
    examples: ['MyValue', 'my_value', '12345'],
    maximum: 63,
    unit: 'bytes',
  },
  cIdentifier: {
    pattern: '[A-Za-z_][A-Za-z0-9_]*',
    text: "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    examples: ['my_name', 'MY_NAME', 'MyName'],
  },
  percent: {
    pattern: '[0-9]+%',
    text: "a valid percent string must be a numeric string followed by an ending '%'",
    examples: ['1%', '93%'],
  },
  httpHeaderName: {
    pattern: '[-A-Za-z0-9]+',
    text: "a valid HTTP header must consist of alphanumeric characters or '-'",
    examples: ['X-Header-Name'],
  },
  configMapKey: {
    pattern: '[-._a-zA-Z0-9]+',
    text: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    examples: ['key.name', 'KEY_NAME', 'key-name'],
    maximum: 253,
  },
  envVarName: {
    pattern: '[-._a-zA-Z][-._a-zA-Z0-9]*',
    text: "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
    examples: ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'],
  },
} as const satisfies Record<string, Rule>;

const expressions = new Map<string, RegExp>();

function matches(pattern: string, value: string): boolean {
  let expression = expressions.get(pattern);
  if (expression === undefined) expressions.set(pattern, (expression = new RegExp(`^(?:${pattern})$`)));
  return expression.test(value);
}

/** `text (e.g. 'a',  or 'b', regex used for validation is '…')`, two spaces included. */
export function regexError(text: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${text} (regex used for validation is '${pattern}')`;
  return `${text} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

export function maxLengthError(maximum: number, unit: 'characters' | 'bytes' = 'characters'): string {
  return `must be no more than ${maximum} ${unit}`;
}

export function inclusiveRangeError(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

function check(rule: Rule, value: string): string[] {
  const errors: string[] = [];
  if (rule.maximum !== undefined && Buffer.byteLength(value) > rule.maximum) {
    errors.push(maxLengthError(rule.maximum, rule.unit));
  }
  if (!matches(rule.pattern, value)) errors.push(regexError(rule.text, rule.pattern, ...rule.examples));
  return errors;
}

/** One part of a DNS name (RFC 1123): namespaces, containers, volumes. */
export function isDns1123Label(value: string): string[] {
  const errors = check(rules.label, value);
  // Upstream names the likely mistake when the only thing wrong is a dot.
  if (!matches(label, value) && matches(subdomain, value)) return [...errors.slice(0, -1), 'must not contain dots'];
  return errors;
}

/** The name of most objects. */
export function isDns1123Subdomain(value: string): string[] {
  return check(rules.subdomain, value);
}

export function isWildcardDns1123Subdomain(value: string): string[] {
  return check(rules.wildcardSubdomain, value);
}

/** The stricter label of RFC 1035: services. */
export function isDns1035Label(value: string): string[] {
  return check(rules.dns1035Label, value);
}

/**
 * `example.com/name` or `name`: keys of labels, annotations and taints, resource names, finalizers.
 * @param called what the message calls such a name
 */
export function isQualifiedName(value: string, called = 'a qualified name'): string[] {
  const parts = value.split('/');
  const nameError = regexError(qualifiedNameText, qualifiedName, 'MyName', 'my.name', '123-abc');
  if (parts.length > 2) {
    return [`${called} ${nameError} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1) ?? '';
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...isDns1123Subdomain(prefix).map((error) => `prefix part ${error}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (Buffer.byteLength(name) > 63) errors.push(`name part ${maxLengthError(63, 'bytes')}`);
  if (!matches(qualifiedName, name)) errors.push(`name part ${nameError}`);
  return errors;
}

export function isValidLabelValue(value: string): string[] {
  return check(rules.labelValue, value);
}

export function isCIdentifier(value: string): string[] {
  return check(rules.cIdentifier, value);
}

export function isValidPercent(value: string): string[] {
  return check(rules.percent, value);
}

export function isHttpHeaderName(value: string): string[] {
  return check(rules.httpHeaderName, value);
}

/** Keys of ConfigMaps and Secrets; they become file names. */
export function isConfigMapKey(value: string): string[] {
  return [...check(rules.configMapKey, value), ...changesDirectory(value)];
}

/** The names that environment variables made from ConfigMap and Secret keys may have. */
export function isEnvVarName(value: string): string[] {
  return [...check(rules.envVarName, value), ...changesDirectory(value)];
}

/** The relaxed rule that pods follow (KEP-4369): any printable ASCII but `=`. */
export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

function changesDirectory(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** A name that is one segment of a URL path: every object has at least that. */
export function isPathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%']
    .filter((character) => value.includes(character))
    .map((character) => `may not contain '${character}'`);
}

export function isValidPortNumber(port: number): string[] {
  return isInRange(port, 1, 65535);
}

export function isInRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [inclusiveRangeError(low, high)];
}

/** An IANA service name (RFC 6335): ports of containers and services. */
export function isValidPortName(name: string): string[] {
  const errors: string[] = [];
  if (name.length > 15) errors.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(name)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(name)) errors.push('must contain at least one letter (a-z)');
  if (name.includes('--')) errors.push('must not contain consecutive hyphens');
  if (/^-|-$/.test(name)) errors.push('must not begin or end with a hyphen');
  return errors;
}

/**
 * A `generateName` is checked like a name whose last dash is masked: the random suffix will follow it.
 */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}

/**
 * A machine's name as its node is named: in lower case, as the kubelet has it; what no name may have in it is a hyphen, where the kubelet could not register.
 */
export function nodeNameOf(hostname: string): string {
  const parts = hostname
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, mostOfLabel)
    .split('.');
  const name = parts.map((part) => part.replace(/^-+|-+$/g, '')).filter((part) => part !== '');
  return name.join('.') || 'localhost';
}

/** It is the value of `kubernetes.io/hostname`, too. */
const mostOfLabel = 63;
