// A validator as course projects have them: called with a course folder and a batch number, reads the main files in it, and
// prints its judgement as JSON. `node validator.mjs COURSE_DIR BATCH [LOG]`; each run adds a line to LOG.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [dir, batch, log] = process.argv.slice(2);
if (log) appendFileSync(log, `${batch}\n`);

const read = (name) => JSON.parse(readFileSync(join(dir, name), 'utf8'));
const fold = (text) => text.toLowerCase().normalize('NFC').replace(/[\p{P}\s]+/gu, ' ').trim();

const all = read('lego_pairs.json');
const mine = read(`phase3_batch_${batch}.json`);
const translations = read('seed_pairs.json');

// Functional determinism over the whole course, blamed on the later seed.
const said = new Map();
const collisions = new Map();
for (const [seedId, , legos] of all) {
  for (const [legoId, , target, known] of legos) {
    const first = said.get(fold(known));
    if (first === undefined) said.set(fold(known), { legoId, target: fold(target) });
    else if (first.target !== fold(target)) collisions.set(legoId, { seedId, first });
  }
}

const errors = [];
for (const [seedId, [target, known], legos] of mine) {
  const joined = legos.filter((lego) => lego[1] !== 'F').map((lego) => lego[2]).join(' ');
  if (fold(joined) !== fold(target)) {
    errors.push({ type: 'TILING_FAILURE', seedId, message: `LEGOs give "${joined}", not "${target}"`, suggestion: 'cut the seed anew' });
  }
  if (translations[seedId]?.[0] !== target || translations[seedId]?.[1] !== known) {
    errors.push({ type: 'SEED_PAIR_CHANGED', seedId, message: 'the seed pair is not the one of phase 1' });
  }
}
for (const [legoId, { seedId, first }] of collisions) {
  errors.push({ type: 'FD_VIOLATION', seedId, legoId, message: `${legoId} collides with ${first.legoId}` });
}

const failedSeeds = [...new Set(errors.map((error) => error.seedId))];
const valid = errors.length === 0;
console.log(JSON.stringify({ valid, errors, failedSeeds, warnings: [], stats: { seeds: mine.length } }));
process.exit(valid ? 0 : 1);
