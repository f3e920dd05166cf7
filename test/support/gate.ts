import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Hold {
  path: string;
  /** So many requests of the path pass before. */
  skip: number;
  /** So many bytes of the answer pass; 0: the request itself waits. */
  bytes: number;
  reached(): void;
}

/** Stands before a service, and lets requests and answers pass or wait. */
export class Gate {
  private hold: Hold | null = null;
  private opened = Promise.withResolvers<void>();

  private constructor(
    private readonly server: Server,
    private readonly target: string,
  ) {}

  static async start(target: string): Promise<Gate> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const gate = new Gate(server, target);
    server.on('request', (asked: IncomingMessage, answer: ServerResponse) => {
      gate.pass(asked, answer).catch(() => answer.destroy());
    });
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Closes at a request of this path, or within its answer; settles when somebody waits there. */
  closeAt(path: string, skip: number, bytes = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = Promise.withResolvers();
    this.hold = { path, skip, bytes, reached: resolve };
    return promise;
  }

  open(): void {
    this.hold = null;
    this.opened.resolve();
  }

  async stop(): Promise<void> {
    this.open();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const hold = this.findHold(asked.url ?? '');
    const body: Buffer[] = [];
    for await (const piece of asked) body.push(piece as Buffer);
    if (hold?.bytes === 0) await this.wait(hold);
    const upstream = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, headers } = asked;
      request(this.target + (asked.url ?? ''), { method, headers }, resolve)
        .on('error', reject)
        .end(Buffer.concat(body));
    });
    answer.writeHead(upstream.statusCode ?? 502, upstream.headers);
    let passed = 0;
    for await (const piece of upstream as AsyncIterable<Buffer>) {
      answer.write(piece);
      passed += piece.length;
      if (hold && hold.bytes > 0 && passed >= hold.bytes) await this.wait(hold);
    }
    answer.end();
  }

  private findHold(url: string): Hold | null {
    if (!this.hold || !url.startsWith(this.hold.path)) return null;
    if (this.hold.skip > 0) {
      this.hold.skip -= 1;
      return null;
    }
    return this.hold;
  }

  private async wait({ reached }: Hold): Promise<void> {
    reached();
    await this.opened.promise;
  }
}
