// Bell, badge and dot in the top bar.

import { page, press } from "push/page.js";
import { enable } from "push/reconcile.js";
import { sendTest } from "push/testing.js";

const MOST = 99;

export function startBell(bell) {
  const dot = bell.querySelector("[data-push-dot]");
  const problem = bell.querySelector("[data-push-problem]");
  const output = bell.querySelector("[data-push-output]");
  const actions = {
    enable,
    test: () => sendTest(page.urls.test, output),
  };
  let listed = page.unread;

  document.addEventListener("push:situation", ({ detail }) => {
    paint(dot, detail.dot);
    bell.querySelector('[data-push-action="enable"]').hidden = !detail.canEnable;
    bell.querySelector('[data-push-action="test"]').hidden = detail.state !== "subscribed";
  });
  document.addEventListener("push:unread", ({ detail }) => count(bell, detail.unread));
  bell.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-push-action]");
    if (button) press(button, problem, actions[button.dataset.pushAction]);
  });
  bell.addEventListener("show.bs.dropdown", async () => {
    if (listed === page.unread) return;
    listed = page.unread;
    await renew(bell.querySelector("[data-push-latest]"));
  });
}

function paint(dot, colour) {
  const label = dot.dataset[colour] || "";
  dot.dataset.state = colour;
  dot.title = label;
  dot.querySelector("[data-push-dot-label]").textContent = label;
}

function count(bell, unread) {
  const badge = bell.querySelector("[data-push-badge]");
  badge.hidden = !unread;
  badge.querySelector("[data-push-count]").textContent = unread > MOST ? `${MOST}+` : unread;
}

async function renew(list) {
  try {
    const response = await fetch(page.urls.latest, { credentials: "same-origin" });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    list.replaceChildren(...fresh.body.childNodes);
  } catch (error) {
    console.warn("push.js: the bell's list could not be renewed", error);
  }
}
