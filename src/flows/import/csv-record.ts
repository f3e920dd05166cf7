/** What a column says of a person. */
type Column =
  | { kind: 'text'; path: readonly string[] }
  | { kind: 'flag' | 'list'; path: readonly string[] }
  /** Why a row was refused before; nobody's data. */
  | { kind: 'problem' };

/** The heading of the column that says why a row was refused. */
export const PROBLEM_HEADING = 'problem';

const COLUMNS: ReadonlyMap<string, Column> = new Map(
  Object.entries<Column>({
    externalid: { kind: 'text', path: ['externalId'] },
    usercode: { kind: 'text', path: ['usercode'] },
    username: { kind: 'text', path: ['userName'] },
    displayname: { kind: 'text', path: ['displayName'] },
    givenname: { kind: 'text', path: ['name', 'givenName'] },
    familyname: { kind: 'text', path: ['name', 'familyName'] },
    email: { kind: 'text', path: ['email'] },
    emailverified: { kind: 'flag', path: ['emailVerified'] },
    active: { kind: 'flag', path: ['active'] },
    roles: { kind: 'list', path: ['roles'] },
    groups: { kind: 'list', path: ['groups'] },
    entitlements: { kind: 'list', path: ['entitlements'] },
    statedat: { kind: 'text', path: ['statedAt'] },
    problem: { kind: 'problem' },
  }),
);
const ATTRIBUTE = /^attributes\.(.+)$/i;

export interface CsvHeader {
  columns: readonly Column[];
}

/** Reads the header row: names as in a sync record, whatever their case, spaces and underscores. All faults at once. */
export function readHeader(cells: readonly string[]): { header: CsvHeader; faults: string[] } {
  const faults: string[] = [];
  const seen = new Set<string>();
  const columns = cells.map((cell, place): Column => {
    const name = cell.trim();
    const attribute = ATTRIBUTE.exec(name)?.[1];
    const column: Column | undefined =
      attribute === undefined
        ? COLUMNS.get(name.toLowerCase().replace(/[\s_-]/g, ''))
        : { kind: 'text', path: ['attributes', attribute] };
    if (!column && name === '') {
      faults.push(`column ${place + 1} has no name`);
      return { kind: 'problem' };
    }
    if (!column) {
      const known = 'externalId, userName, displayName, givenName, familyName, email, emailVerified, active, roles';
      faults.push(
        `the column ${JSON.stringify(name)} is not known; there are ${known}, groups, entitlements, statedAt, attributes.…`,
      );
      return { kind: 'problem' };
    }
    const path = column.kind === 'problem' ? PROBLEM_HEADING : column.path.join('.');
    if (seen.has(path)) faults.push(`the column ${JSON.stringify(name)} stands twice`);
    seen.add(path);
    return column;
  });
  if (!seen.has('externalId') && !seen.has('usercode')) faults.push('the column externalId is missing');
  return { header: { columns }, faults };
}

export interface CsvReading {
  /** What separates the entries of a list within a cell. */
  listSeparators: string;
  /** An empty cell says that the field is empty; else it says nothing of it. */
  emptyClears: boolean;
}

const TRUE = new Set(['true', '1', 'yes', 'y']);
const FALSE = new Set(['false', '0', 'no', 'n']);

/** A row as a sync record, or what is wrong with it. What the fields may hold is the service's to say. */
export function toSyncRecord(
  { columns }: CsvHeader,
  cells: readonly string[],
  reading: CsvReading,
): { record: Record<string, unknown> } | { problem: string } {
  if (cells.length !== columns.length) {
    return { problem: `has ${cells.length} cells where the header has ${columns.length}` };
  }
  const record: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [place, column] of columns.entries()) {
    if (column.kind === 'problem') continue;
    const cell = (cells[place] ?? '').trim();
    if (cell === '' && !reading.emptyClears) continue;
    const value = valueOf(column.kind, cell, reading);
    if (value === undefined) problems.push(`${column.path.join('.')} must be true or false`);
    else put(record, column.path, value);
  }
  return problems.length > 0 ? { problem: problems.join('; ') } : { record };
}

function valueOf(kind: 'text' | 'flag' | 'list', cell: string, { listSeparators }: CsvReading): unknown {
  if (kind === 'list') {
    const entries = splitAt(cell, listSeparators).map((each) => each.trim());
    return entries.filter((each) => each !== '');
  }
  if (cell === '') return null;
  if (kind === 'text') return cell;
  const word = cell.toLowerCase();
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
}

function splitAt(text: string, separators: string): string[] {
  const entries = [''];
  for (const char of text) {
    if (separators.includes(char)) entries.push('');
    else entries[entries.length - 1] += char;
  }
  return entries;
}

function put(record: Record<string, unknown>, [first = '', second]: readonly string[], value: unknown): void {
  if (second === undefined) {
    record[first] = value;
    return;
  }
  const inner = (record[first] ??= Object.create(null)) as Record<string, unknown>;
  inner[second] = value;
}
