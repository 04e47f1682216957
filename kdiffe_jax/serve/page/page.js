// Follows the address: shows its view, and the reasons over it.

import { get, post } from "./api.js";
import { h, say } from "./dom.js";
import { reasons } from "./reasons.js";
import { address, parse, toNew } from "./routes.js";
import { search } from "./search.js";
import * as views from "./views.js";

const VIEWS = { start: views.start, user: views.user, item: views.item, new: views.newUser };
const main = document.getElementById("view");
const dialog = document.getElementById("reasons");
let health;
let route;
let shown = null;
let running = new AbortController();

async function follow() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    route = parse(location.hash);
    if (shown !== address(route)) await show(signal);
    if (route.why === undefined) dialog.close();
    else await explain(signal);
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

async function show(signal) {
  const first = shown === null;
  main.setAttribute("aria-busy", "true");
  const { title, content } = await VIEWS[route.view](route.of, { health, signal });
  if (route.why === undefined) dialog.close();
  put(title, content);
  shown = address(route);
  if (!first) {
    scrollTo(0, 0);
    main.querySelector("h1").focus({ preventScroll: true });
  }
}

async function explain(signal) {
  const k = Math.min(10, health.max_k);
  const about = route.view === "new"
    ? await post("fold-in/explain", { items: route.of, item: route.why, k }, signal)
    : await get("explain", { user: route.of[0], item: route.why, k }, signal);
  dialog.replaceChildren(...reasons(about, () => dialog.close()));
  dialog.scrollTop = 0;
  if (!dialog.open) dialog.showModal();
}

function fail(error) {
  route = undefined;
  dialog.close();
  shown = "";
  put("Not found", [
    h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "That did not work")),
    h("p", { class: "failure", role: "alert" }, error.message),
    h("p", {}, h("a", { href: "#/" }, "Back to the start")),
  ]);
}

function put(title, content) {
  main.replaceChildren(...content);
  main.removeAttribute("aria-busy");
  document.title = `${title} · ${health?.data_set ?? "kdiffe_jax"}`;
  say(title);
}

// Closed by the button, Escape or a click beside it: the address follows.
dialog.addEventListener("close", () => {
  if (route?.why !== undefined && location.hash !== address(route)) location.hash = address(route);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

try {
  health = await get("health");
  document.getElementById("data-set").textContent = health.data_set;
  document.querySelector("a.new").hidden = !health.new_users;
  search(document.getElementById("q"), document.getElementById("found"), health,
    (item) => (route?.view === "new" ? toNew([...new Set([...route.of, item.id])]) : null));
  addEventListener("hashchange", follow);
  await follow();
} catch (error) {
  fail(error);
}
