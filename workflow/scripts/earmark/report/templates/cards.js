// A sample, as it is shown: what was said or asked, what each model answered, and why it counts.
"use strict";
const cards = (() => {
  const round = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : "–");
  const chip = (text, kind = "") => element("span", { class: `chip ${kind}`.trim() }, text);

  function verdict(index, at, kind, names) {
    const kinds = index.kinds[at];
    const marks = report.samples.kinds[kind]
      .filter(([bit, , shown]) => shown && kinds & bit)
      .map(([, label, , tone]) => chip(label, tone));
    if (kind === "asr") {
      const [errors, total] = [index.cost[at], index.words[at]];
      const of = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
      marks.unshift(chip(total === null || errors === null ? "not scored"
        : `${of(errors, "error")} / ${of(total, "word")}`,
      errors === null ? "" : errors ? "bad" : "good"));
    }
    return names ? [element("span", {}, names), ...marks] : marks;
  }

  function details(utterance, answers) {
    const rows = [];
    const add = (term, text) => {
      if (text !== null && text !== undefined && text !== "") {
        rows.push(element("dt", {}, term), element("dd", {}, String(text)));
      }
    };
    add("reference, as written", utterance.text);
    for (const { name, row } of answers) {
      const whose = answers.length > 1 ? `${name}: ` : "";
      add(`${whose}answer, as given`, row.raw);
      for (const [by, [reference, hypothesis]] of Object.entries(row.others ?? {})) {
        add(`${whose}reference by ${by}`, reference);
        add(`${whose}hypothesis by ${by}`, hypothesis);
      }
      add(`${whose}error`, row.error);
      add(`${whose}signals`, row.signals);
      add(`${whose}finish reason`, row.finish);
      add(`${whose}tokens`, row.tokens);
      add(`${whose}seconds`, row.seconds);
      add(`${whose}attempts`, row.attempts);
    }
    for (const [term, text] of Object.entries(utterance.more ?? {})) add(term, text);
    return element("details", {}, element("summary", {}, "More"), element("dl", {}, ...rows));
  }

  function choices(utterance, row) {
    const highest = Math.max(...(row.similarities ?? [0]));
    return element("ul", { class: "choices" }, ...utterance.choices.map((choice, at) => {
      const similarity = row.similarities?.[at];
      const share = similarity === undefined ? 0 : Math.max(0, similarity / (highest || 1));
      const right = choice === utterance.answer;
      const picked = row.match === choice;
      return element("li", { class: picked ? "picked" : "" },
        element("span", {}, choice),
        element("span", {}, right ? chip("answer", "good") : "", right && picked ? " " : "",
          picked ? chip("match", right ? "good" : "bad") : ""),
        element("span", { class: "meter", "aria-hidden": "true" },
          element("i", { style: `width:${Math.round(100 * share)}%` })),
        element("span", { class: "number", title: "cosine similarity" }, round(similarity, 3)));
    }));
  }

  function judgement({ scores, judgement: text, why }) {
    const parts = Object.entries(scores ?? {})
      .map(([name, score]) => chip(`${name} ${score === null ? "–" : score}`));
    return [
      why ? element("p", { class: "note" }, why) : null,
      parts.length ? element("p", {}, ...parts.flatMap((part) => [part, " "])) : null,
      text ? element("details", {}, element("summary", {}, "The judgement in full"),
        element("p", { class: "long" }, text)) : null,
    ];
  }

  function answer({ name, row }, utterance) {
    return element("div", {}, element("h4", {}, name),
      element("blockquote", {}, row.error ? `failed: ${row.error}` : row.raw || "(empty)"),
      utterance.choices?.length ? choices(utterance, row) : null, ...judgement(row));
  }

  return {
    // `answers`: [{name, row, index}], one a model; `at`: the sample's place in each index;
    // `waves`: its clips' waveforms, where they were drawn.
    show(split, at, utterance, answers, protocol, waves) {
      const several = answers.length > 1;
      const { players, drawn } = sound.of(split, utterance, waves);
      const reference = utterance.answer || (split.kind === "measure" ? utterance.text : null);
      const head = element("header", {},
        element("h3", {}, element("a", {
          href: state.link({ split: split.key, q: utterance.id, page: null }), title: "a link to this sample",
        }, utterance.id)),
        ...answers.flatMap(({ name, index }) => verdict(index, at, split.kind, several && name)),
        typeof utterance.duration === "number" ? element("span", {}, `${round(utterance.duration, 1)} s`)
          : null,
        ...players);
      const body = split.kind === "asr"
        ? alignment.show(utterance.reference ?? "", answers.map(({ name, row }) => (
          { name, text: row.hypothesis ?? "", edits: row.edits ?? [] })))
        : [element("p", { class: "question" }, utterance.question ?? ""),
          reference ? element("p", { class: "note" }, `Reference: ${reference}`) : null,
          element("div", { class: "answers" }, ...answers.map((one) => answer(one, utterance)))];
      if (split.kind === "asr" && protocol !== split.protocols[0]) {
        body.push(element("p", { class: "note" },
          `Counted by ${protocol}; the words are aligned by ${split.protocols[0]}.`));
      }
      return element("article", { class: "sample", tabindex: "-1" }, head, ...drawn, ...body.filter(Boolean),
        details(utterance, answers));
    },
  };
})();
