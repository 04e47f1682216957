// The four views: start, a user, an item, a new user. Each gives its title and its elements.

import { get, post } from "./api.js";
import { h, plural } from "./dom.js";
import { entities } from "./entities.js";
import { fixed } from "./numbers.js";
import { toNew, toNewWhy, toWhy } from "./routes.js";
import { chips, nameOf, picture, section, tile, tiles } from "./tiles.js";

const FEW = 20;

export async function start(_, { health, signal }) {
  const k = Math.min(12, health.max_k);
  const [users, items] = await Promise.all([
    get("users", { k }, signal), get("items", { k }, signal),
  ]);
  return {
    title: health.data_set,
    content: [
      heading(health.data_set, `${plural(health.users, "user")}, ${plural(health.items, "item")}`),
      h("p", { class: "lead" },
        "Look up a user to see what they have chosen, what is recommended to them",
        health.reasons ? ", and why. " : ". ",
        health.new_users && "Or put together a new user from a few items."),
      section("Some users", null, chips(users.users)),
      section("Some items", null, tiles(items.items.map((item) => tile(item)))),
    ],
  };
}

export async function user([id], { health, signal }) {
  const k = health.max_k;
  const few = Math.min(FEW, k);
  const [about, best, alike] = await Promise.all([
    get("user", { user: id, k }, signal),
    get("recommend", { user: id, k, unknown: "popular" }, signal),
    get("similar-users", { user: id, k: Math.min(10, k) }, signal),
  ]);
  const total = about.interactions + about.held_out;
  const past = about.history.map((item) =>
    tile(item, { note: item.split === "held out" ? "held out" : null }));
  const shown = past.length < total ? `The first ${past.length} of ${total}.` : null;
  const cold = best.source === "most popular";
  return {
    title: `User ${id}`,
    content: [
      heading(`User ${id}`, `${plural(about.interactions, "item")} in training, ${about.held_out} held out`),
      section("Chosen before", shown, strip(past, "Chosen before")),
      section("Recommended",
        cold ? "The model knows nothing of this user: these are the most popular items."
          : how(health),
        growing(best.items, few, (item, rank) => tile(item, {
          rank,
          href: cold || !health.reasons ? undefined : toWhy(id, item.id),
          note: cold ? `chosen by ${item.score}` : fixed(item.score, 3),
        }))),
      section("Similar users", "Those whom the model finds most alike.",
        chips(alike.users, (one) => fixed(one.score, 2))),
    ],
  };
}

export async function item([id], { health, signal }) {
  const [about, alike] = await Promise.all([
    get("item", { item: id }, signal),
    get("similar-items", { item: id, k: Math.min(FEW, health.max_k) }, signal),
  ]);
  return {
    title: nameOf(about),
    content: [
      h("div", { class: "item" }, picture(about), h("div", {},
        heading(nameOf(about), about.name && `item ${id}`),
        h("p", { class: "hint" }, `chosen by ${plural(about.interactions, "user")} in training`),
        health.new_users
          && h("a", { class: "button", href: toNew([id]) }, "Recommend to a new user who chose this"))),
      section("Made of", madeOf(about.entities), entities(about.entities)),
      section("Similar items", "Those that the model finds most alike.",
        tiles(alike.items.map((one) => tile(one, { note: fixed(one.score, 2) })))),
    ],
  };
}

export async function newUser(chosen, { health, signal }) {
  const head = heading("A new user", "by the items chosen; nothing is trained");
  const more = h("p", { class: "lead" }, "Search for an item above and choose it to add it here.");
  if (!chosen.length) {
    const some = await get("items", { k: Math.min(12, health.max_k) }, signal);
    const add = some.items.map((one) => tile(one, { href: toNew([one.id]) }));
    return { title: "New user", content: [head, more, section("Or start with one of these", null, tiles(add))] };
  }
  const k = health.max_k;
  const [best, ...items] = await Promise.all([
    post("fold-in", { items: chosen, k }, signal),
    ...chosen.map((one) => get("item", { item: one }, signal)),
  ]);
  const without = (one) => toNew(chosen.filter((other) => other !== one.id));
  const past = items.map((one) => h("div", { class: "chosen" },
    tile(one),
    h("a", { class: "remove", href: without(one), "aria-label": `Remove ${nameOf(one)}` }, "×")));
  return {
    title: "New user",
    content: [
      head, more,
      section("Chosen", null, strip(past, "Chosen")),
      section("Recommended", how(health),
        growing(best.items, Math.min(FEW, k), (one, rank) => tile(one, {
          rank, href: health.reasons ? toNewWhy(chosen, one.id) : undefined, note: fixed(one.score, 3),
        }))),
    ],
  };
}

const how = (health) => (health.reasons ? "Choose an item to see the reasons." : null);

function madeOf(entities) {
  if (!entities.some((one) => one.attention != null)) return "What the data set says of it.";
  const said = "What the knowledge graph says, by attention";
  const denoised = entities.some((one) => one.probability != null);
  return denoised ? `${said}, and what is strongest for who chooses the item.` : `${said}.`;
}

function heading(title, below) {
  return h("div", { class: "heading" },
    h("h1", { tabindex: "-1" }, title), below && h("p", { class: "below" }, below));
}

function strip(elements, label) {
  if (!elements.length) return h("p", { class: "hint" }, "Nothing.");
  const list = tiles(elements, "strip");
  list.tabIndex = 0;
  list.setAttribute("aria-label", label);
  return list;
}

// A list whose rest comes on request; it is here already.
function growing(items, few, show) {
  if (!items.length) return h("p", { class: "hint" }, "Nothing is left to recommend.");
  const list = tiles(items.slice(0, few).map((one, place) => show(one, place + 1)));
  if (items.length <= few) return list;
  const rest = items.slice(few);
  const button = h("button", {
    type: "button", class: "button", onclick: () => {
      const added = rest.map((one, place) => h("li", {}, show(one, few + place + 1)));
      list.append(...added);
      button.remove();
      added[0].firstChild.focus();
    },
  }, `Show ${rest.length} more`);
  return [list, button];
}
