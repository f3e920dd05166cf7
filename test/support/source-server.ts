import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on loopback that people are fetched from, and what it was asked. */
export interface SourceServer {
  url: string;
  asked: { url: string; headers: IncomingMessage['headers'] }[];
  /** What it answers from now on. */
  answer(listener: RequestListener): void;
  stop(): Promise<void>;
}

export async function startSourceServer(listener: RequestListener): Promise<SourceServer> {
  let current = listener;
  const asked: SourceServer['asked'] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers });
    response.on('error', () => {});
    current(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (next) => (current = next),
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

/** People as sync records: `u-<from>`, … */
export function people(from: number, count: number): { externalId: string; userName: string }[] {
  return Array.from({ length: count }, (_, at) => ({ externalId: `u-${from + at}`, userName: `user${from + at}` }));
}
