/** Risks as cells of the open notebook: found, written, run. */
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRegisteredRisk } from './documents';
import { FIELDS, isNested, readRisk, riskIdOf, type RiskValues, writeRisk } from './riskcell';
import { askForRisk } from './riskform';
import { goToCell, liveCells } from './where';

/** Asks for a risk and writes it into the notebook, over the cell that states it or as a new one. */
export async function editRisk(
  panel: NotebookPanel,
  risk: IRegisteredRisk['risk'] | undefined,
  trans: TranslationBundle
): Promise<void> {
  const sources = liveCells(panel).map(cell => cell.source);
  const taken = sources.flatMap(source => riskIdOf(source) ?? []);
  const old = risk === undefined ? undefined : sources.find(source => riskIdOf(source) === risk.id);
  const entry = await askForRisk(
    {
      id: risk?.id ?? null,
      values: valuesOf(risk, old),
      fixed: old === undefined ? [] : FIELDS.filter(field => isNested(old, field)),
      taken
    },
    trans
  );
  if (entry === null || panel.isDisposed) {
    return;
  }
  const place = write(panel, entry.id, entry.values);
  await goToCell(panel, place);
  if (entry.run) {
    await NotebookActions.run(panel.content, panel.sessionContext);
  }
}

/** What the cell says now; what the register knows where there is no such cell (or none that can be read). */
function valuesOf(
  risk: IRegisteredRisk['risk'] | undefined,
  source: string | undefined
): RiskValues {
  const read = source === undefined ? null : readRisk(source);
  if (read !== null) {
    return read;
  }
  return risk === undefined
    ? {}
    : {
        situation: risk.situation,
        severity: risk.severity,
        likelihood: risk.likelihood,
        status: risk.status,
        mitigation: risk.mitigation ?? '',
        check: risk.check?.expression ?? ''
      };
}

/** The place of the cell that states the risk now. A new one stands below the last risk, else below all. */
function write(panel: NotebookPanel, id: string, values: RiskValues): number {
  const model = panel.content.model;
  if (model === null) {
    return -1;
  }
  // Looked for again: the notebook may have been edited while the form was open.
  const sources = liveCells(panel).map(cell => cell.source);
  const known = sources.findIndex(source => riskIdOf(source) === id);
  const cell = model.sharedModel.cells[known];
  if (cell !== undefined) {
    cell.setSource(writeRisk(id, values, cell.getSource()));
    return known;
  }
  const last = sources.map(source => riskIdOf(source) !== null).lastIndexOf(true);
  const place = last >= 0 ? last + 1 : sources.length;
  model.sharedModel.insertCell(place, { cell_type: 'code', source: writeRisk(id, values) });
  return place;
}
