/** What to do where there is nothing to show yet. */
import * as React from 'react';

import type { IViewProps } from './panel';

export function Start(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  if (state.notebook === null && state.view === 'notebook') {
    return (
      <div className="jp-Mlgov-body jp-Mlgov-start">
        <p>{trans.__('Open a notebook to see its snapshots.')}</p>
      </div>
    );
  }
  return (
    <div className="jp-Mlgov-body jp-Mlgov-start">
      <h3>
        {state.view === 'notebook'
          ? trans.__('No snapshot of this notebook yet')
          : trans.__('No snapshot in this project yet')}
      </h3>
      <ol>
        <li>
          {trans.__('Load the extension in a cell:')}
          <code>%load_ext jupyter_mlgov</code>
        </li>
        <li>
          {trans.__('Put this line on top of the cell that trains the model, and run it:')}
          <code>%%experiment baseline</code>
        </li>
      </ol>
      <p className="jp-Mlgov-quiet">
        {trans.__(
          'The cell runs as it always does. What its result depended on is recorded, and appears here.'
        )}
      </p>
      {state.notebook !== null && (
        <p className="jp-Mlgov-quiet">
          {trans.__('Or record the notebook as it stands, without running anything: Snapshot now.')}
        </p>
      )}
    </div>
  );
}
