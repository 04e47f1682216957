// What the part of the address after # means. Ids are encoded, so they may hold anything.

export const toUser = (user) => join("user", user);
export const toItem = (item) => join("item", item);
export const toNew = (items) => join("new", ...items);
export const toWhy = (user, item) => join("user", user, "why", item);
export const toNewWhy = (items, item) => join("why", item, ...items);

function join(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

// {view, of, why}: which view, of which ids, and the item whose reasons are open.
export function parse(hash) {
  const [view, ...of] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  if (view === "user" && of.length === 3 && of[1] === "why") {
    return { view, of: [of[0]], why: of[2] };
  }
  if (view === "why" && of.length > 1) return { view: "new", of: of.slice(1), why: of[0] };
  if (view === "new" || ((view === "user" || view === "item") && of.length === 1)) {
    return { view, of };
  }
  if (view === "") return { view: "start", of: [] };
  throw new Error("There is no such page.");
}

export function address({ view, of }) {
  return view === "start" ? "#/" : join(view, ...of);
}
