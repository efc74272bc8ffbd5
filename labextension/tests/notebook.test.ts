import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describe, experimentOf, isRecorded } from '../src/notebook';

void test('only cells that are recorded take the notebook with them', () => {
  for (const code of [
    '%%experiment baseline\nx = 1',
    '\n%%experiment baseline -m "a"\nx',
    '%%time\n%%experiment baseline\nx = 1',
    '%%risk unequal\nseverity: high',
    '%%charter\ntitle: T',
    '%mlgov snapshot -m "before the change"',
    'x = 1\n%mlgov snapshot'
  ]) {
    assert.equal(isRecorded(code), true, code);
  }
  for (const code of [
    'x = 1',
    '%%time\nx = 1',
    '# %%experiment no',
    '%mlgov show snapshot',
    'x = """\n%%experiment\n"""',
    ''
  ]) {
    assert.equal(isRecorded(code), false, code);
  }
});

void test('the name of an experiment is found among its options', () => {
  for (const head of [
    'baseline',
    'baseline -m "two words"',
    '--seed 1 baseline',
    "-m 'two words' --show baseline",
    '--kpi="auc >= 0.8" baseline'
  ]) {
    assert.equal(experimentOf(`%%time\n%%experiment ${head}\nx = 1`), 'baseline', head);
  }
  for (const code of ['%%experiment', '%%experiment --seed 1\nx', '%%experiment a/b\nx', 'x = 1']) {
    assert.equal(experimentOf(code), null, code);
  }
});

void test('a long cell that is none is told so at once', () => {
  const started = performance.now();
  assert.equal(isRecorded('%%a\n'.repeat(20_000) + 'x'), false);
  assert.equal(isRecorded(' '.repeat(200_000) + 'x'), false);
  assert.ok(performance.now() - started < 1000);
});

void test('sources and metadata go along, outputs do not', () => {
  const cell = {
    id: 'c0',
    cell_type: 'code',
    outputs: ['large'],
    getSource: () => 'x = 1  # not saved',
    getMetadata: () => ({ tags: ['t'] })
  };
  assert.deepEqual(describe({ cells: [cell], getMetadata: () => ({ a: 1 }) }, 'f/n.ipynb', '~/w'), {
    path: 'f/n.ipynb',
    root: '~/w',
    metadata: { a: 1 },
    cells: [
      { id: 'c0', cell_type: 'code', source: 'x = 1  # not saved', metadata: { tags: ['t'] } }
    ]
  });
});
