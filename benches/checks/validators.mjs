// The checks of a course as scans over whole main files, in the style of the scripts that course projects have.
// `node validators.mjs COURSE_DIR` judges everything; `node validators.mjs COURSE_DIR PHASE BATCH` one batch, reading the files anew.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [dir, phase, batch] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(dir, name), 'utf8'));
const words = (text) => text.normalize('NFC').toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
const fold = (text) => words(text).join(' ');
const contains = (text, part) => ` ${text} `.includes(` ${part} `);

const size = phase === 'phase5' ? 60 : 20;
const mine = (items) => (batch ? items.slice((batch - 1) * size, batch * size) : items);
const runs = (name) => !phase || phase === name;

const seeds = read('lego_pairs.json');
const failed = { tiling: new Set(), determinism: new Set(), operative: new Set(), culminating: new Set(), vocabulary: new Set() };
const messages = [];
const fail = (check, item, message) => {
  failed[check].add(item);
  messages.push({ type: check, item, message });
};

if (runs('phase3')) {
  const own = new Set(mine(seeds).map((seed) => seed[0]));
  for (const [id, [target], legos] of mine(seeds)) {
    const joined = fold(legos.filter((lego) => lego[1] === 'B' || lego[1] === 'C').map((lego) => lego[2]).join(' '));
    if (joined !== fold(target)) fail('tiling', id, `the LEGOs give ${joined}, not ${target}`);
  }
  const said = new Map();
  for (const [id, , legos] of seeds) {
    for (const [lego, , target, known] of legos) {
      const first = said.get(fold(known));
      if (first === undefined) said.set(fold(known), { lego, target: fold(target) });
      // A seed that is not tiled is checked no further.
      else if (first.target !== fold(target) && own.has(id) && !failed.tiling.has(id)) fail('determinism', id, `${lego} collides with ${first.lego}`);
    }
  }
}

if (runs('phase5')) {
  const baskets = read('lego_baskets.json');
  const legos = seeds.flatMap(([, pair, all]) => all.map((lego, at) => ({ lego, pair, last: at === all.length - 1 })));
  const own = new Set(mine(legos).map(({ lego }) => lego[0]));
  const taught = new Set();
  for (const { lego, pair, last } of legos) {
    const [id, , target, , components] = lego;
    for (const text of [target, ...(components ?? []).map((part) => part[0])]) for (const word of words(text)) taught.add(word);
    if (!own.has(id)) continue;
    const { e, d } = baskets[id];
    const debut = Object.values(d).flat().map((phrase) => phrase[0]);
    for (const phrase of [...e.map((pair) => pair[0]), ...debut]) {
      for (const word of words(phrase)) if (!taught.has(word)) fail('vocabulary', id, `${word} in ${phrase}`);
    }
    for (const phrase of debut) if (!contains(fold(phrase), fold(target))) fail('operative', id, `${phrase} lacks ${target}`);
    if (last && fold(e[0]?.[0] ?? '') !== fold(pair[0])) fail('culminating', id, `the first phrase is not ${pair[0]}`);
  }
}

const failedItems = Object.fromEntries(Object.entries(failed).map(([check, items]) => [check, [...items].sort()]));
console.log(JSON.stringify({ valid: messages.length === 0, errors: messages, failedItems }));
