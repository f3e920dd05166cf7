import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type JestGlobals, setGlobals } from './live-globals.js';

const require = createRequire(import.meta.url);
const { default: JestRuntime } = require('jest-runtime') as typeof import('jest-runtime');
const RUN = '?run=';
let filesRun = 0;

registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier !== '@jest/globals') return next(specifier, context);
    const [, run] = context.parentURL?.split(RUN) ?? [];
    const name = run === undefined ? './live-globals.js' : `./file-globals.js${RUN}${run}`;
    return { url: new URL(name, import.meta.url).href, format: 'module', shortCircuit: true };
  },
});

/**
 * Loads test files by Node's own `import`: those that one worker runs share the modules of the service and its
 * packages. Jest's own way is to evaluate all of them anew, in a sandbox, for each file, which took most of its time.
 * The test framework itself is still made anew for each file.
 */
export class SharedModulesRuntime extends JestRuntime {
  constructor(...given: ConstructorParameters<typeof JestRuntime>) {
    const { getBuiltinModule } = process;
    super(...given);
    // Jest puts one that belongs to this file into what it takes for a sandbox.
    process.getBuiltinModule = getBuiltinModule;
  }

  override unstable_shouldLoadAsEsm(): boolean {
    return true;
  }

  override async unstable_importModule(path: string): Promise<void> {
    setGlobals(this.requireModuleOrMock<JestGlobals>(path, '@jest/globals'));
    filesRun += 1;
    await import(`${pathToFileURL(path).href}${RUN}${filesRun}`);
  }

  override requireInternalModule<T>(path: string): T {
    delete require.cache[path];
    return require(path) as T;
  }
}

export { SharedModulesRuntime as 'module.exports' };
