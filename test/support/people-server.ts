import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of people over HTTP, in pages of JSON that lead to one another. */
export interface PeopleServer {
  url: string;
  /** The pages that were asked for, from 0, in order. */
  asked: number[];
  /** Answers each page only when this has settled. */
  before: (page: number) => Promise<void>;
  /** Answers this instead of people; 0 for people. */
  status: number;
  stop(): Promise<void>;
}

export async function servePeople(people: readonly object[], pageSize: number): Promise<PeopleServer> {
  const served: Omit<PeopleServer, 'url' | 'stop'> = { asked: [], before: () => Promise.resolve(), status: 0 };
  const answer = (page: number): string => {
    const items = people.slice(page * pageSize, (page + 1) * pageSize);
    const isLast = (page + 1) * pageSize >= people.length;
    return JSON.stringify({ items, next: isLast ? null : `/people?page=${page + 1}` });
  };
  const server = createServer((request, response) => {
    const page = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page') ?? 0);
    served.asked.push(page);
    void served.before(page).then(() => {
      response.writeHead(served.status || 200, { 'content-type': 'application/json' });
      response.end(served.status ? '{}' : answer(page));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(served, { url: `http://127.0.0.1:${port}/people`, stop });
}
