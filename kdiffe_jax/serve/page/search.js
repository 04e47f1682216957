// The search box: a list of users and items that fit, by arrow keys or pointer.

import { get } from "./api.js";
import { h, plural, say } from "./dom.js";
import { toItem, toUser } from "./routes.js";
import { nameOf, picture } from "./tiles.js";

const WAIT = 120;

// chosen(item): an address for an item in place of its own page, or null.
export function search(input, list, health, chosen) {
  let options = [];
  let active = -1;
  let waiting;
  let asked;

  const close = () => {
    clearTimeout(waiting);
    asked?.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    activate(-1);
  };
  const activate = (place) => {
    options[active]?.setAttribute("aria-selected", "false");
    active = place;
    options[active]?.setAttribute("aria-selected", "true");
    options[active]?.scrollIntoView({ block: "nearest" });
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", options[active].id);
  };
  const go = (option) => {
    input.value = "";
    close();
    input.blur();
    location.hash = option.dataset.href;
  };
  const show = (content) => {
    list.replaceChildren(...content);
    options = [...list.querySelectorAll("[role=option]")];
    options.forEach((option, place) => {
      option.id = `found-${place}`;
      option.addEventListener("pointerdown", (event) => event.preventDefault());
      option.addEventListener("click", () => go(option));
    });
    active = -1;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (options.length) activate(0);
  };
  const look = async () => {
    asked?.abort();
    asked = new AbortController();
    const text = input.value.trim();
    if (!text) return close();
    const k = Math.min(6, health.max_k);
    try {
      const [users, items] = await Promise.all(
        ["users", "items"].map((what) => get(what, { q: text, k }, asked.signal)));
      show(found(users, items, chosen));
      say(`${plural(users.total, "user")} and ${plural(items.total, "item")} found`);
    } catch (error) {
      if (error.name !== "AbortError") show([h("p", { class: "failure" }, error.message)]);
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, WAIT);
  });
  input.addEventListener("focus", look);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length && !list.hidden) {
      event.preventDefault();
      activate((active + step + options.length) % options.length);
    } else if (event.key === "Enter" && !list.hidden && options[active]) {
      go(options[active]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
  });
}

function found(users, items, chosen) {
  if (!users.total && !items.total) return [h("p", { class: "hint" }, "Nothing fits.")];
  return [
    ...group("Users", users.total, users.users.map((user) =>
      option(toUser(user.id), h("span", { class: "face", "aria-hidden": "true" }),
        `user ${user.id}`, plural(user.interactions, "item")))),
    ...group("Items", items.total, items.items.map((item) =>
      option(chosen(item) ?? toItem(item.id), small(item), nameOf(item), item.name && item.id))),
  ];
}

function group(title, total, options) {
  if (!total) return [];
  const beyond = total > options.length ? ` (${options.length} of ${total.toLocaleString("en")})` : "";
  return [h("div", { class: "group", role: "group", "aria-label": title },
    h("p", { "aria-hidden": "true" }, title + beyond), options)];
}

function option(href, sign, name, note) {
  return h("div", { role: "option", "aria-selected": "false", "data-href": href },
    sign, h("span", { class: "option-name" }, name), note && h("small", {}, note));
}

function small(item) {
  return item.picture ? picture(item) : h("span", { class: "picture none", "aria-hidden": "true" });
}
