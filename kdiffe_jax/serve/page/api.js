// The server's API; a failure is thrown as an Error with the server's own line.

export function get(path, parameters = {}, signal) {
  return call(`api/${path}?${new URLSearchParams(parameters)}`, { signal });
}

export function post(path, body, signal) {
  return call(`api/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

async function call(address, options) {
  const answer = await fetch(address, options).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it still running?");
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}
