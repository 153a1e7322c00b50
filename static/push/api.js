// Push's JSON endpoints. Whatever they answer about this device becomes `page.facts`.

import { page, Problem } from "push/page.js";

export async function call(method, url, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": page.csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, headers, body: JSON.stringify(body), credentials: "same-origin" });
  } catch {
    throw new Problem("network");
  }
  const data = await response.json().catch(() => ({}));
  if (data.push) page.facts = data.push;
  if (response.ok) return data;
  const messages = data.error ? [data.error.message] : Object.values(data.errors || {}).flat();
  throw Object.assign(new Problem("server", messages.join(" ")), { reason: data.error?.code });
}
