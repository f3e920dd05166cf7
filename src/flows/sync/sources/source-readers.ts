import { Injectable } from '@nestjs/common';
import { Outbound } from '../../../platform/outbound.js';
import type { ConnectionSourceEntity } from '../../../records/sources/source.entity.js';
import { DocumentSource } from './document-source.js';
import { SourceClient } from './source-client.js';
import { SourceFailure, type SourceReader } from './source-reader.js';
/** Which reader reads a source. */
@Injectable()
export class SourceReaders {
  constructor(private readonly outbound: Outbound) {}
  /** Throws SourceFailure where what is stored of the source cannot be used. */
  open(source: ConnectionSourceEntity): SourceReader {
    const { settings } = source;
    if (settings.type === 'json')
      return new DocumentSource(new SourceClient(this.outbound, settings.url, null), settings);
    throw new SourceFailure('invalid', `There is no reader of ${source.type} sources.`);
  }
}
