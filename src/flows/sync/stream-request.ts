import type { Micros } from '../../platform/clock.js';
import type { Fault } from '../../platform/problem.js';
import { readEnvelope, type SyncRequest } from './sync-request.js';

/** What is asked of a stream; its records come after. */
export interface StreamRequest extends Omit<SyncRequest, 'records' | 'atomic'> {
  kind: 'push' | 'import' | 'pull';
}

const NAMES = ['mode', 'dryRun', 'statedAt', 'scope', 'connection', 'kind', 'atomic'];

/** Reads the query of a stream: what stands in a JSON push beside its records. Names every fault. */
export function readStreamRequest(
  query: Readonly<Record<string, unknown>>,
  now: Micros,
): { request: StreamRequest; faults: Fault[] } {
  const inQuery: Fault[] = [];
  const { kind = 'push', dryRun, atomic, ...rest } = query;
  for (const [name, value] of Object.entries(query)) {
    if (!NAMES.includes(name)) inQuery.push({ pointer: `/${name}`, detail: 'is not known here' });
    else if (typeof value !== 'string') inQuery.push({ pointer: `/${name}`, detail: 'stands more than once' });
  }
  if (atomic !== undefined) {
    inQuery.push({ pointer: '/atomic', detail: 'is for pushes of one JSON body: a stream is committed in chunks' });
  }
  if (kind !== 'push' && kind !== 'import') inQuery.push({ pointer: '/kind', detail: 'must be `push` or `import`' });
  const envelope: Record<string, unknown> = { users: [] };
  for (const [name, value] of Object.entries(rest)) if (NAMES.includes(name)) envelope[name] = value;
  if (dryRun !== undefined) envelope.dryRun = dryRun === 'true' ? true : dryRun === 'false' ? false : dryRun;
  const faults: Fault[] = [];
  const { records: _, atomic: __, ...asked } = readEnvelope(envelope, now, faults);
  return {
    request: { ...asked, kind: kind === 'import' ? 'import' : 'push' },
    faults: [...inQuery, ...faults].map(({ pointer, detail }) => ({ pointer: `?${pointer.slice(1)}`, detail })),
  };
}
