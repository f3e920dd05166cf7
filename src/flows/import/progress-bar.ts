import type { Progress } from './import-users.js';

const BAR_CHARS = 30;
const SHOW_EVERY_MS = 100;

/** Where a bar is drawn. */
export interface Screen {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** Draws itself over and over in a terminal, and not at all in a file. */
export function progressBar(screen: Screen, now = () => performance.now()): { show: Progress; end(): void } {
  const from = now();
  let shownAt = -Infinity;
  const show: Progress = (sent, rows) => {
    const at = now();
    if (!screen.isTTY || (at - shownAt < SHOW_EVERY_MS && sent < rows)) return;
    shownAt = at;
    const done = Math.round((BAR_CHARS * sent) / Math.max(1, rows));
    const rate = Math.round(sent / Math.max(0.001, (at - from) / 1000));
    const bar = `${'█'.repeat(done)}${'░'.repeat(BAR_CHARS - done)}`;
    screen.write(`\r${bar} ${sent}/${rows}  ${rate}/s `);
  };
  return { show, end: () => void (shownAt > -Infinity && screen.write('\n')) };
}
