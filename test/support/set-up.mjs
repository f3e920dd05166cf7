// The one set-up of every npm script: packages, build, then the script's own step, each only when needed.
// Runs before anything is installed, on any Node from 20.19, so it is plain JavaScript without a dependency.
//
//   node test/support/set-up.mjs                    install and build
//   node test/support/set-up.mjs dist/x.js [arg …]  … and then run that file on the pinned Node
//
// The next step is started from here, not by `&&` in the script: the shell of npm remembers where it found `node`
// first, and would run the step on the machine's own Node although the pinned one was installed meanwhile.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const bin = join(root, 'node_modules', '.bin');
const pinnedNode = join(root, 'node_modules', 'node', 'bin', 'node');
const stampFile = join(root, 'dist', '.built-from');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };

const [file, ...args] = process.argv.slice(2);

// What was built for production runs as it is: there are no compilers beside it.
const isDeployed = process.env.NODE_ENV === 'production' && file === 'dist/src/main.js' && existsSync(join(root, file));
if (!isDeployed) {
  if (!packagesMatch()) install();
  build();
}
if (file !== undefined) run(isDeployed && !existsSync(pinnedNode) ? process.execPath : node(), [file, ...args]);

/** Whether what npm noted of node_modules is what package-lock.json asks for. */
function packagesMatch() {
  const wanted = readJson('package-lock.json')?.packages;
  const present = readJson('node_modules/.package-lock.json')?.packages;
  const declared = readJson('package.json');
  if (!wanted || !present || !declared) return false;
  for (const kind of ['dependencies', 'devDependencies']) {
    if (JSON.stringify(declared[kind] ?? {}) !== JSON.stringify(wanted['']?.[kind] ?? {})) return false;
  }
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = present[path];
    // Binaries for other machines are optional, and rightly absent.
    if (!found && !entry.optional && !entry.devOptional) return false;
    if (found && (found.version !== entry.version || found.integrity !== entry.integrity)) return false;
    if (found && !existsSync(join(root, path, 'package.json'))) return false;
  }
  return true;
}

function install() {
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    say('node_modules is a link, and its packages are not those of package-lock.json: run npm ci where it leads');
    process.exit(1);
  }
  say('installing packages (npm ci)');
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ['npm'];
  runToEnd([...command, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], process.env);
}

/** The pinned Node; where npm was told to run no install scripts it is missing, and a new enough Node serves as well. */
function node() {
  if (existsSync(pinnedNode)) return pinnedNode;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  say(
    `this is Node ${process.versions.node}, and the pinned Node 24 is missing because npm ran no install scripts.\n` +
      'Use Node 24 or newer, or allow them once: npm ci --ignore-scripts=false',
  );
  process.exit(1);
}

function build() {
  const before = hashOfSources();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === before) return;
  say('building');
  rmSync(stampFile, { force: true });
  removeOrphans(join(root, 'dist'));
  runToEnd([node(), join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build'], env);
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, before);
}

function hashOfSources() {
  const hash = createHash('sha256');
  const files = ['package-lock.json', 'tsconfig.json', 'nest-cli.json', 'ormconfig.ts'].map((name) => join(root, name));
  for (const folder of ['src', 'test']) files.push(...filesIn(join(root, folder)));
  for (const each of files.sort((left, right) => (left < right ? -1 : 1))) {
    if (existsSync(each))
      hash
        .update(`${relative(root, each)}\0`)
        .update(readFileSync(each))
        .update('\0');
  }
  return hash.digest('hex');
}

/** The compiler leaves the output of deleted sources, and a deleted test would go on being run. */
function removeOrphans(dist) {
  for (const each of filesIn(dist)) {
    const source = /^(.*)\.js(\.map)?$/.exec(relative(dist, each))?.[1];
    if (source !== undefined && !existsSync(join(root, `${source}.ts`))) rmSync(each);
  }
}

function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath ?? each.path, each.name));
}

function readJson(name) {
  try {
    return JSON.parse(readFileSync(join(root, name), 'utf8'));
  } catch {
    return null;
  }
}

function runToEnd([command, ...rest], withEnv) {
  const ended = spawnSync(command, rest, { cwd: root, env: withEnv, stdio: ['ignore', 'inherit', 'inherit'] });
  if (ended.status === 0) return;
  if (ended.error) say(String(ended.error.message));
  process.exit(ended.status ?? 1);
}

/** Runs the step in the foreground: it gets our signals, and we end as it ends. */
function run(command, rest) {
  const child = spawn(command, rest, { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the whole group: the child has it already, and decides when to end.
  process.on('SIGINT', () => (process.stdin.isTTY ? undefined : child.kill('SIGINT')));
  child.on('error', (error) => {
    say(error.message);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}
