import { type DockerApi } from './docker/docker-api';
import { type Engine } from './docker/engine';
import { statusOf } from './docker/errors';
import { dockerArchive, type LocalImage } from './images/docker-archive';
import { planNodeImage } from './images/node-image';
import { type Architecture } from './images/pause-program';
import { pauseImage } from './images/pause-image';

/** Told while images are made; nothing is told of images that are there. */
export type LocalImageProgress = (activity: string) => void;

const prefix = 'nestor.local/';

/** Images of this registry are made on this machine and never pulled, whatever the pull policy says. */
export function isLocalImage(image: string): boolean {
  return image.startsWith(prefix);
}

/**
 * Makes `nestor.local/pause:<hash>` and `nestor.local/node:{latest,<major>}` from this machine's files, once: images are found again by a tag with a hash of
 * their content. Concurrent calls, also of other processes, are harmless. Takes a second or two the first time, some milliseconds later.
 */
export async function ensureLocalImages(
  docker: DockerApi,
  progress: LocalImageProgress = () => undefined,
): Promise<void> {
  await Promise.all([ensurePause(docker), ensureNode(docker, progress)]);
}

/** The local images of one engine, made at most once at a time. */
export class LocalImages {
  private pausing: Promise<string> | undefined;

  constructor(private readonly engine: Engine) {}

  /** The sandbox image's name; it exists. */
  pause(): Promise<string> {
    this.pausing ??= this.engine.call(ensurePause, 'create-failed').catch((error: unknown) => {
      this.pausing = undefined;
      throw error;
    });
    return this.pausing;
  }

  /** Somebody removed an image. */
  forget(): void {
    this.pausing = undefined;
  }

  ensureAll(): Promise<void> {
    return this.engine.call((docker) => ensureLocalImages(docker), 'create-failed');
  }
}

async function ensurePause(docker: DockerApi): Promise<string> {
  const image = pauseImage(thisArchitecture());
  if (!(await exists(docker, image.key))) await load(docker, image);
  return image.key;
}

async function ensureNode(docker: DockerApi, progress: LocalImageProgress): Promise<void> {
  const plan = await planNodeImage(thisArchitecture());
  const { key, tags } = plan;
  if (await exists(docker, key)) {
    // Another version of Node may have taken the common names since.
    await Promise.all(tags.map((name) => tag(docker, key, name)));
    return;
  }
  progress('making the image nestor.local/node');
  await load(docker, await plan.build());
}

async function exists(docker: DockerApi, name: string): Promise<boolean> {
  try {
    await docker.inspectImage(name);
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

async function tag(docker: DockerApi, source: string, name: string): Promise<void> {
  const colon = name.lastIndexOf(':');
  await docker.tagImage(source, { repo: name.slice(0, colon), tag: name.slice(colon + 1) });
}

/** The engine's answer is a stream of progress; an error in it is the load's. */
async function load(docker: DockerApi, image: LocalImage): Promise<void> {
  const answer = await docker.loadImage(dockerArchive(image));
  let text = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString('utf8');
  const problem = /"error":"((?:[^"\\]|\\.)*)"/.exec(text);
  if (problem !== null) throw new Error(`the engine did not take the image ${image.tags[0]}: ${problem[1]}`);
}

/** Throws where no local images can be made. */
export function thisArchitecture(): Architecture {
  if (process.arch === 'x64' || process.arch === 'arm64') return process.arch;
  throw new Error(`no local images can be made for ${process.arch}: only x64 and arm64 are known`);
}
