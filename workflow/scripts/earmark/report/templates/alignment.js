// A reference over one or two hypotheses, word by word, the edits coloured and named.
"use strict";
const alignment = (() => {
  const MOST = 600; // columns laid out at first; a page of text waits for a button

  const words = (text) => (text ? text.split(/\s+/).filter(Boolean) : []);

  // What one hypothesis has at each reference word, and what it inserts before it. `edits` holds
  // [kind, first reference word, how many, first hypothesis word, how many]; between edits the
  // two sides agree word for word.
  function against(reference, hypothesis, edits) {
    const at = reference.map(() => null);
    const before = Array.from({ length: reference.length + 1 }, () => []);
    let [r, h] = [0, 0];
    const same = (until) => {
      while (r < until && h < hypothesis.length) at[r++] = ["same", hypothesis[h++]];
      r = until;
    };
    for (const [kind, start, dropped, from, taken] of edits) {
      same(start);
      h = from;
      if (kind === "merge") {
        at[r] = ["same", hypothesis.slice(h, h + taken).join(" ")];
        for (let k = 1; k < dropped; k++) at[r + k] = ["same", ""];
        [r, h] = [r + dropped, h + taken];
        continue;
      }
      const pairs = Math.min(dropped, taken);
      for (let k = 0; k < pairs; k++) at[r++] = ["mark", hypothesis[h++]];
      for (let k = pairs; k < dropped; k++) { at[r] = ["del", reference[r]]; r++; }
      for (let k = pairs; k < taken; k++) before[r].push(hypothesis[h++]);
    }
    same(reference.length);
    before[r].push(...hypothesis.slice(h));
    return { at, before };
  }

  function columns(reference, sides) {
    const found = [];
    for (let r = 0; r <= reference.length; r++) {
      const most = Math.max(...sides.map((side) => side.before[r].length));
      for (let k = 0; k < most; k++) {
        found.push(["", ...sides.map((side) => (
          k < side.before[r].length ? ["ins", side.before[r][k]] : ["none", ""]))]);
      }
      if (r < reference.length) {
        found.push([reference[r], ...sides.map((side) => side.at[r] ?? ["none", ""])]);
      }
    }
    return found;
  }

  // A long run of words that no reference has, a loop say, is folded behind a button.
  const RUN = 16;
  function folded(found) {
    const items = [];
    for (let start = 0; start < found.length;) {
      let end = start;
      while (end < found.length && !found[end][0]) end++;
      if (end - start > 2 * RUN) {
        items.push(...found.slice(start, start + RUN).map(column),
          fold(found.slice(start + RUN, end), "more inserted words"));
        start = end;
      } else items.push(column(found[start++]));
    }
    return items;
  }
  function fold(found, what) {
    const more = element("button", {
      type: "button",
      onclick: () => more.parentElement.replaceWith(...found.map(column)),
    }, `show ${found.length.toLocaleString("en")} ${what}`);
    return element("li", {}, more);
  }

  const TITLES = { mark: "substituted", del: "deleted", ins: "inserted" };

  function column([word, ...cells]) {
    return element("li", {}, element("span", {}, word || " "), ...cells.map(([kind, text]) => (
      kind in TITLES ? element(kind, { title: TITLES[kind] }, text)
        : element("span", { class: "same" }, text || " "))));
  }

  return {
    // `answers`: [{name, text, edits}], one or two.
    show(referenceText, answers) {
      const reference = words(referenceText);
      const found = columns(reference,
        answers.map(({ text, edits }) => against(reference, words(text), edits)));
      const list = element("ol", {
        class: "aligned", "aria-hidden": "true",
        dir: /[\u0590-\u08ff\ufb1d-\ufdff]/.test(referenceText) ? "rtl" : "ltr",
      });
      list.append(element("li", { class: "who" }, ...["reference", ...answers.map((a) => a.name)]
        .map((name) => element("span", { title: name }, name))));
      const items = folded(found.slice(0, MOST));
      if (found.length > MOST) items.push(fold(found.slice(MOST), "more words"));
      list.append(...items);
      if (list.querySelector("button")) list.removeAttribute("aria-hidden");
      const spoken = [["Reference", referenceText], ...answers.map((a) => [a.name, a.text])];
      return [list, element("div", { class: "hidden" }, ...spoken.map(([name, text]) => (
        element("p", {}, `${name}: ${(text || "(empty)").slice(0, 4000)}`))))];
    },
  };
})();
