/**
 * Charters and risks in tagged markdown cells, drawn as cards in the document.
 *
 * A card stands below the cell's own text, in place of the YAML block, while the cell is rendered: editing the cell shows
 * the YAML again. It is never part of the document.
 */
import { type Cell, MarkdownCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { PanelLayout } from '@lumino/widgets';
import * as React from 'react';

import { type IStated, statedIn } from './stated';

const CLASS = 'jp-Mlgov-annotated';

export class AnnotationCards {
  constructor(private readonly trans: TranslationBundle) {}

  /** Draws the cards of a notebook anew where its cells say something else now. */
  show(panel: NotebookPanel, wanted: boolean): void {
    for (const cell of panel.content.widgets) {
      const stated = wanted && cell instanceof MarkdownCell ? statedOf(cell) : [];
      const known = this.cards.get(cell);
      cell.toggleClass(CLASS, stated.length > 0);
      if (stated.length === 0) {
        known?.dispose();
        this.cards.delete(cell);
      } else if (known !== undefined && !known.isDisposed) {
        known.tell(stated);
      } else {
        const made = new AnnotationCard(this.trans);
        made.tell(stated);
        this.cards.set(cell, made);
        void cell.ready.then(() => {
          const layout = cell.layout as PanelLayout | null;
          if (layout === null || cell.isDisposed || made.isDisposed) {
            made.dispose();
            return;
          }
          const input = layout.widgets.findIndex(part => part.hasClass('jp-Cell-inputWrapper'));
          layout.insertWidget(input + 1, made);
        });
      }
    }
  }

  private readonly cards = new WeakMap<Cell, AnnotationCard>();
}

function statedOf(cell: Cell): readonly IStated[] {
  const tags: unknown = cell.model.getMetadata('tags');
  return Array.isArray(tags) ? statedIn(cell.model.sharedModel.getSource(), tags) : [];
}

class AnnotationCard extends ReactWidget {
  constructor(private readonly trans: TranslationBundle) {
    super();
    this.addClass('jp-Mlgov-annotations');
  }

  tell(stated: readonly IStated[]): void {
    const told = JSON.stringify(stated);
    if (told !== this.told) {
      this.told = told;
      this.stated = stated;
      this.update();
    }
  }

  protected render(): React.JSX.Element {
    return (
      <>
        {this.stated.map((one, place) => (
          <StatedCard key={place} stated={one} trans={this.trans} />
        ))}
      </>
    );
  }

  private stated: readonly IStated[] = [];
  private told = '';
}

function StatedCard(props: { stated: IStated; trans: TranslationBundle }): React.JSX.Element {
  const { stated, trans } = props;
  const kind = stated.kind === 'risk' ? trans.__('risk') : trans.__('charter');
  return (
    <article
      className={`jp-Mlgov-stated jp-Mlgov-stated-${stated.severity ?? stated.kind}`}
      aria-label={`${kind}: ${stated.title}`}
    >
      <div className="jp-Mlgov-statedTop">
        <strong>{stated.title}</strong>
        <span className="jp-Mlgov-chip">{kind}</span>
        {stated.badges.map(badge => (
          <span
            key={badge}
            className={`jp-Mlgov-chip${badge === stated.severity ? ` jp-Mlgov-severity-${badge}` : ''}`}
          >
            {badge}
          </span>
        ))}
      </div>
      {stated.problem !== null && (
        <p className="jp-Mlgov-statedProblem" role="alert">
          {trans.__('This cannot be read: %1', stated.problem)}
        </p>
      )}
      <dl>
        {stated.rows.map(({ name, value }) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
    </article>
  );
}
