/** axe-core in the page that is shown: what it calls serious or critical, in one line each. */
import { readFileSync } from 'node:fs';

import type { Page } from './lab';

const SOURCE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf-8');

interface IResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

export async function seriousProblems(page: Page, selector: string): Promise<readonly string[]> {
  await page.evaluate(SOURCE);
  const result = await page.evaluate(
    async where =>
      (window as unknown as { axe: { run: (where: string) => Promise<IResult> } }).axe.run(where),
    selector
  );
  return result.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes[0]?.html ?? ''} ${nodes[0]?.failureSummary ?? ''}`
    );
}
