import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  isNested,
  isRiskId,
  newRiskCell,
  readRisk,
  restateRisk,
  type RiskValues,
  risksOf,
  writeRisk
} from '../src/riskcell';

const code = (source: string) => risksOf({ id: 'c0', type: 'code', source, tags: [] });
const markdown = (source: string, tags = ['risk']) =>
  risksOf({ id: 'c0', type: 'markdown', source, tags });

/** The cell with the one risk that it states written anew. */
function edited(cells: ReturnType<typeof code>, change: RiskValues): string | undefined {
  const [risk] = cells;
  return risk?.write(writeRisk({ ...readRisk(risk.yaml), ...change }, risk.yaml));
}

void test('a new cell has the id and the fields that were filled in', () => {
  assert.equal(
    newRiskCell(
      'thin-data',
      writeRisk({ situation: 'Few loans', severity: 'high', likelihood: 'low', effect: ' ' })
    ),
    '%%risk thin-data\nsituation: Few loans\nseverity: high\nlikelihood: low'
  );
});

void test('what is written is read back, whatever is in it', () => {
  for (const text of [
    'plain',
    'with: colon and #hash',
    '"quoted" and \'single\'',
    '- not a list',
    'yes',
    '3.0',
    'two\nlines',
    '%%risk other',
    '```',
    '{brace} [bracket] *star &and !bang |pipe >more @at `tick`',
    '<img src=x onerror=alert(1)>',
    'ünïcödé 漢字'
  ]) {
    const [risk] = code(newRiskCell('r1', writeRisk({ situation: text, severity: 'low' })));
    assert.equal(risk?.id, 'r1');
    assert.deepEqual(readRisk(risk.yaml), { situation: text, severity: 'low' });
  }
});

void test('an edit keeps comments, order and fields that the form does not have', () => {
  const cell =
    '%%risk r1\n# agreed with the board\nlikelihood: low\nsituation: old\nresidual_risk: small\nseverity: high';
  assert.equal(
    edited(code(cell), { situation: 'new', owner: 'Anna' }),
    '%%risk r1\n# agreed with the board\nlikelihood: low\nsituation: new\nresidual_risk: small\nseverity: high\nowner: Anna'
  );
});

void test('a status that a cell leaves out is not written where it is the usual one', () => {
  const cell = '%%risk r1\nsituation: x\nseverity: low';
  assert.equal(edited(code(cell), { status: 'open' }), cell);
  assert.equal(edited(code(cell), { status: 'closed' }), `${cell}\nstatus: closed`);
});

void test('a field that is emptied goes away', () => {
  assert.equal(
    edited(code('%%risk r1\nsituation: x\nowner: Anna'), { owner: '' }),
    '%%risk r1\nsituation: x'
  );
});

void test('a check with several expressions is left as it is', () => {
  const cell = '%%risk r1\nsituation: x\ncheck:\n  - a > 1\n  - b > 2';
  assert.equal(isNested(code(cell)[0]?.yaml ?? '', 'check'), true);
  assert.equal(
    edited(code(cell), { situation: 'y', check: 'other' }),
    cell.replace('situation: x', 'situation: y')
  );
});

void test('a risk in a markdown cell is written where it stands, and all around it stays', () => {
  const cell = `## Risk: thin data

Few *large* loans.

\`\`\`yaml
situation: old # the board's words
severity: high
residual_risk: small
\`\`\`

See [the minutes](minutes.md).
`;
  const found = markdown(cell);
  assert.deepEqual(
    found.map(({ id }) => id),
    ['thin-data']
  );
  assert.equal(
    edited(found, { severity: 'low', owner: 'Anna' }),
    cell.replace('severity: high', 'severity: low').replace('small\n', 'small\nowner: Anna\n')
  );
});

void test('the id is the one that the kernel gives: a field, else the heading, else the cell', () => {
  const ids = (source: string): readonly string[] => markdown(source).map(({ id }) => id);
  assert.deepEqual(ids('# Other\n```yaml\nid: "from-field" # so\nseverity: low\n```'), [
    'from-field'
  ]);
  assert.deepEqual(ids('### RISK – Größere Kredite (2027) ##\n~~~ yml\nseverity: low\n~~~'), [
    'größere-kredite-2027'
  ]);
  assert.deepEqual(ids('```yaml\nseverity: low\n```'), ['c0']);
  assert.deepEqual(ids('## A\n```yaml\nid: one\n```\n\n````yaml\nid: two\n````'), ['one', 'two']);
});

void test('the second of two blocks is the one that changes', () => {
  const cell = '```yaml\nid: one\nseverity: low\n```\n\n```yaml\nid: two\nseverity: low\n```\n';
  const two = markdown(cell)[1];
  assert.equal(
    two?.write(writeRisk({ severity: 'high' }, two.yaml)),
    '```yaml\nid: one\nseverity: low\n```\n\n```yaml\nid: two\nseverity: high\n```\n'
  );
});

void test('text that would close the block is written all the same', () => {
  const cell = '## R\n```yaml\nsituation: x\nseverity: low\n```\nafter';
  const [risk] = markdown(edited(markdown(cell), { situation: 'see\n```\nthis' }) ?? '');
  assert.deepEqual(readRisk(risk?.yaml ?? ''), { situation: 'see\n```\nthis', severity: 'low' });
  assert.match(risk?.write('') ?? '', /after$/);
});

void test('a block that nobody closed is read to its end', () => {
  const cell = '## R\n```yaml\nsituation: x\nseverity: low';
  assert.equal(edited(markdown(cell), { severity: 'high' }), cell.replace('low', 'high'));
});

void test('a whole risk that is stated anew keeps comments, order and id', () => {
  const old =
    '# why\nid: r1\nseverity: low # agreed\nsituation: x\nowner: Anna\ncheck: [a > 1, b > 2]';
  assert.equal(
    restateRisk('situation: x\nseverity: high\ncheck:\n- a > 1\n- b > 2\ntags: [data]\n', old),
    '# why\nid: r1\nseverity: high # agreed\nsituation: x\ncheck: [ a > 1, b > 2 ]\ntags:\n  - data'
  );
  assert.equal(restateRisk('situation: x\n', ''), 'situation: x');
});

void test('other cells, and YAML that cannot be read, are no risk', () => {
  assert.deepEqual(code('x = 1'), []);
  assert.deepEqual(markdown('## R\n```yaml\nseverity: low\n```', []), []);
  assert.deepEqual(markdown('## R\n```yaml\nseverity: low\n```', ['charter', 'risk']), []);
  assert.deepEqual(risksOf({ id: 'c0', type: 'raw', source: '%%risk a\n', tags: [] }), []);
  assert.equal(readRisk('a: [1'), null);
  assert.equal(readRisk('just words'), null);
});

void test('ids are words', () => {
  assert.equal(isRiskId('unequal-error.v2'), true);
  assert.equal(isRiskId('two words'), false);
  assert.equal(isRiskId('-x'), false);
  assert.equal(isRiskId(''), false);
});
