/** What an entry of an image asks for and does not get: it would be outside the layer, or is impossible. */
export class UnsafeLayerError extends Error {
  override readonly name = 'UnsafeLayerError';
}

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
}

interface Common {
  readonly name: string;
  readonly parent: DirectoryNode | undefined;
  xattrs?: ReadonlyMap<string, Buffer>;
}

export interface DirectoryNode extends Common {
  readonly kind: 'directory';
  readonly children: Map<string, LayerNode>;
  /** Absent: implied by what is in it, and like the directory below that it covers. */
  attributes?: Attributes;
  /** Nothing of the layers below shows in it. */
  isOpaque: boolean;
}

export interface LinkNode extends Common {
  readonly kind: 'symlink';
  readonly target: string;
}

export interface LeafNode extends Common {
  readonly kind: 'file' | 'special' | 'whiteout';
}

export type LayerNode = DirectoryNode | LinkNode | LeafNode;

/** Where an entry goes: a directory that is one, and a name in it. */
export interface Place {
  readonly parent: DirectoryNode;
  readonly name: string;
  /** Directories that have just come to be, outermost first. */
  readonly made: readonly DirectoryNode[];
}

/** As the kernel counts (path_resolution(7)). */
const mostLinks = 40;
const longestName = 255;
/** Paths are given to the kernel whole, under the store's own directory, and may have 4096 bytes. */
const longestPath = 3000;

/**
 * What has been unpacked of a layer: all of it, since a layer begins as an empty directory in which nobody else may write. Hence this tree, and not the file
 * system, says where a path leads, and no symbolic link that an image brings is ever followed by the kernel. Paths are bytes as characters (latin1); the
 * layer's root is `/`, which `..` and absolute links do not leave.
 */
export class LayerTree {
  readonly root: DirectoryNode = {
    kind: 'directory',
    name: '',
    parent: undefined,
    children: new Map(),
    isOpaque: false,
  };

  /** Where an entry of that name goes; undefined for the root itself. Directories on the way are made in the tree. */
  place(path: string): Place | undefined {
    const components = componentsOf(path);
    const name = components.pop();
    if (name === undefined) return undefined;
    const made: DirectoryNode[] = [];
    const parent = this.walk(components, (directory, missing) => {
      const child = newDirectory(directory, missing);
      made.push(child);
      return child;
    });
    if (parent === undefined) throw new UnsafeLayerError('not reached: missing directories are made');
    return { parent, name, made };
  }

  /** What the name stands for, itself a link or not; undefined: nothing in this layer. */
  find(path: string): LayerNode | undefined {
    const components = componentsOf(path);
    const name = components.pop();
    if (name === undefined) return this.root;
    return this.walk(components, () => undefined)?.children.get(name);
  }

  private walk(
    components: readonly string[],
    missing: (directory: DirectoryNode, name: string) => DirectoryNode | undefined,
  ): DirectoryNode | undefined {
    const left = [...components].reverse();
    let current = this.root;
    let links = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '..') {
        current = current.parent ?? current;
        continue;
      }
      const child: LayerNode | undefined = current.children.get(name);
      if (child === undefined || child.kind === 'whiteout') {
        const made = missing(current, name);
        if (made === undefined) return undefined;
        current = made;
      } else if (child.kind === 'directory') current = child;
      else if (child.kind === 'symlink') {
        if (++links > mostLinks)
          throw new UnsafeLayerError(`too many symbolic links on the way to ${show(components)}`);
        if (child.target.startsWith('/')) current = this.root;
        left.push(...child.target.split('/').filter(isStep).reverse());
      } else throw new UnsafeLayerError(`${show(components)} leads through what is no directory`);
    }
    return current;
  }
}

/** Puts an empty directory into another. */
export function newDirectory(parent: DirectoryNode, name: string): DirectoryNode {
  const covered = parent.children.get(name);
  const node: DirectoryNode = {
    kind: 'directory',
    name: checkedName(name),
    parent,
    children: new Map(),
    // A name that was removed and made again shows nothing of what it was.
    isOpaque: covered?.kind === 'whiteout',
  };
  pathOf(node);
  parent.children.set(name, node);
  return node;
}

/** From the layer's root, without a slash in front; the root is ''. Throws when it is longer than the kernel takes. */
export function pathOf(node: LayerNode): string {
  const names: string[] = [];
  for (let at: LayerNode | undefined = node; at?.parent !== undefined; at = at.parent) names.push(at.name);
  const path = names.reverse().join('/');
  if (path.length > longestPath) throw new UnsafeLayerError(`the path ${show([path.slice(0, 100)])}… is too long`);
  return path;
}

export function checkedName(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new UnsafeLayerError(`${show([name])} is no name of a file`);
  }
  if (name.length > longestName) throw new UnsafeLayerError(`the name ${show([name.slice(0, 100)])}… is too long`);
  return name;
}

/** The steps of an entry's path. Absolute ones begin at the layer's root; those that go up are refused, as nothing honest writes them. */
function componentsOf(path: string): string[] {
  const components = path.split('/').filter(isStep);
  if (components.includes('..')) throw new UnsafeLayerError(`the path ${show(components)} leads out of its directory`);
  if (path.includes('\0')) throw new UnsafeLayerError(`the path ${show(components)} has a zero byte`);
  return components;
}

function isStep(component: string): boolean {
  return component !== '' && component !== '.';
}

function show(components: readonly string[]): string {
  return JSON.stringify(Buffer.from(components.join('/'), 'latin1').toString('utf8').slice(0, 200));
}
