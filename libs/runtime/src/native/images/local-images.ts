import { dockerArchive, type LocalImage } from '../../images/docker-archive';
import { planNodeImage } from '../../images/node-image';
import { pauseImage } from '../../images/pause-image';
import { thisArchitecture } from '../../local-image';
import { type ImageStore } from './image-store';

/**
 * Makes `nestor.local/pause:<hash>` and `nestor.local/node:{latest,<major>}` from this machine's files, unless they are here. They are pinned: no registry has them.
 * @returns the pause image's name
 */
export async function ensureStoredLocalImages(
  store: ImageStore,
  progress: (activity: string) => void = () => undefined,
): Promise<string> {
  const pause = pauseImage(thisArchitecture());
  const plan = await planNodeImage(thisArchitecture());
  await Promise.all([
    ensure(store, pause.key, async () => pause),
    ensure(store, plan.key, () => {
      progress('making the image nestor.local/node');
      return plan.build();
    }),
  ]);
  return pause.key;
}

async function ensure(store: ImageStore, key: string, build: () => Promise<LocalImage>): Promise<void> {
  if ((await store.status(key)) === undefined) await store.load(dockerArchive(await build()));
  await store.pin(key);
}
