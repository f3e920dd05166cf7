import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

export interface ScimmyUser {
  id: string;
  userName: string;
  active?: boolean;
  displayName?: string;
  title?: string;
  emails?: { value: string; primary?: boolean; type?: string }[];
  roles?: { value: string }[];
  name?: { givenName?: string; familyName?: string; formatted?: string };
  meta?: { created: Date; lastModified: Date };
}

export interface ScimmyGroup {
  id: string;
  displayName: string;
  members: { value: string; type?: 'User' | 'Group' }[];
}

/** A SCIM server that is not ours (scimmy-routers), with people in memory. One a process: its resources are global. */
export interface ScimmyServer {
  url: string;
  users: ScimmyUser[];
  groups: ScimmyGroup[];
  /** Of every request. */
  asked: { url: string; headers: IncomingHttpHeaders }[];
  stop(): Promise<void>;
}

export const SCIMMY_TOKEN = 'scimmy-token';

export async function startScimmy(): Promise<ScimmyServer> {
  const users: ScimmyUser[] = [];
  const groups: ScimmyGroup[] = [];
  const asked: ScimmyServer['asked'] = [];
  const find = <T extends { id: string }>(list: T[], { id, filter }: { id?: string; filter?: unknown }): T | T[] => {
    const one = list.find((each) => each.id === id);
    if (id === undefined) return (filter as { match(all: T[]): T[] } | undefined)?.match(list) ?? [...list];
    if (one) return one;
    throw new SCIMMY.Types.Error(404, null as never, `Resource ${id} not found`);
  };
  const refuse = (): never => {
    throw new SCIMMY.Types.Error(501, null as never, 'It is read alone.');
  };
  const handlers = (list: { id: string }[]) => ({
    egress: (resource: { id?: string; filter?: unknown }) => find(list, resource),
    ingress: refuse,
    degress: refuse,
  });
  SCIMMY.Resources.declare(SCIMMY.Resources.User, handlers(users) as never);
  SCIMMY.Resources.declare(SCIMMY.Resources.Group, handlers(groups) as never);
  const app = express();
  // scimmy-routers makes numbers of these itself, which Express 5 forgets: there, the query is parsed at each look.
  app.set('query parser', readQuery);
  app.use((request, _response, next) => {
    asked.push({ url: request.url, headers: request.headers });
    next();
  });
  const handler = (request: { header(name: string): string | undefined }): string => {
    if (request.header('authorization') !== `Bearer ${SCIMMY_TOKEN}`) throw new Error('It is not authorised.');
    return 'somebody';
  };
  app.use('/scim/v2', new SCIMMYRouters({ type: 'bearer', handler }));
  const server = app.listen(0, '127.0.0.1');
  await new Promise<void>((resolve) => void server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scim/v2`,
    users,
    groups,
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function readQuery(text: string): Record<string, string | number> {
  const query: Record<string, string | number> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    query[name] = name === 'startIndex' || name === 'count' ? Number(value) : value;
  }
  return query;
}
