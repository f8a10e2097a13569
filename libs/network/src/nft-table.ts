/** An nftables table as data: comparable, so that a change touches only what differs. */
export interface NftTable {
  readonly family: 'ip';
  readonly name: string;
  /** By name. Rules refer to chains and sets of the same table. */
  readonly chains: ReadonlyMap<string, NftChain>;
  readonly sets: ReadonlyMap<string, NftSet>;
}

export interface NftChain {
  /** `type nat hook prerouting priority -100; policy accept;`; absent for chains that are jumped to. Never changes. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface NftSet {
  readonly kind: 'set' | 'map';
  /** What stands in the declaration: `type ipv4_addr; flags interval;`. Never changes under one name. */
  readonly declaration: string;
  /** Key to value; the value is empty for sets. What the kernel adds by itself (dynamic sets) is not here. */
  readonly elements: ReadonlyMap<string, string>;
}

/** Longest list of elements in one command: keeps lines and netlink messages at a reasonable size. */
const ELEMENTS_PER_COMMAND = 500;

/** A script for `nft -f -` that replaces the whole table, in one transaction, whether it exists or not. Nothing else is touched. */
export function renderNft(table: NftTable): string {
  const script = new Script(table);
  script.lines.push(`add table ${script.table}`, `delete table ${script.table}`, `add table ${script.table}`);
  script.change({ ...table, chains: new Map(), sets: new Map() }, table);
  return script.toString();
}

/**
 * A script that turns the table `from` into `to`, in one transaction: chains that are equal, and what dynamic sets have
 * learnt, stay. Empty when nothing differs. It fails, as a whole, if the kernel's table is not what `from` says.
 */
export function renderNftChange(from: NftTable, to: NftTable): string {
  const script = new Script(to);
  script.change(from, to);
  return script.toString();
}

/** A script that removes the table whether it exists or not. */
export function renderNftRemoval(name: string): string {
  return `add table ip ${name}\ndelete table ip ${name}\n`;
}

class Script {
  readonly lines: string[] = [];
  readonly table: string;

  constructor({ family, name }: NftTable) {
    this.table = `${family} ${name}`;
  }

  toString(): string {
    return this.lines.length === 0 ? '' : `${this.lines.join('\n')}\n`;
  }

  /** In an order in which nothing refers to what is not there: references go first, what they name last, and the reverse for what comes. */
  change(from: NftTable, to: NftTable): void {
    const added = new Map<string, [string, string][]>();
    for (const [name, set] of from.sets) {
      const next = to.sets.get(name);
      const gone = [...set.elements].filter(([key, value]) => next?.elements.get(key) !== value).map(([key]) => key);
      if (next !== undefined || set.kind === 'map') this.elements('delete', name, gone);
    }
    for (const [name, set] of to.sets) {
      const old = from.sets.get(name);
      if (old === undefined) this.lines.push(`add ${set.kind} ${this.table} ${name} { ${set.declaration} }`);
      added.set(
        name,
        [...set.elements].filter(([key, value]) => old?.elements.get(key) !== value),
      );
    }
    for (const [name, { hook }] of to.chains) {
      if (!from.chains.has(name)) {
        this.lines.push(`add chain ${this.table} ${name}${hook === undefined ? '' : ` { ${hook} }`}`);
      }
    }
    for (const [name, { rules }] of from.chains) {
      if (!areEqual(rules, to.chains.get(name)?.rules)) this.lines.push(`flush chain ${this.table} ${name}`);
    }
    for (const [name, { rules }] of to.chains) {
      if (areEqual(rules, from.chains.get(name)?.rules)) continue;
      for (const rule of rules) this.lines.push(`add rule ${this.table} ${name} ${rule}`);
    }
    for (const [name, elements] of added) {
      const texts = elements.map(([key, value]) => (value === '' ? key : `${key} : ${value}`));
      this.elements('add', name, texts);
    }
    for (const name of from.chains.keys()) {
      if (!to.chains.has(name)) this.lines.push(`delete chain ${this.table} ${name}`);
    }
    for (const [name, { kind }] of from.sets) {
      if (!to.sets.has(name)) this.lines.push(`delete ${kind} ${this.table} ${name}`);
    }
  }

  private elements(verb: 'add' | 'delete', set: string, texts: readonly string[]): void {
    for (let i = 0; i < texts.length; i += ELEMENTS_PER_COMMAND) {
      const some = texts.slice(i, i + ELEMENTS_PER_COMMAND).join(', ');
      this.lines.push(`${verb} element ${this.table} ${set} { ${some} }`);
    }
  }
}

function areEqual(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]);
}
