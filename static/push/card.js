// The card "Browser push — this device": shows the state's own words, and does what its buttons say.

import { stepsFor } from "push/browser.js";
import { page, press } from "push/page.js";
import { disable, enable, setMaster } from "push/reconcile.js";
import { sendTest } from "push/testing.js";

const ACTIONS = {
  subscribe: enable,
  unsubscribe: disable,
  master: () => setMaster(true),
  test: (card) => sendTest(page.urls.test, card.querySelector("[data-push-output]")),
};

export function startCard(card) {
  const slot = card.querySelector("[data-push-slot]");
  const problem = card.querySelector("[data-push-problem]");
  let shown = "";

  document.addEventListener("push:situation", ({ detail }) => {
    const now = JSON.stringify([detail.state, detail.facts]);
    if (now === shown) return; // keeps the focus where it is
    shown = now;
    if (slot.dataset.state !== detail.state) clear(card);
    const hadFocus = slot.contains(document.activeElement);
    slot.replaceChildren(words(card, detail));
    slot.dataset.state = card.dataset.state = detail.state;
    if (hadFocus) slot.focus();
  });

  card.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-push-action]");
    if (button) press(button, problem, () => ACTIONS[button.dataset.pushAction](card));
  });
}

function clear(card) {
  const output = card.querySelector("[data-push-output]");
  output.hidden = true;
  output.replaceChildren();
}

function words(card, { state, facts, browser, permission }) {
  const content = card.querySelector(`template[data-push-state="${state}"]`).content.cloneNode(true);
  for (const element of content.querySelectorAll("[data-fill]")) {
    element.textContent = facts[element.dataset.fill];
  }
  for (const element of content.querySelectorAll("[data-if]")) {
    if (!facts[element.dataset.if]) element.remove();
  }
  for (const element of content.querySelectorAll("[data-unless]")) {
    if (facts[element.dataset.unless]) element.remove();
  }
  for (const element of content.querySelectorAll("[data-if-permission]")) {
    if (element.dataset.ifPermission !== permission) element.remove();
  }
  keepOwn(content, stepsFor(browser));
  return content;
}

// Of the steps for every browser, those for this one.
function keepOwn(content, name) {
  const blocks = [...content.querySelectorAll("[data-steps]")];
  const own = blocks.find((block) => block.dataset.steps.split(" ").includes(name));
  for (const block of blocks) {
    if (block !== (own || blocks.at(-1))) block.remove();
  }
}
