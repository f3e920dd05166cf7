import { createConnection, type Socket } from 'node:net';

/** What came back: the status, and the body where there is one. */
export interface Answer {
  status: number;
  body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One keep-alive connection that sends finished requests and reads just enough of the answers: the machine's cores
 * belong to the service that is measured, and a full HTTP client would take a third of one.
 */
export class Wire {
  private received: Buffer = Buffer.alloc(0);
  private waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('The service closed the connection.')));
  }

  static open(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: hostname, port: Number(port) }, () => resolve(new Wire(socket)));
      socket.once('error', reject);
    });
  }

  /** One request at a time. */
  send(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.waiting = null;
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headEnd = this.received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const end = headEnd + HEAD_END.length + length;
    if (this.received.length < end) return;
    const body = this.received.subarray(headEnd + HEAD_END.length, end);
    this.received = this.received.subarray(end);
    const { waiting } = this;
    this.waiting = null;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  private fail(error: Error): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.reject(error);
  }
}

export interface WireRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A finished request, ready to be sent. */
export function requestBytes(url: string, { method, path, headers = {}, body = '' }: WireRequest): Buffer {
  const lines = Object.entries({
    host: new URL(url).host,
    ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

export function postRequest(url: string, path: string, body: string, headers: Record<string, string> = {}): Buffer {
  return requestBytes(url, { method: 'POST', path, headers, body });
}

/**
 * Runs `task` from `workers` loops until it answers false. Returns how many tasks were done, and the seconds it took.
 */
export async function runLoops(
  workers: number,
  task: (worker: number) => Promise<boolean>,
): Promise<{ done: number; seconds: number }> {
  let done = 0;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (await task(worker)) done += 1;
    }),
  );
  return { done, seconds: (performance.now() - from) / 1000 };
}
