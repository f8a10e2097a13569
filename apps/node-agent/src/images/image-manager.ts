import { type Clock, goQuote } from '#machinery';
import { type ContainerRuntime, type ImageCredentials, type ImageStatus, RuntimeError } from '#runtime';
import { ContainerError } from '../containers/errors';
import { type BackOff, goDuration } from '../pods/back-off';
import { defaultPullPolicy, normalizeImage } from './image-name';

export interface ImageRequest {
  readonly podUid: string;
  readonly image: string;
  readonly policy?: string;
  /** Looked up only when something is pulled. */
  credentials(): Promise<ImageCredentials | undefined>;
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

/**
 * Makes images present, with the kubelet's policies, delays, reasons and event texts. Containers that want the same image at the same time share one
 * pull.
 */
export class ImageManager {
  private readonly pulls = new Map<string, Promise<string>>();
  private readonly lastErrors = new Map<string, string>();

  constructor(
    private readonly runtime: ContainerRuntime,
    private readonly clock: Clock,
    private readonly backOff: BackOff,
  ) {}

  /** Resolves with the image; rejects with `ContainerError`. */
  async ensure(request: ImageRequest): Promise<ImageStatus> {
    const image = normalizeImage(request.image);
    if (image === undefined) {
      const message = `Failed to apply default image tag ${goQuote(request.image)}: couldn't parse image name ${goQuote(request.image)}: invalid reference format`;
      request.event('Warning', 'InspectFailed', message);
      throw new ContainerError('InvalidImageName', message);
    }
    const policy = request.policy ?? defaultPullPolicy(request.image);
    const present = await this.runtime.imageStatus(image);
    const shown = goQuote(request.image);
    if (present !== undefined && policy !== 'Always') {
      const message = `Container image ${shown} already present on machine and can be accessed by the pod`;
      request.event('Normal', 'Pulled', message);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image ${shown} is not present with pull policy of Never`;
      request.event('Warning', 'ErrImageNeverPull', message);
      throw new ContainerError('ErrImageNeverPull', message);
    }
    return this.pull(request, image);
  }

  /** When the pod's image may be tried again; undefined: now. */
  blockedUntil(podUid: string, image: string): number | undefined {
    return this.backOff.blockedUntilSinceUpdate(`${podUid}_${image}`, this.clock.now());
  }

  forget(podUid: string): void {
    this.backOff.forget(`${podUid}_`);
    for (const key of this.lastErrors.keys()) if (key.startsWith(`${podUid}_`)) this.lastErrors.delete(key);
  }

  private async pull(request: ImageRequest, image: string): Promise<ImageStatus> {
    const { podUid, event } = request;
    const key = `${podUid}_${request.image}`;
    const shown = goQuote(request.image);
    if (this.backOff.blockedUntilSinceUpdate(key, this.clock.now()) !== undefined) {
      event('Normal', 'BackOff', `Back-off pulling image ${shown}`);
      const last = this.lastErrors.get(key);
      throw new ContainerError(
        'ImagePullBackOff',
        `Back-off pulling image ${shown}${last === undefined ? '' : `: ${last}`}`,
      );
    }
    event('Normal', 'Pulling', `Pulling image ${shown}`);
    const startedAt = this.clock.monotonic();
    try {
      await this.pullOnce(image, await request.credentials());
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      const now = this.clock.now();
      this.backOff.next(key, now, now);
      event('Warning', 'Failed', `Failed to pull image ${shown}: ${cause}`);
      const isUnavailable = error instanceof RuntimeError && error.code === 'registry-unavailable';
      const reason = isUnavailable ? 'RegistryUnavailable' : 'ErrImagePull';
      const message = isUnavailable
        ? `image pull failed for ${request.image} because the registry is unavailable: ${cause}`
        : cause;
      this.lastErrors.set(key, `${reason}: ${message}`);
      throw new ContainerError(reason, message);
    }
    const status = await this.runtime.imageStatus(image);
    if (status === undefined)
      throw new ContainerError('ImageInspectError', `Failed to inspect image ${shown}: it is gone`);
    const took = goDuration(Math.round(this.clock.monotonic() - startedAt));
    event(
      'Normal',
      'Pulled',
      `Successfully pulled image ${shown} in ${took} (${took} including waiting). Image size: ${status.sizeBytes} bytes.`,
    );
    this.lastErrors.delete(key);
    return status;
  }

  private pullOnce(image: string, credentials: ImageCredentials | undefined): Promise<string> {
    const key = `${image}\0${credentials?.serverAddress ?? ''}\0${credentials?.username ?? ''}\0${credentials?.password ?? ''}`;
    const running = this.pulls.get(key);
    if (running !== undefined) return running;
    const pull = this.runtime.pullImage(image, credentials).finally(() => this.pulls.delete(key));
    this.pulls.set(key, pull);
    return pull;
  }
}
