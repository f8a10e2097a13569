'use strict';
// Loaded into a member before its program (`disk.ts`): its disk. What the member writes goes to the file at once, as into a page cache, and
// what was there before is noted aside until it is durable: a write through a descriptor of O_DSYNC when it is answered, and it alone; any
// other when an `fdatasync` of its file is. Names of files are as good as durable, which `SimulatedFiles` is stricter about.
const fs = require('node:fs');
const path = require('node:path');

const control = process.env.CHAOS_DISK;
const notes = `${control}-unsynced`;
const data = process.env.STORE_DATA_DIR;
const { open, close, write, ftruncate, fdatasync } = fs;

/** By descriptor. */
const files = new Map();

/** @returns {{ delayMs?: number, error?: string }} what the disk is told to do now */
function orders() {
  try {
    return JSON.parse(fs.readFileSync(control, 'utf8'));
  } catch {
    // Nobody has told it anything, or is just about to.
    return {};
  }
}

/** As soon as a slow disk is done, with what a broken one says. */
function whenDone(callback) {
  const { delayMs = 0, error } = orders();
  const failure = error ? Object.assign(new Error(`${error}: the disk is broken`), { code: error }) : null;
  if (delayMs > 0) setTimeout(callback, delayMs, failure);
  else callback(failure);
}

/** What a file has where it is about to be written, and how long it is. @returns the note's name */
function note({ inode }, descriptor, position, length) {
  const size = fs.fstatSync(descriptor).size;
  const old = Buffer.alloc(Math.max(0, Math.min(length, size - position)));
  fs.readSync(descriptor, old, 0, old.length, position);
  // Names sort as they were made, over restarts too, and whatever the wall clock says.
  const name = path.join(notes, `${inode}-${String(process.hrtime.bigint()).padStart(20, '0')}`);
  const written = Number.isFinite(length) ? length : old.length;
  fs.writeFileSync(name, JSON.stringify({ inode, position, length: written, size, old: old.toString('base64') }));
  return name;
}

function notesOf({ inode }) {
  return fs.readdirSync(notes).filter((name) => name.startsWith(`${inode}-`));
}

/** In the place of an original, with what `promisify` reads from it. */
function replace(name, replacement) {
  const original = fs[name];
  for (const symbol of Object.getOwnPropertySymbols(original)) {
    Object.defineProperty(replacement, symbol, Object.getOwnPropertyDescriptor(original, symbol));
  }
  fs[name] = replacement;
}

if (control !== undefined) {
  fs.mkdirSync(notes, { recursive: true });

  replace('open', (file, flags, mode, callback) => {
    open(file, flags, mode, (error, descriptor) => {
      if (!error && typeof flags === 'number' && String(file).startsWith(data)) {
        const isSynchronous = (flags & fs.constants.O_DSYNC) !== 0;
        files.set(descriptor, { inode: fs.fstatSync(descriptor).ino, isSynchronous });
      }
      callback(error, descriptor);
    });
  });

  replace('close', (descriptor, callback) => {
    files.delete(descriptor);
    close(descriptor, callback);
  });

  replace('write', (descriptor, buffer, offset, length, position, callback) => {
    const file = files.get(descriptor);
    if (file === undefined) return write(descriptor, buffer, offset, length, position, callback);
    const noted = note(file, descriptor, position, length);
    write(descriptor, buffer, offset, length, position, (error, written) => {
      if (error || !file.isSynchronous) return callback(error, written, buffer);
      whenDone((failure) => {
        if (failure === null) fs.rmSync(noted, { force: true });
        callback(failure, written, buffer);
      });
    });
  });

  replace('ftruncate', (descriptor, length, callback) => {
    const file = files.get(descriptor);
    if (file !== undefined) note(file, descriptor, length, Infinity);
    ftruncate(descriptor, length, callback);
  });

  replace('fdatasync', (descriptor, callback) => {
    const file = files.get(descriptor);
    if (file === undefined) return fdatasync(descriptor, callback);
    const before = notesOf(file);
    fdatasync(descriptor, (error) => {
      if (error) return callback(error);
      whenDone((failure) => {
        if (failure === null) for (const name of before) fs.rmSync(path.join(notes, name), { force: true });
        callback(failure);
      });
    });
  });
}
