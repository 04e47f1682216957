// An item's entities: by relation, with attention and what the denoiser did where one is trusted.

import { bar, h } from "./dom.js";

const SIGNS = { kept: "✓", "left out": "–", added: "+", "not seen": "?" };
const WORDS = {
  kept: "one of the strongest", "left out": "weaker",
  added: "strong, though not listed", "not seen": "not judged",
};

export function entities(given) {
  if (!given.length) return h("p", { class: "hint" }, "Nothing is known of it.");
  const most = Math.max(...given.map((one) => one.attention ?? 0));
  const relations = [...new Set(given.map((one) => one.relation))];
  return h("div", { class: "relations" }, relations.map((relation) =>
    h("div", { class: "relation" },
      h("h3", {}, relation),
      h("ul", { role: "list" }, given
        .filter((one) => one.relation === relation)
        .map((one) => row(one, most))))));
}

function row(one, most) {
  const attention = one.attention == null ? null : one.attention.toFixed(3);
  const sign = SIGNS[one.status];
  return h("li", { class: "entity" },
    h("span", { class: "entity-name", title: one.entity }, one.entity),
    sign && h("span", { class: `status ${one.status.replace(" ", "-")}` },
      h("span", { "aria-hidden": "true" }, sign), ` ${WORDS[one.status]}`),
    most > 0 && h("span", { class: "track" }, attention && bar(one.attention / most)),
    most > 0 && h("span", { class: "number" },
      attention && h("span", { class: "unseen" }, "attention "), attention ?? "no attention"),
    one.probability != null && h("span", { class: "expected" }, expected(one.probability)));
}

function expected(probability) {
  const share = (100 * probability).toFixed(probability >= 0.0995 ? 0 : 1);
  return `expected of ${probability < 0.001 ? "under 0.1" : share} % of items with such users`;
}
