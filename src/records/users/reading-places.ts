import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config.js';
import { Places } from '../../platform/places.js';

const PLACES_MAX = 5;

/**
 * Places for exports and digests: each holds a connection to the database for as long as it reads everybody, or as its
 * reader takes. At most half of the connections of an instance, so that all else has the others.
 */
@Injectable()
export class ReadingPlaces extends Places {
  constructor(@Inject(CONFIG) { DATABASE_POOL }: Config) {
    super({ placesMax: Math.max(1, Math.min(PLACES_MAX, Math.floor(DATABASE_POOL / 2))), tenantMax: 2 });
  }
}
