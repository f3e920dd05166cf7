import { Injectable } from '@nestjs/common';
import type { ConnectionSourceEntity } from '../../../records/sources/source.entity.js';
import { SourceFailure, type SourceReader } from './source-reader.js';

/** Which reader reads a source. */
@Injectable()
export class SourceReaders {
  /** Throws SourceFailure where what is stored of the source cannot be used. */
  open(source: ConnectionSourceEntity): SourceReader {
    throw new SourceFailure('invalid', `There is no reader of ${source.type} sources.`);
  }
}
