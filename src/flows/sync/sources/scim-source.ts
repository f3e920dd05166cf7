import type { ConnectionPolicy } from '../../../plan/policy.js';
import type { FieldName } from '../../../plan/statement.js';
import { MINUTE, parseTime, formatTime, type Micros } from '../../../platform/clock.js';
import type { ScimSourceSettings } from '../../../records/sources/source-settings.js';
import { PageGuard } from './page-guard.js';
import { isObject, SCIM_MEDIA, type ScimJson, ScimList, type ScimPlace } from './scim-list.js';
import { readUserGroups, ScimMemberships } from './scim-memberships.js';
import { toScimRecord } from './scim-record.js';
import type { SourceClient } from './source-client.js';
import { SourceFailure, type SourcePage, type SourcePlace, type SourceReader } from './source-reader.js';
import { writeRecord } from './write-record.js';

/** Servers of several machines date changes by several clocks, and show them when they are committed. */
const OVERLAP: Micros = 5 * MINUTE;
/** Groups carry their members. */
const GROUPS_PER_PAGE = 20;

/** What a finished reading leaves. */
interface ScimState {
  /**
   * The newest `meta.lastModified` that was seen, and no later than when the reading began; changes are asked for from a
   * little before it.
   */
  since: Micros | null;
  /** Digest of all memberships. */
  groups: string | null;
  /** What its users have shown: who lacks one of these states so. */
  shown: FieldName[];
}

/** A reading that has begun. */
interface ScimReading extends ScimState {
  users: ScimPlace;
  /** When the first page was answered: who changes later may have been read before that. Null: it was not yet. */
  begunAt: Micros | null;
  /** Null: of everybody. */
  filter: string | null;
}

interface ScimServer {
  hasCursors: boolean;
  mayFilter: boolean;
}

/** What the reader has to know of the connection that it reads for. */
export interface ScimReaderOptions {
  findPolicy(): Promise<ConnectionPolicy>;
  now(): Micros;
}

/** The users and groups of a SCIM 2.0 server (RFC 7644). */
export class ScimSource implements SourceReader {
  private guard: PageGuard;

  constructor(
    private readonly client: SourceClient,
    private readonly settings: ScimSourceSettings,
    private readonly options: ScimReaderOptions,
  ) {
    this.guard = new PageGuard(client.limits);
  }

  async *read(place: SourcePlace, mode: 'full' | 'changes', signal: AbortSignal): AsyncGenerator<SourcePage> {
    const policy = await this.options.findPolicy();
    const server = await this.askServer(signal);
    const state = place.state as ScimState | null;
    const begun = place.page as ScimReading | null;
    if (begun === null) this.guard = new PageGuard(this.client.limits);
    const memberships = new ScimMemberships(policy.mapping.groupKey);
    for await (const isFirst of this.readGroups(memberships, server, signal)) {
      // That the source answers is told before all of its groups are read.
      if (isFirst) yield { records: [], place, isLast: false };
    }
    if (this.settings.groups === 'list' && !memberships.isKnown) assertNeverGrouped(begun ?? state);
    const reading = begun ?? this.begin(state, mode, server, memberships.digest());
    try {
      yield* this.readUsers(reading, { state, mode, policy, memberships, signal });
    } catch (error) {
      // A filter that it does not know, or a cursor that it has forgotten: everything from the beginning, then.
      const isRefused = error instanceof SourceFailure && (error.status === 400 || error.status === 501);
      if (!isRefused || (reading.filter === null && begun === null)) throw error;
      this.guard.startOver();
      const again = { ...reading, filter: null, users: this.startOf(server) };
      yield* this.readUsers(again, { state, mode, policy, memberships, signal });
    }
  }

  private begin(
    state: ScimState | null,
    mode: 'full' | 'changes',
    server: ScimServer,
    groups: string | null,
  ): ScimReading {
    const since = state?.since ?? null;
    // Whose groups have changed is not dated by the server: then everybody is read; always, where users alone tell it.
    const isSameGroups = this.settings.groups !== 'users' && state?.groups === groups;
    const mayNarrow = mode === 'changes' && server.mayFilter && since !== null && isSameGroups;
    return {
      since,
      groups,
      shown: state?.shown ?? [],
      users: this.startOf(server),
      begunAt: null,
      filter: mayNarrow ? `meta.lastModified ge "${formatTime(since - OVERLAP)}"` : null,
    };
  }

  private startOf({ hasCursors }: ScimServer): ScimPlace {
    const { paging } = this.settings;
    return paging === 'cursor' || (paging === 'auto' && hasCursors)
      ? { cursor: '', named: 0 }
      : { index: 1, last: null };
  }

  private async *readUsers(
    reading: ScimReading,
    around: {
      state: ScimState | null;
      mode: 'full' | 'changes';
      policy: ConnectionPolicy;
      memberships: ScimMemberships;
      signal: AbortSignal;
    },
  ): AsyncGenerator<SourcePage> {
    const { state, mode, policy, memberships, signal } = around;
    const { filter, groups } = reading;
    const { guard } = this;
    const shown = new Set(reading.shown);
    // Whoever is in a group shows that there are groups, on whichever page they stand.
    if (!memberships.isEmpty) shown.add('groups');
    let { since, begunAt } = reading;
    const list = new ScimList(this.client, guard, {
      url: `${this.settings.url}/Users`,
      filter,
      pageSize: this.settings.pageSize,
      from: reading.users,
      signal,
    });
    for await (const { resources, next, incomplete, answeredAt } of list.read()) {
      guard.count(resources.length);
      begunAt ??= earlier(answeredAt, this.options.now());
      const records = resources.map((user) => {
        since = later(since, this.readModified(user));
        return writeRecord(
          toScimRecord(user, this.groupsOf(user, memberships, policy), shown, this.recordOptions(policy)),
        );
      });
      const now: ScimState = { since, groups, shown: [...shown] };
      const end: ScimState = { ...now, since: since === null ? null : Math.min(since, begunAt) };
      yield {
        records,
        place: next === null ? { state: end, page: null } : { state, page: { ...now, users: next, begunAt, filter } },
        isLast: next === null,
        ...(incomplete !== null && mode === 'full' ? { incomplete } : {}),
      };
    }
  }

  private recordOptions(policy: ConnectionPolicy) {
    return { externalId: this.settings.externalId, ceilings: policy };
  }

  private groupsOf(user: ScimJson, memberships: ScimMemberships, { mapping }: ConnectionPolicy): string[] | null {
    if (memberships.isKnown) return typeof user.id === 'string' ? memberships.namesOf(user.id) : null;
    return this.settings.groups === 'users' ? readUserGroups(user, mapping.groupKey) : null;
  }

  /** A time ahead of now would hide what changes before it comes. */
  private readModified({ meta }: ScimJson): Micros | null {
    const text = isObject(meta) ? meta.lastModified : null;
    const at = typeof text === 'string' ? parseTime(text) : null;
    return at === null ? null : Math.min(at, this.options.now());
  }

  /** What the server says that it can; one that does not say is asked for the least. */
  private async askServer(signal: AbortSignal): Promise<ScimServer> {
    const url = `${this.settings.url}/ServiceProviderConfig`;
    const config = await this.findResource(url, signal);
    const { filter, pagination } = config ?? {};
    return {
      mayFilter: !isObject(filter) || filter.supported !== false,
      hasCursors: isObject(pagination) && pagination.cursor === true,
    };
  }

  /** Whether it was the first page, for each page of them. */
  private async *readGroups(
    memberships: ScimMemberships,
    server: ScimServer,
    signal: AbortSignal,
  ): AsyncGenerator<boolean> {
    if (this.settings.groups !== 'list') return;
    const list = new ScimList(this.client, new PageGuard(this.client.limits), {
      url: `${this.settings.url}/Groups`,
      filter: null,
      pageSize: Math.min(GROUPS_PER_PAGE, this.settings.pageSize),
      from: this.startOf(server),
      signal,
    });
    let first: ScimJson | undefined;
    try {
      for await (const { resources, incomplete } of list.read()) {
        yield !memberships.isKnown;
        memberships.addAll(resources);
        first ??= resources[0];
        if (incomplete !== null) throw new SourceFailure('unreachable', `Not all groups could be read. ${incomplete}`);
      }
    } catch (error) {
      if (!(error instanceof SourceFailure) || (error.status !== 404 && error.status !== 501)) throw error;
      // It has no groups at all.
      if (!memberships.isKnown) return;
      // A part of the groups is not all of them: whoever is in the others would lose these.
      throw new SourceFailure('unreachable', `Not all groups could be read. ${error.message}`, { cause: error });
    }
    if (first && memberships.isEmpty) await this.assertMembersShown(first, signal);
  }

  /** Some servers leave members out of lists: that nobody is in a group would then be a mistake with consequences. */
  private async assertMembersShown(group: ScimJson, signal: AbortSignal): Promise<void> {
    const url = `${this.settings.url}/Groups/${encodeURIComponent(String(group.id))}`;
    const members = (await this.findResource(url, signal))?.members;
    if (!Array.isArray(members) || members.length === 0) return;
    throw new SourceFailure(
      'invalid',
      'Its list of groups leaves out their members: set `groups` to `users` or `none`.',
    );
  }

  /** Null where it is not shown. */
  private async findResource(url: string, signal: AbortSignal): Promise<ScimJson | null> {
    try {
      const page = await this.client.getJson(url, { accept: SCIM_MEDIA, signal });
      return isObject(page?.value) ? page.value : null;
    } catch (error) {
      if (!(error instanceof SourceFailure) || error.status === null || error.kind === 'unreachable') throw error;
      return null;
    }
  }
}

/** A source that had groups and says that there is no such thing is misled for now: nobody leaves them for it. */
function assertNeverGrouped(known: ScimState | null): void {
  if (!known?.shown.includes('groups')) return;
  throw new SourceFailure(
    'unreachable',
    'Its groups are not there, though it had some: if it has no more, set `groups` to `users` or `none`.',
  );
}

function later(one: Micros | null, other: Micros | null): Micros | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function earlier(one: Micros | null, other: Micros): Micros {
  return one === null ? other : Math.min(one, other);
}
