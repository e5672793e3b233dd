// The sample browser: which rows, in which order, a page of them at a time.
"use strict";
const samples = (() => {
  const { splits, models, size } = report.samples;
  const root = document.getElementById("browser");
  if (!root || !splits.length) return;
  const PAGE = 20;
  const form = root.querySelector("form");
  const list = root.querySelector("[data-list]");
  const count = root.querySelector("[data-count]");
  const [back, on] = root.querySelectorAll("[data-page]");

  const chosenSplit = () => splits.find((split) => split.key === state.get("split")) ?? splits[0];
  const modelOf = (name) => models.findIndex((model) => model === name);
  function chosenModels(split) {
    const first = modelOf(state.get("model"));
    const at = split.models.includes(first) ? first : split.models[0];
    const other = modelOf(state.get("with"));
    return split.models.includes(other) && other !== at ? [at, other] : [at];
  }

  const SORTS = {
    worst: ["worst first", (a) => a.cost],
    best: ["best first", (a) => a.cost.map((cost) => (cost === null ? null : -cost))],
    rate: ["highest error rate", (a) => a.cost.map((cost, at) => (
      cost === null || !a.words[at] ? null : cost / a.words[at]))],
    apart: ["models furthest apart", (a, u, b) => (b
      ? a.cost.map((cost, at) => (
        cost === null || b.cost[at] === null ? null : Math.abs(cost - b.cost[at])))
      : a.cost)],
    long: ["longest audio", (a, u) => u.duration],
    short: ["shortest audio", (a, u) => u.duration.map((d) => (d === null ? null : -d))],
    order: ["as in the manifest", null],
  };

  function ranked(by, indices, utterances) {
    const order = Array.from({ length: utterances.duration.length }, (_, at) => at);
    const of = SORTS[by][1];
    if (!of) return order;
    const values = of(indices[0], utterances, indices[1]);
    const value = (at) => values[at] ?? -Infinity;
    return order.sort((a, b) => value(b) - value(a) || a - b);
  }

  // Which rows pass everything but the search for text.
  function passing(indices, utterances) {
    const mask = Number(state.get("kinds", "0"));
    const [low, high] = state.get("seconds", "-").split("-").map((end, at) => (
      end === "" ? [-Infinity, Infinity][at] : Number(end)));
    const timed = state.get("seconds") !== "";
    const facets = Object.entries(utterances.facets)
      .map(([name, facet]) => [facet, facet.values.indexOf(state.get(name))])
      .filter(([, wanted]) => wanted >= 0);
    return (at) => {
      if (mask && !indices.some((index) => (index.kinds[at] & mask))) return false;
      const seconds = utterances.duration[at];
      if (timed && (seconds === null || seconds < low || seconds >= high)) return false;
      return facets.every(([facet, wanted]) => facet.of[at].includes(wanted));
    };
  }

  const piecesOf = (split, at) => [
    `u${split.at}-${Math.floor(at / size)}`,
    ...chosenModels(split).map((model) => `a${split.at}-${model}-${Math.floor(at / size)}`)];

  async function rowAt(split, at) {
    const [utterances, ...answers] = await Promise.all(
      piecesOf(split, at).map((name) => pieces.load(name)));
    return [utterances[at % size], ...answers.map((rows) => rows[at % size])];
  }

  async function matching(split, order, text, current) {
    const wanted = text.toLowerCase();
    const whole = [];
    for (let start = 0; start < split.entries; start += size) whole.push(...piecesOf(split, start));
    await Promise.all(whole.map((name) => pieces.load(name)));
    if (!current()) return [];
    const found = [];
    for (const at of order) {
      const [utterance, ...answers] = await Promise.all([]) && [];
      void utterance; void answers;
    }
    return found;
  }

  return { splits, rowAt, matching, ranked, passing, form, list, count, back, on };
})();
