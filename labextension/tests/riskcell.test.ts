import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isNested, isRiskId, readRisk, riskIdOf, writeRisk } from '../src/riskcell';

void test('a new cell has the id and the fields that were filled in', () => {
  assert.equal(
    writeRisk('thin-data', {
      situation: 'Few loans',
      severity: 'high',
      likelihood: 'low',
      effect: ' '
    }),
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
    '{brace} [bracket] *star &and !bang |pipe >more @at `tick`',
    '<img src=x onerror=alert(1)>',
    'ünïcödé 漢字'
  ]) {
    const cell = writeRisk('r1', { situation: text, severity: 'low' });
    assert.equal(riskIdOf(cell), 'r1');
    assert.deepEqual(readRisk(cell), { situation: text, severity: 'low' });
  }
});

void test('an edit keeps comments, order and fields that the form does not have', () => {
  const cell =
    '%%risk r1\n# agreed with the board\nlikelihood: low\nsituation: old\nresidual_risk: small\nseverity: high';
  assert.equal(
    writeRisk('r1', { ...readRisk(cell), situation: 'new', owner: 'Anna' }, cell),
    '%%risk r1\n# agreed with the board\nlikelihood: low\nsituation: new\nresidual_risk: small\nseverity: high\nowner: Anna'
  );
});

void test('a field that is emptied goes away', () => {
  const cell = '%%risk r1\nsituation: x\nowner: Anna';
  assert.equal(writeRisk('r1', { situation: 'x', owner: '' }, cell), '%%risk r1\nsituation: x');
});

void test('a check with several expressions is left as it is', () => {
  const cell = '%%risk r1\nsituation: x\ncheck:\n  - a > 1\n  - b > 2';
  assert.equal(isNested(cell, 'check'), true);
  assert.equal(writeRisk('r1', { situation: 'y', check: 'other' }, cell), cell.replace('x', 'y'));
});

void test('other cells, and YAML that cannot be read, are no risk', () => {
  assert.equal(riskIdOf('x = 1'), null);
  assert.equal(readRisk('x = 1'), null);
  assert.equal(readRisk('%%risk r1\na: [1'), null);
  assert.equal(readRisk('%%risk r1\njust words'), null);
});

void test('ids are words', () => {
  assert.equal(isRiskId('unequal-error.v2'), true);
  assert.equal(isRiskId('two words'), false);
  assert.equal(isRiskId('-x'), false);
  assert.equal(isRiskId(''), false);
});
