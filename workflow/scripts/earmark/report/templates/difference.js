// Who wins: the paired test of two models, and the rates of the rows that are looked at.
"use strict";
const difference = (() => {
  const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
  const rounded = (p) => (p < 0.001 ? "< 0.001" : p.toFixed(3));

  // The test of a view, turned so that the first model is A.
  function turned(line, [a]) {
    if (line.why || line.a === a) return line;
    const ends = line.interval && [-line.interval[1], -line.interval[0]];
    return { ...line, rate_a: line.rate_b, rate_b: line.rate_a, difference: -line.difference,
      interval: ends, wins: line.losses, losses: line.wins };
  }

  // Rates of some rows, in percent, and in how many of them which is better.
  function counted(answers, rows, asr) {
    const sums = [0, 0];
    let [words, wins, losses] = [0, 0, 0];
    for (const row of rows) {
      const costs = answers.map((one) => (asr || one.cost[row] === null ? one.cost[row]
        : Number(Boolean(one.kinds[row] & 128))));
      const weight = asr ? answers[0].words[row] : 1;
      if (costs.includes(null) || weight === null) continue;
      words += weight;
      costs.forEach((cost, side) => { sums[side] += cost; });
      if (costs[1] < costs[0]) wins++;
      if (costs[1] > costs[0]) losses++;
    }
    if (!words) return null;
    const [a, b] = sums.map((sum) => (asr ? 100 * sum / words : 100 - 100 * sum / words));
    return { rate_a: a, rate_b: b, difference: b - a, groups: rows.length, wins,
      losses, ties: rows.length - wins - losses };
  }

  function cells(line) {
    if (!line || line.why) return [line?.why ?? "nothing to compare"];
    const { rate_a, rate_b, interval, p, p_holm, wins, ties, losses } = line;
    return [rate_a.toFixed(2), rate_b.toFixed(2), signed(line.difference),
      interval ? `${signed(interval[0])} to ${signed(interval[1])}` : "–",
      p === undefined ? "not tested" : rounded(p), p === undefined ? "–" : rounded(p_holm),
      [wins, ties, losses].map((count) => count.toLocaleString("en")).join(" / ")];
  }

  function verdict(line, names, lower) {
    if (!line || line.why || line.p_holm === undefined) return "";
    const [better, worse] = (line.difference < 0) === lower ? [1, 0] : [0, 1];
    return line.p_holm < 0.05
      ? `${names[better]} is better than ${names[worse]}: p ${line.p_holm < 0.001 ? "" : "= "}${rounded(line.p_holm)} after Holm.`
      : `No difference that holds: p = ${rounded(line.p_holm)} after Holm.`;
  }

  const HEADS = ["", "A", "B", "B − A", "95 %", "p", "p (Holm)", "B better / equal / worse"];

  return {
    // `rows`: those looked at, of `of` in all; nothing is shown for fewer than two models.
    async show(place, view, chosen, models, table, rows) {
      place.hidden = chosen.length !== 2;
      if (place.hidden) return;
      const asr = view.kind === "asr";
      const [title, lower] = asr ? ["Word error rate", true]
        : view.rates?.[table.protocol] ?? ["Success rate", false];
      const [one, all] = [(await pieces.load("tests")), view.parts.length > 1];
      const found = one.find((line) => line.benchmark === view.benchmark
        && line.split === (all ? "*" : view.parts[0].key.slice(view.benchmark.length + 1))
        && line.protocol === (view.kind === "mmau" ? "" : table.protocol)
        && chosen.includes(line.a) && chosen.includes(line.b));
      const test = found && turned(found, chosen);
      const names = chosen.map((model) => models[model]);
      const lines = [[all ? "all splits, by groups" : "the split, by groups", test]];
      if (rows.length < table.places.length && !view.rates) {
        lines.push([`these ${rows.length.toLocaleString("en")}, by samples`,
          counted(table.answers, rows, asr)]);
      }
      place.replaceChildren(
        element("h3", {}, `${names[0]} (A) against ${names[1]} (B)`),
        element("p", { class: "note" }, `${title}, ${lower ? "lower" : "higher"} is better. `,
          verdict(test, names, lower)),
        element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The difference" },
          element("table", {},
            element("thead", {}, element("tr", {}, ...HEADS.map((text) => (
              element(text ? "th" : "td", text ? { scope: "col" } : {}, text))))),
            element("tbody", {}, ...lines.map(([title, line]) => element("tr", {},
              element("th", { scope: "row" }, title), ...cells(line).map((text, _, { length }) => (
                element("td", { colspan: length === 1 ? HEADS.length - 1 : null }, text)))))))),
      );
    },
  };
})();
