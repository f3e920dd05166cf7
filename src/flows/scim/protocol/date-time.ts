import { type Micros, parseTime } from '../../../platform/clock.js';

const DATE_TIME = /^(-?\d+-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Reads xsd:dateTime (RFC 7643, section 2.3.5), with any number of digits of a second; without a zone it is UTC. Null for
 * what is none.
 */
export function parseDateTime(text: string): Micros | null {
  const [, moment, fraction = '', zone = 'Z'] = DATE_TIME.exec(text) ?? [];
  // Nine digits are what the reader takes; it counts six.
  return moment === undefined ? null : parseTime(`${moment}${fraction.slice(0, 10)}${zone}`);
}
