// Items as tiles, users as chips.

import { h } from "./dom.js";
import { toItem, toUser } from "./routes.js";

export const nameOf = (item) => item.name ?? `item ${item.id}`;

// The picture where there is one that loads, else a neutral tile with the name.
export function picture(item) {
  const frame = h("span", { class: "picture" });
  const named = () => {
    frame.classList.add("named");
    frame.replaceChildren(h("span", {}, nameOf(item)));
  };
  if (!item.picture) {
    named();
    return frame;
  }
  const image = h("img", {
    alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer", onerror: named,
  });
  image.src = item.picture;
  frame.append(image);
  return frame;
}

export function tile(item, { href = toItem(item.id), rank, note } = {}) {
  return h(
    "a",
    { class: "tile", href, title: nameOf(item) },
    picture(item),
    rank && h("span", { class: "rank" }, h("span", { class: "unseen" }, "place "), String(rank)),
    h("span", { class: "caption" }, nameOf(item)),
    note && h("span", { class: "note" }, note),
  );
}

export function tiles(elements, kind = "") {
  return h("ul", { class: `tiles ${kind}`, role: "list" }, elements.map((one) => h("li", {}, one)));
}

export function chips(users, note = () => null) {
  return h(
    "ul",
    { class: "chips", role: "list" },
    users.map((user) => {
      const small = note(user);
      return h("li", {}, h("a", { href: toUser(user.id) }, user.id, small && h("small", {}, small)));
    }),
  );
}

export function section(title, hint, ...content) {
  return h("section", {}, h("h2", {}, title), hint && h("p", { class: "hint" }, hint), content);
}
