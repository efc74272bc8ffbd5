import assert from 'node:assert/strict';
import { test } from 'node:test';

import { statedIn } from '../src/stated';

const RISK = `## Risk: Thin data

\`\`\`yaml
situation: >
  Few large
  loans
severity: high
likelihood: low
check: ["n > 30", "recall > 0.5"]
\`\`\`
`;

test('a tagged risk is read with its heading as the name', () => {
  const [risk] = statedIn(RISK, ['risk', 'other']);
  assert.equal(risk?.title, 'Thin data');
  assert.deepEqual(risk?.badges, ['high', 'likelihood low']);
  assert.equal(risk?.severity, 'high');
  assert.deepEqual(risk?.rows, [
    { name: 'situation', value: 'Few large loans' },
    { name: 'check', value: 'n > 30; recall > 0.5' }
  ]);
});

test('a charter names itself and shows its KPIs', () => {
  const source =
    '~~~yaml\ntitle: Loans\nkpis:\n  - auc >= 0.8\n  - {metric: recall, op: ">=", target: 0.5}\n~~~';
  const [charter] = statedIn(source, ['charter']);
  assert.equal(charter?.title, 'Loans');
  assert.deepEqual(charter?.rows, [
    { name: 'kpis', value: 'auc >= 0.8; metric: recall, op: >=, target: 0.5' }
  ]);
});

test('what is not tagged is left alone, and what cannot be read says so', () => {
  assert.deepEqual(statedIn(RISK, ['chart']), []);
  assert.deepEqual(statedIn('# no block', ['risk']), []);
  const [broken] = statedIn('# R\n```yaml\na: [1\n```\n', ['risk']);
  assert.equal(broken?.title, 'R');
  assert.notEqual(broken?.problem, null);
});
