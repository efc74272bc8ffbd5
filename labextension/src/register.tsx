/** The risk register of the project: a matrix of severity and likelihood that filters the list under it. */
import * as React from 'react';

import {
  type IRegisteredRisk,
  LIKELIHOODS,
  RISK_STATUSES,
  SEVERITIES,
  type Severity
} from './documents';
import type { IViewProps } from './panel';
import { CheckMark } from './parts';
import { Start } from './start';

interface IFilter {
  readonly text: string;
  readonly status: string;
  readonly cell: { readonly severity: Severity; readonly likelihood: string } | null;
}

export function Register(props: IViewProps): React.JSX.Element {
  const { model, trans, actions } = props;
  const { risks, loaded, error, notebook, project } = model.state;
  const [filter, setFilter] = React.useState<IFilter>({ text: '', status: '', cell: null });
  if (!loaded || (risks === null && project?.exists === true && error === null)) {
    return <div className="jp-Mlgov-body" aria-busy="true" />;
  }
  if (risks === null) {
    return error === null ? <Start {...props} /> : <div className="jp-Mlgov-body" />;
  }
  const inText = risks.filter(row => matches(row, filter));
  const shown = inText.filter(
    ({ risk }) =>
      filter.cell === null ||
      (risk.severity === filter.cell.severity && risk.likelihood === filter.cell.likelihood)
  );
  const ordered = [...shown].sort(
    (one, other) => SEVERITIES.indexOf(one.risk.severity) - SEVERITIES.indexOf(other.risk.severity)
  );
  return (
    <div className="jp-Mlgov-body jp-Mlgov-register">
      <div className="jp-Mlgov-search">
        <input
          type="search"
          value={filter.text}
          placeholder={trans.__('Filter the risks')}
          aria-label={trans.__('Filter the risks')}
          onChange={event => {
            setFilter({ ...filter, text: event.target.value });
          }}
        />
        <select
          value={filter.status}
          aria-label={trans.__('Status')}
          onChange={event => {
            setFilter({ ...filter, status: event.target.value });
          }}
        >
          <option value="">{trans.__('every status')}</option>
          {RISK_STATUSES.map(status => (
            <option key={status} value={status}>
              {status}
            </option>
          ))}
        </select>
      </div>
      <Matrix {...props} risks={inText} filter={filter} setFilter={setFilter} />
      <button
        type="button"
        className="jp-Mlgov-button"
        disabled={notebook === null}
        onClick={() => {
          actions.editRisk();
        }}
      >
        {trans.__('Add a risk…')}
      </button>
      {ordered.length === 0 ? (
        <p className="jp-Mlgov-quiet" role="status">
          {risks.length === 0
            ? trans.__('No risk is written down yet, which does not mean that there is none.')
            : trans.__('No risk matches.')}
        </p>
      ) : (
        <ul className="jp-Mlgov-rows" aria-label={trans.__('Risks, the most severe first')}>
          {ordered.map(row => (
            <li key={`${row.experiment} ${row.risk.id}`}>
              <RiskRow {...props} row={row} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function RiskRow(props: IViewProps & { row: IRegisteredRisk }): React.JSX.Element {
  const { row, model, trans, actions } = props;
  const { risk } = row;
  const here = row.notebook === model.state.project?.notebook;
  return (
    <>
      <div className="jp-Mlgov-riskTop">
        <span className={`jp-Mlgov-severity jp-Mlgov-severity-${risk.severity}`}>
          {risk.severity}
        </span>
        <span className="jp-Mlgov-riskId">{risk.id}</span>
        <span className="jp-Mlgov-quiet">{risk.status}</span>
        {here && (
          <button
            type="button"
            className="jp-Mlgov-link"
            aria-label={trans.__('Edit %1', risk.id)}
            onClick={() => {
              actions.editRisk(row);
            }}
          >
            {trans.__('Edit')}
          </button>
        )}
      </div>
      <p>{risk.situation}</p>
      {risk.check ? (
        <div className="jp-Mlgov-check">
          <CheckMark check={risk.check} trans={trans} />
          <code title={risk.check.expression}>{risk.check.expression}</code>
        </div>
      ) : (
        <span className="jp-Mlgov-quiet">{trans.__('asserted only: it has no check')}</span>
      )}
      <button
        type="button"
        className="jp-Mlgov-link jp-Mlgov-quiet"
        onClick={() => {
          model.select(row.snapshot);
        }}
      >
        {row.experiment} #{row.number}
      </button>
    </>
  );
}

function matches(row: IRegisteredRisk, filter: IFilter): boolean {
  const { risk } = row;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [risk.id, risk.situation, risk.mitigation ?? '', row.experiment]
    .join('\n')
    .toLowerCase();
  return (
    (filter.status === '' || risk.status === filter.status) &&
    words.every(word => text.includes(word))
  );
}

function Matrix(
  props: IViewProps & {
    risks: readonly IRegisteredRisk[];
    filter: IFilter;
    setFilter: (filter: IFilter) => void;
  }
): React.JSX.Element {
  const { risks, filter, setFilter, trans } = props;
  return (
    <table className="jp-Mlgov-matrix">
      <caption className="jp-Mlgov-quiet">{trans.__('Severity by likelihood')}</caption>
      <thead>
        <tr>
          <td />
          {LIKELIHOODS.map(likelihood => (
            <th key={likelihood} scope="col">
              {likelihood}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {SEVERITIES.map((severity, row) => (
          <tr key={severity}>
            <th scope="row">{severity}</th>
            {LIKELIHOODS.map((likelihood, column) => {
              const count = risks.filter(
                ({ risk }) => risk.severity === severity && risk.likelihood === likelihood
              ).length;
              const pressed =
                filter.cell?.severity === severity && filter.cell.likelihood === likelihood;
              const weight = SEVERITIES.length - 1 - row + column;
              return (
                <td key={likelihood}>
                  <button
                    type="button"
                    data-weight={weight >= 4 ? 'high' : weight >= 2 ? 'medium' : 'low'}
                    aria-pressed={pressed}
                    disabled={count === 0 && !pressed}
                    aria-label={trans.__(
                      '%1 severity, %2 likelihood: %3',
                      severity,
                      likelihood,
                      count
                    )}
                    onClick={() => {
                      setFilter({ ...filter, cell: pressed ? null : { severity, likelihood } });
                    }}
                  >
                    {count > 0 ? count : ''}
                  </button>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
