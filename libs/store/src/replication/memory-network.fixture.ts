import { type Message } from '#raft';
import { type PeerHandler, type PeerTransport, type SnapshotMessage } from './peer-transport';

interface Endpoint {
  readonly url: string;
  id: bigint;
  handler: PeerHandler | undefined;
  peers: ReadonlyMap<bigint, string>;
  isDown: boolean;
}

/** Members' ways to each other in one process: any of them can be cut, and messages be lost, doubled and delayed. */
export class MemoryNetwork {
  /** Asked for each message. How many turns of the event loop it takes; several: it arrives so often; none: it is lost. */
  fate: (message: Message) => readonly number[] = () => [1];
  /** How many snapshots were sent. */
  snapshots = 0;
  private readonly breaks = new Set<() => void>();
  private readonly endpoints = new Map<string, Endpoint>();
  private groups: ReadonlyMap<string, number> = new Map();

  /** @param url under which others reach who uses it */
  transport(url: string): PeerTransport {
    const self: Endpoint = { url, id: 0n, handler: undefined, peers: new Map(), isDown: false };
    this.endpoints.set(url, self);
    return {
      start: async ({ memberId }, handler) => {
        self.id = memberId;
        self.handler = handler;
      },
      setPeers: (peers) => {
        self.peers = new Map(peers.map(({ id, urls }) => [id, urls[0]!]));
      },
      send: (messages) => {
        for (const message of messages) {
          for (const turns of this.fate(message)) void this.deliver(self, message, turns);
        }
      },
      sendSnapshot: (message, body) => this.sendSnapshot(self, message, body),
      request: async (to, body) => {
        const handler = this.reach(self, self.peers.get(to));
        await turn();
        const answer = await handler.answer(self.id, body);
        this.reach(self, self.peers.get(to));
        return answer;
      },
      discover: async (to) => {
        const handler = this.reach(self, to);
        await turn();
        return handler.describeCluster();
      },
      close: async () => this.end(self),
    };
  }

  /** As if its machine had stopped. */
  kill(url: string): void {
    this.end(this.endpoints.get(url)!);
  }

  /** Only members of the same group reach each other; those that are not named are alone. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.groups = new Map(groups.flatMap((urls, group) => urls.map((url) => [url, group + 1])));
    for (const [position, url] of [...this.endpoints.keys()].entries()) {
      if (!this.groups.has(url)) this.groups = new Map([...this.groups, [url, -1 - position]]);
    }
  }

  heal(): void {
    this.groups = new Map();
  }

  private end(endpoint: Endpoint): void {
    endpoint.isDown = true;
    for (const onBreak of this.breaks) onBreak();
  }

  private async deliver(from: Endpoint, message: Message, turns: number): Promise<void> {
    for (let left = turns; left > 0; left--) await turn();
    try {
      this.reach(from, from.peers.get(message.to)).receive(message);
    } catch {
      from.handler?.unreachable(message.to);
    }
  }

  private async sendSnapshot(from: Endpoint, message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void> {
    this.snapshots++;
    const reach = (): PeerHandler => this.reach(from, from.peers.get(message.to));
    async function* carried(): AsyncGenerator<Buffer> {
      for await (const chunk of body) {
        reach();
        yield chunk;
      }
    }
    await new Promise<void>((resolve, reject) => {
      // A connection ends with the machine at its other end.
      const onBreak = (): void => {
        if (!this.isReachable(from, from.peers.get(message.to))) reject(new Error('the connection broke'));
      };
      this.breaks.add(onBreak);
      reach()
        .receiveSnapshot(message, carried())
        .then(resolve, reject)
        .finally(() => this.breaks.delete(onBreak));
    });
  }

  private reach(from: Endpoint, url: string | undefined): PeerHandler {
    if (!this.isReachable(from, url)) throw new Error(`${url} cannot be reached`);
    return this.endpoints.get(url!)!.handler!;
  }

  private isReachable(from: Endpoint, url: string | undefined): boolean {
    const to = url === undefined ? undefined : this.endpoints.get(url);
    const isApart = this.groups.get(from.url) !== this.groups.get(url ?? '');
    return to?.handler !== undefined && !to.isDown && !from.isDown && !isApart;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
