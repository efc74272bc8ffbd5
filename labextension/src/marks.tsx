/**
 * Marks in the notebook: under each experiment cell whether it is what its newest snapshot recorded, with the
 * difference one click away, and hidden-state warnings at the cell that they are about.
 *
 * A mark is a widget of the cell that it stands in and goes away with it. It is never part of the document.
 */
import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { PanelLayout } from '@lumino/widgets';
import * as React from 'react';

import { DiffView } from './diffview';
import type { ICellChange, IExperimentCell, IStanding } from './documents';
import { Badge } from './parts';

type Warnings = IStanding['warnings'];

export class CellMarks {
  constructor(
    private readonly trans: TranslationBundle,
    private readonly select: (snapshot: string) => void
  ) {}

  /** Marks the cells of a notebook; what has no mark any more loses it. */
  show(panel: NotebookPanel, standing: IStanding | null): void {
    const known = this.marks.get(panel) ?? new Map<string, CellMark>();
    this.marks.set(panel, known);
    const there = new Set(panel.content.widgets.map(cell => cell.model.id));
    for (const [id, mark] of known) {
      if (!there.has(id)) {
        mark.dispose();
        known.delete(id);
      }
    }
    for (const cell of panel.content.widgets) {
      const { id } = cell.model;
      const experiment = standing?.experiments.find(one => one.id === id) ?? null;
      const warnings = standing?.warnings.filter(one => one.id === id) ?? [];
      let mark = known.get(id);
      if (mark && !mark.isIn(cell)) {
        mark.dispose();
        known.delete(id);
        mark = undefined;
      }
      if (experiment === null && warnings.length === 0) {
        mark?.dispose();
        known.delete(id);
      } else if (mark) {
        mark.tell(experiment, warnings);
      } else {
        const made = new CellMark(cell, this.trans, this.select);
        made.tell(experiment, warnings);
        known.set(id, made);
        // Cells out of view have no layout yet.
        void cell.ready.then(() => {
          made.place();
        });
      }
    }
  }

  /** Unfolds the difference at the first changed experiment; its cell, or null. */
  unfold(panel: NotebookPanel): Cell | null {
    const known = this.marks.get(panel);
    for (const cell of panel.content.widgets) {
      const mark = known?.get(cell.model.id);
      if (mark && mark.changes > 0) {
        mark.unfold();
        return cell;
      }
    }
    return null;
  }

  private readonly marks = new WeakMap<NotebookPanel, Map<string, CellMark>>();
}

class CellMark extends ReactWidget {
  constructor(
    private readonly cell: Cell,
    private readonly trans: TranslationBundle,
    private readonly select: (snapshot: string) => void
  ) {
    super();
    this.addClass('jp-Mlgov-cellMark');
  }

  /** Whether this is the mark of `cell`, placed in it or waiting until it is in view. */
  isIn(cell: Cell): boolean {
    return !this.isDisposed && this.cell === cell && (!this.placed || this.parent === cell);
  }

  place(): void {
    const layout = this.cell.layout as PanelLayout | null;
    if (layout === null || this.cell.isDisposed || this.isDisposed) {
      this.dispose();
      return;
    }
    const input = layout.widgets.findIndex(part => part.hasClass('jp-Cell-inputWrapper'));
    layout.insertWidget(input + 1, this);
    this.placed = true;
  }

  /** How many cells differ. */
  get changes(): number {
    return this.experiment?.changes.length ?? 0;
  }

  tell(experiment: IExperimentCell | null, warnings: Warnings): void {
    const told = JSON.stringify([experiment, warnings]);
    if (told !== this.told) {
      this.told = told;
      this.experiment = experiment;
      this.warnings = warnings;
      this.open = this.open && this.changes > 0;
      this.update();
    }
  }

  unfold(): void {
    this.open = true;
    this.update();
  }

  protected render(): React.JSX.Element {
    const { experiment, warnings, trans } = this;
    return (
      <>
        {experiment !== null && this.state(experiment)}
        {warnings.map((warning, place) => (
          <div key={place} className="jp-Mlgov-cellWarning" role="note">
            <Badge tone="unsure">{trans.__('hidden state')}</Badge>
            <span>{warning.message}</span>
          </div>
        ))}
      </>
    );
  }

  private state(experiment: IExperimentCell): React.JSX.Element {
    const { trans } = this;
    const { snapshot, changes } = experiment;
    const name = `${experiment.experiment} #${experiment.number}`;
    if (experiment.state === 'never' || snapshot === null) {
      return <Badge tone="quiet">{trans.__('never snapshotted')}</Badge>;
    }
    if (experiment.state === 'current') {
      return (
        <button
          type="button"
          className="jp-Mlgov-badgeButton"
          title={trans.__('Show %1', name)}
          onClick={() => {
            this.select(snapshot);
          }}
        >
          <Badge tone="good">{trans.__('current: %1', name)}</Badge>
        </button>
      );
    }
    return (
      <>
        <button
          type="button"
          className="jp-Mlgov-badgeButton"
          aria-expanded={this.open}
          title={trans.__('Show what changed')}
          onClick={() => {
            this.open = !this.open;
            this.update();
          }}
        >
          <Badge tone="unsure">
            {trans.__('changed since %1', name)}
            <span className="jp-Mlgov-quiet">
              {trans._n('%1 cell', '%1 cells', changes.length, changes.length)}
            </span>
          </Badge>
        </button>
        {this.open &&
          changes.map((change, place) => <ChangeView key={place} change={change} trans={trans} />)}
      </>
    );
  }

  private experiment: IExperimentCell | null = null;
  private warnings: Warnings = [];
  private open = false;
  private placed = false;
  private told = '';
}

function ChangeView(props: { change: ICellChange; trans: TranslationBundle }): React.JSX.Element {
  const { change, trans } = props;
  const place = change.index === null ? '' : String(change.index + 1);
  const titles: Readonly<Record<ICellChange['kind'], string>> = {
    edited: trans.__('Cell %1 was edited', place),
    added: trans.__('Cell %1 is new', place),
    removed: trans.__('A cell that had run is gone')
  };
  return (
    <div className="jp-Mlgov-cellRow">
      <span className="jp-Mlgov-quiet">{titles[change.kind]}</span>
      <DiffView before={change.before} after={change.after} label={titles[change.kind]} />
    </div>
  );
}
