// The words behind the errors of the rows that are looked at: confusions, deletions, insertions,
// and how often each word is right; each leads to its clips.
"use strict";
const words = (() => {
  const MOST = 100; // lines of a table
  const root = document.querySelector("[data-words]");
  const sorted = {}; // by table: the column that orders it, and which way

  const asked = (parts, chosen) => parts.map(({ at }) => Promise.all(
    [`w${at}`, ...chosen.map((model) => `w${at}-${model}`)].map(pieces.load)));

  // The words of a view's splits as one list, and each row's as numbers in it.
  async function read(parts, chosen) {
    const numbers = new Map();
    const known = [];
    const number = (word) => {
      if (!numbers.has(word)) numbers.set(word, known.push(word) - 1);
      return numbers.get(word);
    };
    const loaded = (await Promise.all(asked(parts, chosen))).map(([said, ...owns]) => {
      const map = said.words.map(number);
      return { said, map, heard: owns.map(({ edits, own, words }) => (
        { edits, own: new Map(own), map: [...map, ...words.map(number)] })) };
    });
    return { known, numbers, loaded };
  }

  // Calls `word(side, word)` for each word of a reference and `edit(side, said, heard)` for each
  // error of the rows that `wanted` has; -1 is no word.
  function each({ loaded }, wanted, word, edit) {
    let before = 0;
    for (const { said, map, heard } of loaded) {
      heard.forEach(({ edits, own, map: mine }, side) => {
        for (let row = 0, at = 0; row < said.ends.length; row++) {
          const end = said.ends[row];
          if (wanted(before + row)) {
            if (own.has(row)) for (const one of own.get(row)) word(side, mine[one], before + row);
            else for (let k = at; k < end; k++) word(side, map[said.of[k]], before + row);
          }
          at = end;
        }
        for (let k = 0; k < edits.length; k += 3) {
          const row = before + edits[k];
          if (wanted(row)) edit(side, mine[edits[k + 1]] ?? -1, mine[edits[k + 2]] ?? -1, row);
        }
      });
      before += said.ends.length;
    }
  }

  function counted(read, sides, rows, size) {
    const within = new Uint8Array(size);
    for (const row of rows) within[row] = 1;
    const total = read.known.length;
    const blank = () => Array.from({ length: sides }, () => new Int32Array(total));
    const [said, wrong, dropped, added, pairs] = [blank(), blank(), blank(), blank(), new Map()];
    each(read, (row) => within[row], (side, word) => { said[side][word]++; }, (side, ref, hyp) => {
      if (ref >= 0) wrong[side][ref]++;
      if (ref < 0) added[side][hyp]++;
      else if (hyp < 0) dropped[side][ref]++;
      else {
        const key = ref * total + hyp;
        if (!pairs.has(key)) pairs.set(key, new Array(sides).fill(0));
        pairs.get(key)[side]++;
      }
    });
    const lines = (kind, counts) => read.known.map((word, at) => (
      { key: `${kind}\t${word}`, words: [word], values: counts.map((one) => one[at]) }))
      .filter(({ values }) => values.some(Boolean));
    return {
      confused: [...pairs].map(([key, values]) => {
        const both = [read.known[Math.floor(key / total)], read.known[key % total]];
        return { key: `c\t${both.join("\t")}`, words: both, values };
      }),
      deleted: lines("d", dropped),
      inserted: lines("i", added),
      right: lines("r", said).map((line) => {
        const at = read.numbers.get(line.words[0]);
        const shares = line.values.map((n, side) => (n ? 100 * (1 - wrong[side][at] / n) : null));
        return { ...line, values: [line.values[0], ...shares] };
      }),
    };
  }

  const KINDS = {
    confused: ["Confusions", ["said", "heard"]], deleted: ["Deletions", ["word"]],
    inserted: ["Insertions", ["word"]], right: ["Accuracy of each word", ["word"]],
  };
  const whole = (value) => value.toLocaleString("en");
  const shown = (kind, value, place) => (value === null ? "–"
    : kind !== "right" || place === 0 ? whole(value)
      : place === 3 ? `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}` : value.toFixed(1));

  function table(kind, lines, sides) {
    const names = sides.length > 1 ? ["A", "B"] : ["times"];
    const heads = kind === "right" ? ["n", ...(sides.length > 1 ? ["A %", "B %"] : ["right %"])] : names;
    if (sides.length > 1) {
      heads.push("B − A");
      const [a, b] = kind === "right" ? [1, 2] : [0, 1];
      for (const { values } of lines) {
        values.push(values[a] === null || values[b] === null ? null : values[b] - values[a]);
      }
    }
    const [title, texts] = KINDS[kind];
    const body = element("tbody", {});
    const all = [...texts, ...heads];
    const cells = all.map((text, place) => element("th", { scope: "col", "aria-sort": "none" },
      element("button", { type: "button", onclick: () => order(place, true) }, text)));
    const value = (line, place) => (place < texts.length ? line.words[place]
      : line.values[place - texts.length]);
    function order(place, turn = false) {
      const now = sorted[kind] ?? {};
      const down = turn && now.place === place ? !now.down
        : turn ? place >= texts.length : now.down ?? kind !== "right";
      sorted[kind] = { place, down };
      cells.forEach((cell, at) => cell.setAttribute("aria-sort",
        at !== place ? "none" : down ? "descending" : "ascending"));
      const sign = down ? -1 : 1;
      const ranked = lines.slice().sort((x, y) => {
        const [a, b] = [value(x, place), value(y, place)];
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * ((a > b) - (a < b)) || (y.values[0] ?? 0) - (x.values[0] ?? 0);
      });
      body.replaceChildren(...ranked.slice(0, MOST).map((line) => element("tr", {},
        ...line.words.map((word, at) => element(at ? "td" : "th", at ? {} : { scope: "row" },
          element("a", { href: state.link({ word: line.key, page: null }), "data-key": line.key }, word))),
        ...line.values.map((one, at) => element("td", {}, shown(kind, one, at))))));
    }
    const first = kind === "right" && sides.length < 2 ? texts.length + 1 : all.length - 1;
    order(Math.min(sorted[kind]?.place ?? first, all.length - 1));
    const more = lines.length > MOST ? `, the first ${MOST} of ${whole(lines.length)}` : "";
    return element("div", { "data-kind": kind }, element("h3", {}, title + more),
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
        element("table", { class: texts.length > 1 ? "named" : null },
          element("thead", {}, element("tr", {}, ...cells)), body)));
  }

  // What an address names: the kind and its words.
  const parsed = (key) => key.split("\t");
  const TOLD = {
    c: (a, b) => `“${a}” heard as “${b}”`, d: (a) => `“${a}” deleted`,
    i: (a) => `“${a}” inserted`, r: (a) => `“${a}” said`,
  };

  return {
    // The rows that a word of the tables stands for.
    async rows(parts, chosen, key) {
      const [kind, ...named] = parsed(key);
      const found = await read(parts, chosen);
      const [one, other] = named.map((word) => found.numbers.get(word) ?? -2);
      const rows = new Set();
      each(found, () => true, (side, word, row) => {
        if (kind === "r" && word === one) rows.add(row);
      }, (side, ref, hyp, row) => {
        if (kind === "c" ? ref === one && hyp === other : kind === "d" ? ref === one && hyp < 0
          : kind === "i" && ref < 0 && hyp === one) rows.add(row);
      });
      return rows;
    },
    told: (key) => TOLD[parsed(key)[0]]?.(...parsed(key).slice(1)) ?? "",
    // Has the words of a view loaded before they are counted.
    ask: (parts, chosen) => asked(parts, chosen.slice(0, 2)).map((one) => one.catch(() => {})),
    async show({ kind }, chosen, { parts, places }, rows, current) {
      root.hidden = kind !== "asr";
      if (root.hidden) return;
      const sides = chosen.slice(0, 2);
      const found = await read(parts, sides);
      await new Promise((resolve) => setTimeout(resolve));
      if (!current()) return;
      const made = counted(found, sides.length, rows, places.length);
      root.replaceChildren(...Object.keys(KINDS).map((kind) => table(kind, made[kind], sides)));
    },
  };
})();
