// Elements from plain calls: h("a", {class: "tile", href: "#/"}, "text", child).

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

// A length between 0 and 1, as the custom property that the style sheet draws a bar with.
export function bar(length, kind = "") {
  const element = h("span", { class: `bar ${kind}`, "aria-hidden": "true" });
  element.style.setProperty("--length", Math.max(0, Math.min(1, length)));
  return element;
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
