// Why an item is recommended: the exact parts of its score, and what it is made of.

import { bar, h } from "./dom.js";
import { entities } from "./entities.js";
import { fixed, signed } from "./numbers.js";
import { toItem } from "./routes.js";
import { nameOf, picture } from "./tiles.js";

export function reasons(e, close) {
  const parts = [
    ...e.past.map((one) => ({
      picture: hidden(picture(one)), name: nameOf(one), href: toItem(one.id),
      detail: one.similarity == null ? null : `${fixed(100 * one.similarity, 0)} % alike`,
      value: one.contribution,
    })),
    e.rest.items && {
      name: `${e.rest.items} other items chosen before`, value: e.rest.contribution,
    },
    e.own && {
      picture: h("span", { class: "face", "aria-hidden": "true" }),
      name: "the user’s own embedding", value: e.own,
    },
  ].filter(Boolean);
  const largest = Math.max(...parts.map((part) => Math.abs(part.value))) || 1;
  const who = e.user == null ? "a new user" : `user ${e.user}`;
  return [
    h("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "×"),
    h("div", { class: "about" }, picture(e.item), h("div", {},
      h("p", { class: "hint" }, `Why for ${who}?`),
      h("h2", { id: "reasons-title" }, h("a", { href: toItem(e.item.id) }, nameOf(e.item))),
      h("p", { class: "score" }, "score ", h("strong", {}, fixed(e.score, 4))))),
    h("h3", {}, "Where the score comes from"),
    h("p", { class: "hint" },
      "Each item chosen before adds an exact part.",
      e.past.some((one) => one.similarity != null)
        && " Below its name stands how alike its surroundings and the user’s are."),
    h("ul", { class: "parts", role: "list" }, parts.map((part) => row(part, largest, e.score))),
    h("p", { class: "sum" }, h("span", {}, "all parts together"), h("strong", {}, signed(sum(parts), 4))),
    h("h3", {}, "What the item is made of"),
    entities(e.entities),
  ];
}

function row(part, largest, score) {
  const share = score > 0 ? `${fixed((100 * part.value) / score, 1)} %` : "";
  return h("li", { class: "part" },
    part.picture ?? h("span", { class: "picture none", "aria-hidden": "true" }),
    h("span", { class: "part-name" },
      part.href ? h("a", { href: part.href }, part.name) : part.name,
      part.detail && h("small", {}, part.detail)),
    h("span", { class: "number" }, signed(part.value, 4), share && h("small", {}, share)),
    h("span", { class: "track" },
      bar(Math.abs(part.value) / largest, part.value < 0 ? "negative" : "")));
}

// The name stands beside it.
function hidden(sign) {
  sign.setAttribute("aria-hidden", "true");
  return sign;
}

const sum = (parts) => parts.reduce((total, part) => total + part.value, 0);
