import { type ContainerInfo } from 'dockerode';
import { type RuntimeEvent } from '../container-runtime';
import { type InspectedContainer, toContainerStatus } from './container-state';
import { type Engine } from './engine';
import { type ImageStore } from './image-store';

/**
 * Containers as they were last inspected. Listing tells the state only; when that has not changed, and no event said otherwise, neither has the rest.
 */
export class Inspections {
  private readonly known = new Map<string, InspectedContainer>();

  constructor(
    private readonly engine: Engine,
    private readonly images: ImageStore,
  ) {}

  async inspect(id: string): Promise<InspectedContainer> {
    const info = await this.engine.call((docker) => docker.inspectContainer(id), 'not-found');
    if (!this.images.knowsDigest(info.Image)) await this.images.status(info.Image);
    const inspected = toContainerStatus(info, (image) => this.images.digestOf(image));
    this.known.set(info.Id, inspected);
    return inspected;
  }

  /** Undefined: it was removed since it was listed. */
  async ofListed({ Id, State }: ContainerInfo): Promise<InspectedContainer | undefined> {
    const known = this.known.get(Id);
    if (known !== undefined && known.status.state === stateOf(State)) return known;
    try {
      return await this.inspect(Id);
    } catch (error) {
      if ((error as { code?: string }).code === 'not-found') return undefined;
      throw error;
    }
  }

  /** What never changes may come from memory. */
  async withoutState(id: string): Promise<Pick<InspectedContainer, 'tty'>> {
    return this.known.get(id) ?? (await this.inspect(id));
  }

  forget({ containerId }: Pick<RuntimeEvent, 'containerId'>): void {
    this.known.delete(containerId);
  }

  forgetAll(): void {
    this.known.clear();
  }
}

function stateOf(listed: string): string {
  if (listed === 'running' || listed === 'paused' || listed === 'restarting') return 'running';
  return listed === 'created' ? 'created' : 'exited';
}
