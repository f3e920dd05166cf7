export interface PlaceLimits {
  /** On this instance. */
  placesMax: number;
  /** Of them for one tenant, so that no tenant can take those of all others. */
  tenantMax: number;
}

/** Places for what is dear and takes long, so many on an instance and so many of them for a tenant. */
export class Places {
  private readonly taken = new Map<string, number>();
  private sum = 0;

  constructor(private readonly limits: PlaceLimits) {}

  takenBy(tenantId: string): number {
    return this.taken.get(tenantId) ?? 0;
  }

  hasFree(tenantId: string): boolean {
    return this.sum < this.limits.placesMax && this.takenBy(tenantId) < this.limits.tenantMax;
  }

  /** Takes a place; what is returned gives it back, once however often it is called. Null where none is free. */
  take(tenantId: string): (() => void) | null {
    if (!this.hasFree(tenantId)) return null;
    this.count(tenantId, 1);
    let isTaken = true;
    return () => {
      if (isTaken) this.count(tenantId, -1);
      isTaken = false;
    };
  }

  private count(tenantId: string, change: number): void {
    this.sum += change;
    const taken = this.takenBy(tenantId) + change;
    if (taken === 0) this.taken.delete(tenantId);
    else this.taken.set(tenantId, taken);
  }
}
