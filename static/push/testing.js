// Send test: asks for one, then tells line by line what becomes of it.

import { call } from "push/api.js";
import { piece } from "push/page.js";

const PACE = 400; // milliseconds between looks
const END = 60000;

export async function sendTest(url, output) {
  output.replaceChildren();
  output.hidden = false;
  const { url: outcome } = await call("POST", url, {});
  const until = performance.now() + END;
  let report;
  do {
    report = await call("GET", outcome);
    show(report.lines, output);
    if (!report.final) await new Promise((resolve) => setTimeout(resolve, PACE));
  } while (!report.final && performance.now() < until);
}

function show(lines, output) {
  const now = JSON.stringify(lines);
  if (output.dataset.shown === now) return; // screen readers would read it again
  output.dataset.shown = now;
  output.replaceChildren(...lines.map(line));
}

function line({ tone, text, fix, manual }) {
  const row = piece("test-line").firstElementChild;
  row.classList.add(`text-${tone}-emphasis`);
  row.querySelector("[data-fill=text]").textContent = text;
  row.querySelector("[data-fill=fix]").textContent = fix;
  const link = row.querySelector("a");
  if (manual) link.href = manual;
  else link.remove();
  return row;
}
