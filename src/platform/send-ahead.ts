import type { SqlValue } from './database.js';

/**
 * Statements of one connection to MySQL sent without waiting for the answers of those before. The server reads them one
 * after the other, so their order and their meaning stay; what goes is a trip for each, and most of the system calls.
 *
 * The driver waits for each answer before it sends the next statement. It keeps a queue of commands, each of which
 * writes its packet when its turn to be answered comes; here the packet is written as soon as the statement is handed
 * in. Whoever uses it must bear that what follows a failed statement is executed all the same.
 */

type Done = (error: Error | null, result: unknown) => void;

interface Command {
  /** Without a packet: writes the request. With one: reads it. True when the command is over. */
  execute(packet: unknown, connection: DriverConnection): boolean;
  onResult?: Done;
}

interface PreparedStatement {
  execute(values: SqlValue[], done: Done): void;
}

/** What is used of a connection of mysql2, whose version is pinned. */
export interface DriverConnection {
  execute(sql: string, values: SqlValue[], done: Done): void;
  addCommand(command: Command): Command;
  _command: Command | null;
  _commands: { length: number; peekBack(): Command | undefined; push(command: Command): void };
  _statements: { get(key: string): PreparedStatement | undefined };
  constructor: { statementKey?(options: { sql: string }): string };
  sequenceId: number;
  stream: { cork(): void; uncork(): void };
}

/** A command whose request is written already: its turn in the queue is to read its answer. */
class SentCommand implements Command {
  constructor(private readonly command: Command) {}

  get onResult(): Done | undefined {
    return this.command.onResult;
  }

  execute(packet: unknown, connection: DriverConnection): boolean {
    if (packet) return this.command.execute(packet, connection);
    connection.sequenceId = AFTER_REQUEST;
    return false;
  }
}

/** The number of the first packet of an answer; the request was number 0. */
const AFTER_REQUEST = 1;

/** Executes a prepared statement; the first time on a connection, or behind something else, as the driver does it. */
export function executeAhead(connection: DriverConnection, sql: string, values: SqlValue[], done: Done): void {
  const key = keyOf(connection, sql);
  const prepared = key === undefined ? undefined : connection._statements.get(key);
  const last = connection._commands.peekBack();
  if (!prepared || (last && !(last instanceof SentCommand))) {
    connection.execute(sql, values, done);
    return;
  }
  // What is handed in together is written together.
  connection.stream.cork();
  process.nextTick(() => connection.stream.uncork());
  // The statement hands its command to the connection: to this one, which does not let it wait.
  const taker = { addCommand: (command: Command) => send(connection, command) };
  const statement = Object.create(prepared, { _connection: { value: taker } }) as PreparedStatement;
  statement.execute(values, done);
}

const keys = new Map<string, string>();
const KEYS_MAX = 2000;

/** The driver's name for a prepared statement: some thousand characters that need not be put together each time. */
function keyOf(connection: DriverConnection, sql: string): string | undefined {
  const known = keys.get(sql);
  if (known !== undefined) return known;
  const key = connection.constructor.statementKey?.({ sql });
  if (key === undefined) return undefined;
  if (keys.size >= KEYS_MAX) keys.clear();
  keys.set(sql, key);
  return key;
}

function send(connection: DriverConnection, command: Command): void {
  if (!connection._command) {
    connection.addCommand(command);
    return;
  }
  const { sequenceId } = connection;
  const isOver = command.execute(undefined, connection);
  connection.sequenceId = sequenceId;
  if (!isOver) connection._commands.push(new SentCommand(command));
}
