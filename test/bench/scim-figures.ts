import { randomUUID } from 'node:crypto';
import type mysql from 'mysql2/promise';
import { DirectoryCopier } from './directory-copier.js';
import { atLeast, type Figure, type Measurement, type Sizes, within } from './figure.js';
import { readMetric } from './process-figures.js';
import { compareLatency, markOf, ScimClient, type ScimList } from './scim-client.js';
import type { Stage } from './stage.js';
import { median, round } from './statistics.js';
import { runLoops } from './wire.js';

const CONNECTIONS = 16;
const SECONDS = 1.5;
const ROUNDS = 5;
const PER_PAGE = 20;
const SMALL_GROUP = 10;

export const scimCreates: Measurement = { names: ['scim_create_ratio'], measure: measureCreates };
export const scimLatencies: Measurement = {
  names: ['scim_filter_ms', 'scim_member_add_ms', 'scim_list'],
  measure: measureDirectory,
};

async function* measureDirectory(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const directory = await Directory.open(stage, sizes);
  yield await directory.measureFilter();
  yield await directory.measureMembers();
  yield await directory.measureList();
  await directory.close();
}

/** New users over SCIM against single rows that are committed one by one, at the same concurrency. */
async function* measureCreates(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const { url } = await stage.running();
  const customer = await stage.createCustomer();
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => ScimClient.open(url, customer)));
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.connect()));
  await connections[0]?.query('CREATE TABLE floor_users (id char(36) PRIMARY KEY, userName varchar(100))');
  const seconds = Math.min(SECONDS, sizes.loginSeconds);
  const race = async (task: (worker: number) => Promise<unknown>): Promise<number> => {
    const until = performance.now() + seconds * 1000;
    const { done, seconds: took } = await runLoops(CONNECTIONS, async (worker) => {
      if (performance.now() > until) return false;
      await task(worker);
      return true;
    });
    return done / took;
  };
  let created = 0;
  let cpuSeconds = 0;
  const services: number[] = [];
  const floors: number[] = [];
  // The first round warms up.
  for (let turn = 0; turn <= Math.min(ROUNDS, sizes.loginRounds); turn++) {
    const floor = await race((worker) => commitRow(connections[worker] as mysql.Connection));
    const before = created;
    const cpuBefore = await readMetric(url, 'process_cpu_seconds_total');
    const service = await race((worker) => (clients[worker] as ScimClient).createUser(markOf(created++)));
    cpuSeconds = ((await readMetric(url, 'process_cpu_seconds_total')) - cpuBefore) / (created - before);
    await stage.settle();
    stage.say(`SCIM creates a second: ${Math.round(service)}; floor ${Math.round(floor)}`);
    if (turn === 0) continue;
    services.push(service);
    floors.push(floor);
  }
  for (const client of clients) client.close();
  await Promise.all(connections.map((connection) => connection.end()));
  const value = round(median(services.map((service, index) => service / (floors[index] ?? NaN))));
  yield atLeast('scim_create_ratio', value, 0.5, {
    creates_per_second: Math.round(median(services)),
    floor_per_second: Math.round(median(floors)),
    floor: 'begin, insert, commit',
    service_cpu_ms_per_create: round(cpuSeconds * 1000),
    connections: CONNECTIONS,
  });
}

/** A transaction of one row as a client writes it: begin, insert, commit. */
async function commitRow(connection: mysql.Connection): Promise<void> {
  const id = randomUUID();
  await connection.beginTransaction();
  await connection.execute('INSERT INTO floor_users VALUES (?, ?)', [id, `${id}@example.com`]);
  await connection.commit();
}

interface DirectoryParts {
  small: ScimClient;
  large: ScimClient;
  copier: DirectoryCopier;
  /** The ids of the large one's people. */
  people: readonly string[];
}

/** Two directories side by side: a small one, all of which the service wrote, and a large one. */
class Directory {
  private constructor(
    private readonly stage: Stage,
    private readonly sizes: Sizes,
    private readonly parts: DirectoryParts,
  ) {}

  static async open(stage: Stage, sizes: Sizes): Promise<Directory> {
    const { url } = await stage.running();
    const small = await ScimClient.open(url, await stage.createCustomer());
    const large = await ScimClient.open(url, await stage.createCustomer());
    for (let index = 0; index < sizes.directory; index++) await small.createUser(markOf(index));
    const template = await large.createUser(markOf(0));
    await stage.settle();
    const from = performance.now();
    const copier = await DirectoryCopier.open(stage, large, template, markOf(0));
    const copies = await copier.copyPeople(1, sizes.largeDirectory);
    const seconds = Math.round((performance.now() - from) / 1000);
    stage.say(`${sizes.largeDirectory} SCIM users written in ${seconds} s`);
    return new Directory(stage, sizes, { small, large, copier, people: [template, ...copies] });
  }

  async close(): Promise<void> {
    await this.parts.copier.close();
    this.parts.small.close();
    this.parts.large.close();
  }

  async measureFilter(): Promise<Figure> {
    const { directory, largeDirectory, requests } = this.sizes;
    const anyone = (users: number) => markOf(Math.floor(Math.random() * users));
    const [small, large] = await compareLatency(
      requests,
      () => this.parts.small.prepareFilter(anyone(directory)),
      () => this.parts.large.prepareFilter(anyone(largeDirectory)),
      (text) => {
        const { totalResults } = JSON.parse(text) as ScimList;
        if (totalResults !== 1) throw new Error(`${totalResults} users have that name.`);
      },
    );
    return within('scim_filter_ms', round(large), round(small), 0.2, {
      users: largeDirectory,
      [`ms_at_${directory}_users`]: round(small),
    });
  }

  async measureMembers(): Promise<Figure> {
    const { largeGroup, requests } = this.sizes;
    const { people } = this.parts;
    const [template = ''] = people;
    const members = people.slice(1, largeGroup);
    const others = people.slice(largeGroup);
    const few = await this.parts.large.createGroup('Few', people.slice(0, SMALL_GROUP));
    const many = await this.parts.large.createGroup('Many', [template]);
    await this.parts.copier.copyMembers(many, members);
    const rounds = Math.min(Math.ceil(requests / 2), Math.floor(others.length / 4));
    const next = others.values();
    const adding = (groupId: string) => () => this.parts.large.prepareMember(groupId, next.next().value ?? '');
    const [small, big] = await compareLatency(rounds, adding(few), adding(many));
    await this.stage.settle();
    return within('scim_member_add_ms', round(big), round(small), 0.3, {
      members: largeGroup,
      [`ms_at_${SMALL_GROUP}_members`]: round(small),
    });
  }

  async measureList(): Promise<Figure> {
    const { lastPage, requests } = this.sizes;
    const path = (cursor: string) => `/Users?count=${PER_PAGE}&cursor=${encodeURIComponent(cursor)}`;
    let cursor = '';
    const from = performance.now();
    for (let page = 1; page < lastPage; page++) {
      const { nextCursor } = await this.parts.large.get<ScimList>(path(cursor));
      if (nextCursor === undefined) throw new Error(`The list ends with page ${page}.`);
      cursor = nextCursor;
    }
    this.stage.say(`${lastPage} pages in ${Math.round((performance.now() - from) / 1000)} s`);
    const [first, last] = await compareLatency(
      Math.ceil(requests / 2),
      () => this.parts.large.prepare('GET', path(''), [200]),
      () => this.parts.large.prepare('GET', path(cursor), [200]),
    );
    return within('scim_list', round(last), round(first), 0.2, {
      page: lastPage,
      per_page: PER_PAGE,
      ms_at_page_1: round(first),
    });
  }
}
