/** The difference of two texts, side by side with line numbers; in a narrow place the lines stand under each other. */
import * as React from 'react';

import { diffLines, type IDiffLine, type Piece } from './diff';

/** Equal lines that are shown around a change. */
const AROUND = 3;

export function DiffView(props: {
  before: string;
  after: string;
  label: string;
}): React.JSX.Element {
  const lines = React.useMemo(
    () => diffLines(props.before, props.after),
    [props.before, props.after]
  );
  const shown = lines.map((_, place) =>
    lines.slice(Math.max(0, place - AROUND), place + AROUND + 1).some(line => line.kind !== 'same')
  );
  const rows: React.ReactNode[] = [];
  lines.forEach((line, place) => {
    if (shown[place] === true) {
      rows.push(<Line key={place} line={line} />);
    } else if (place === 0 || shown[place - 1] === true) {
      rows.push(
        <tr key={place} className="jp-Mlgov-diffGap">
          <td colSpan={4} aria-label="…">
            ⋯
          </td>
        </tr>
      );
    }
  });
  return (
    <table className="jp-Mlgov-diff" aria-label={props.label}>
      <tbody>{rows}</tbody>
    </table>
  );
}

function Line(props: { line: IDiffLine }): React.JSX.Element {
  const { kind, before, after } = props.line;
  return (
    <tr data-kind={kind}>
      <td className="jp-Mlgov-diffNumber">{before?.number ?? ''}</td>
      <Text mark="-" side={before} kind={kind} />
      <td className="jp-Mlgov-diffNumber">{after?.number ?? ''}</td>
      <Text mark="+" side={after} kind={kind} />
    </tr>
  );
}

function Text(props: {
  mark: '-' | '+';
  side: IDiffLine['before'];
  kind: IDiffLine['kind'];
}): React.JSX.Element {
  const { mark, side, kind } = props;
  if (side === null) {
    return <td className="jp-Mlgov-diffNone" />;
  }
  const touched = kind !== 'same';
  const pieces = side.pieces.map(([text, changed]: Piece, place) =>
    changed ? <mark key={place}>{text}</mark> : <React.Fragment key={place}>{text}</React.Fragment>
  );
  return (
    <td className="jp-Mlgov-diffText" data-side={touched ? mark : undefined}>
      <span className="jp-Mlgov-diffMark">{touched ? mark : ' '}</span>
      {pieces}
    </td>
  );
}
