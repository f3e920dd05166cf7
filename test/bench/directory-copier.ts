import { isDeepStrictEqual } from 'node:util';
import type mysql from 'mysql2/promise';
import { newId } from '../../src/platform/ids.js';
import { markOf, type ScimClient } from './scim-client.js';
import type { Stage } from './stage.js';

const PEOPLE_PER_STATEMENT = 5000;

/** The tables in which a SCIM user stands, and the column that leads to the person. Events are of the past. */
const TABLES = [
  { name: 'users', by: 'id', of: 'user' },
  { name: 'identities', by: 'id', of: 'identity' },
  { name: 'scim_users', by: 'identityId', of: 'identity' },
  { name: 'scim_emails', by: 'identityId', of: 'identity' },
] as const;

/** A person whom the service wrote, and of whom the copies are made. */
interface Template {
  mark: string;
  user: string;
  identity: string;
}

/**
 * Fills a SCIM directory with people by SQL: each is a copy of the rows of one person whom the service wrote, with the
 * ids and the mark of the copy in the place of the person's own, wherever these stand.
 */
export class DirectoryCopier {
  private readonly columns = new Map<string, { name: string; isText: boolean }[]>();

  private constructor(
    private readonly connection: mysql.Connection,
    private readonly client: ScimClient,
    private readonly template: Template,
  ) {}

  static async open(stage: Stage, client: ScimClient, templateId: string, mark: string): Promise<DirectoryCopier> {
    const connection = await stage.connect();
    const [rows] = await connection.execute<mysql.RowDataPacket[]>('SELECT userId FROM identities WHERE id = ?', [
      templateId,
    ]);
    const template = { mark, user: String(rows[0]?.userId), identity: templateId };
    await connection.query(
      'CREATE TABLE bench_people (n int PRIMARY KEY, identityId varchar(36), userId varchar(36), mark varchar(20))',
    );
    for (const { name, by, of } of TABLES) await keepModel(connection, name, `${by} = '${template[of]}'`);
    return new DirectoryCopier(connection, client, template);
  }

  /** Makes the people of these marks; returns their ids in the directory, in order. */
  async copyPeople(from: number, to: number): Promise<string[]> {
    const ids: string[] = [];
    for (let start = from; start < to; start += PEOPLE_PER_STATEMENT) {
      const people = Array.from({ length: Math.min(PEOPLE_PER_STATEMENT, to - start) }, (_, index) => [
        start + index,
        newId(),
        newId(),
        markOf(start + index),
      ]);
      await this.connection.query('DELETE FROM bench_people');
      await this.connection.query('INSERT INTO bench_people VALUES ?', [people]);
      for (const { name } of TABLES) await this.copyRows(name);
      ids.push(...people.map(([, id]) => String(id)));
    }
    await this.checkCopy(ids.at(-1) ?? '', markOf(to - 1));
    return ids;
  }

  /** Makes members of a group that has the template as one; the people are those of the last statement and earlier. */
  async copyMembers(groupId: string, members: readonly string[]): Promise<void> {
    const where = `groupId = '${groupId}' AND memberId = '${this.template.identity}'`;
    await keepModel(this.connection, 'scim_members', where);
    for (let start = 0; start < members.length; start += PEOPLE_PER_STATEMENT) {
      const some = members.slice(start, start + PEOPLE_PER_STATEMENT);
      await this.connection.query('DELETE FROM bench_people');
      await this.connection.query('INSERT INTO bench_people VALUES ?', [some.map((id, n) => [n, id, '', ''])]);
      await this.copyRows('scim_members');
    }
  }

  close(): Promise<void> {
    return this.connection.end();
  }

  private async copyRows(table: string): Promise<void> {
    const columns = await this.columnsOf(table);
    const { user, identity, mark } = this.template;
    const selected = columns.map(({ name, isText }) =>
      isText
        ? `REPLACE(REPLACE(REPLACE(t.${name}, '${identity}', p.identityId), '${user}', p.userId), '${mark}', p.mark)`
        : `t.${name}`,
    );
    await this.connection.query(
      `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')})
       SELECT ${selected.join(', ')} FROM bench_${table} t CROSS JOIN bench_people p`,
    );
  }

  private async columnsOf(table: string): Promise<{ name: string; isText: boolean }[]> {
    let columns = this.columns.get(table);
    if (!columns) {
      const [rows] = await this.connection.query<mysql.RowDataPacket[]>(
        `SELECT COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
        [table],
      );
      columns = rows.map((row) => ({ name: String(row.name), isText: /char|text/i.test(String(row.type)) }));
      this.columns.set(table, columns);
    }
    return columns;
  }

  /** A copy is to the service what a person is whom it wrote itself, but for the ids and the mark. */
  private async checkCopy(id: string, mark: string): Promise<void> {
    const { identity, mark: own } = this.template;
    const [written, copied] = [
      await this.client.prepare('GET', `/Users/${identity}`, [200])(),
      await this.client.prepare('GET', `/Users/${id}`, [200])(),
    ];
    const expected = written.replaceAll(identity, id).replaceAll(own, mark);
    if (isDeepStrictEqual(JSON.parse(copied), JSON.parse(expected))) return;
    throw new Error(`The copy ${copied} is not as what it is made of: ${written}`);
  }
}

/** The rows that are copied, in a table of their own: reading and filling one table at once would take a third. */
async function keepModel(connection: mysql.Connection, table: string, where: string): Promise<void> {
  await connection.query(`CREATE TABLE bench_${table} LIKE ${table}`);
  await connection.query(`INSERT INTO bench_${table} SELECT * FROM ${table} WHERE ${where}`);
}
