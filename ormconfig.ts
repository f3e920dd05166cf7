import 'reflect-metadata';
import { readConfig } from './src/platform/config.js';
import { openDataSource } from './src/platform/open-database.js';
import { shape } from './src/tables.js';

/** For TypeORM's own command line: `npx typeorm -d dist/ormconfig.js migration:show`. */
export default await openDataSource(readConfig(process.env), shape);
