/** Risks as cells of the open notebook: found, written where they stand, run. */
import { MarkdownCell } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRegisteredRisk } from './documents';
import {
  FIELDS,
  isNested,
  type IStatedRisk,
  newRiskCell,
  readRisk,
  restateRisk,
  risksOf,
  type RiskValues,
  writeRisk
} from './riskcell';
import { askForRisk } from './riskform';
import { goToCell } from './where';

interface IPlaced {
  readonly place: number;
  readonly type: string;
  readonly risk: IStatedRisk;
}

/** Asks for a risk and writes it into the notebook, over the text that states it or as a new cell. */
export async function editRisk(
  panel: NotebookPanel,
  risk: IRegisteredRisk['risk'] | undefined,
  trans: TranslationBundle
): Promise<void> {
  const stated = statedIn(panel);
  const old = risk === undefined ? undefined : stated.find(one => one.risk.id === risk.id);
  const entry = await askForRisk(
    {
      id: risk?.id ?? null,
      values: valuesOf(risk, old?.risk.yaml),
      fixed: old === undefined ? [] : FIELDS.filter(field => isNested(old.risk.yaml, field)),
      taken: stated.map(one => one.risk.id),
      inText: old?.type === 'markdown'
    },
    trans
  );
  if (entry === null || panel.isDisposed) {
    return;
  }
  const place = writeInto(panel, entry.id, entry.values);
  await goToCell(panel, place);
  const cell = panel.content.widgets[place];
  if (cell instanceof MarkdownCell) {
    cell.rendered = true;
  } else if (entry.run) {
    await NotebookActions.run(panel.content, panel.sessionContext);
  }
}

/** The risks that the cells of a notebook state, in their order. */
function statedIn(panel: NotebookPanel): readonly IPlaced[] {
  return (panel.content.model?.sharedModel.cells ?? []).flatMap((cell, place) => {
    const tags: unknown = cell.getMetadata('tags');
    const [id, type] = [cell.getId(), cell.cell_type];
    const found = { id, type, source: cell.getSource(), tags: Array.isArray(tags) ? tags : [] };
    return risksOf(found).map(risk => ({ place, type, risk }));
  });
}

/** What the cell says now; what the register knows where there is no such cell (or none that can be read). */
function valuesOf(risk: IRegisteredRisk['risk'] | undefined, yaml: string | undefined): RiskValues {
  const read = yaml === undefined ? null : readRisk(yaml);
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

/**
 * Writes a risk, given by the form's values or by its whole YAML, and gives the place of the cell that states it. A new one
 * stands below the last risk, else below all.
 */
export function writeInto(panel: NotebookPanel, id: string, stated: RiskValues | string): number {
  const model = panel.content.model;
  if (model === null) {
    return -1;
  }
  // Looked for again: the notebook may have been edited while the form was open.
  const yaml = (old?: string): string =>
    typeof stated === 'string' ? restateRisk(stated, old ?? '') : writeRisk(stated, old);
  const risks = statedIn(panel);
  const known = risks.find(one => one.risk.id === id);
  if (known !== undefined) {
    const cell = model.sharedModel.cells[known.place];
    cell?.setSource(known.risk.write(yaml(known.risk.yaml)));
    return known.place;
  }
  const last = risks[risks.length - 1];
  const place = last === undefined ? model.sharedModel.cells.length : last.place + 1;
  model.sharedModel.insertCell(place, { cell_type: 'code', source: newRiskCell(id, yaml()) });
  return place;
}
