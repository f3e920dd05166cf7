import { Problem, type Fault } from '../../../platform/problem.js';

/** More are not told: whoever has a hundred has one mistake in their software. */
const FAULTS_MAX = 100;

/** Collects all that is wrong with a body, so that one answer names it. */
export class BodyFaults {
  private readonly faults: Fault[] = [];
  private code: 'scim_invalid_value' | 'scim_invalid_syntax' = 'scim_invalid_value';

  /** A value that is missing or cannot be. */
  addValue(pointer: string, detail: string): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push({ pointer, detail });
  }

  /** A body that is not built as the schemas say. */
  addSyntax(pointer: string, detail: string): void {
    this.code = 'scim_invalid_syntax';
    this.addValue(pointer, detail);
  }

  /** Throws `scim_invalid_syntax` if the shape is at fault somewhere, else `scim_invalid_value`, with every fault. */
  throwIfAny(): void {
    const [first] = this.faults;
    if (first === undefined) return;
    const place = first.pointer === '' ? 'The body' : `\`${first.pointer}\``;
    const more = this.faults.length > 1 ? ` (and ${this.faults.length - 1} more)` : '';
    throw new Problem(this.code, `${place} ${first.detail}${more}.`, { faults: this.faults });
  }
}

/** The JSON pointer of a member (RFC 6901). */
export function pointTo(pointer: string, name: string | number): string {
  if (typeof name === 'number') return `${pointer}/${name}`;
  return `${pointer}/${name.slice(0, 200).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
