// The card "Your devices": Send test for each, and a fresh list when push on this device has changed.

import { page, press } from "push/page.js";
import { sendTest } from "push/testing.js";

export function startDevices(card) {
  let known = describe(page.facts);

  card.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-push-device-test]");
    if (!button) return;
    const row = button.closest("[data-push-device]");
    const [problem, output] = ["problem", "output"].map((name) => row.querySelector(`[data-push-${name}]`));
    output.hidden = true;
    press(button, problem, () => sendTest(button.dataset.pushDeviceTest, output));
  });

  document.addEventListener("push:situation", async ({ detail }) => {
    const now = describe(detail.facts);
    if (now === known || card.contains(document.activeElement)) return;
    known = now;
    await renew(card);
  });
}

const describe = ({ state, master, hash }) => JSON.stringify([state, master, hash]);

async function renew(card) {
  try {
    const response = await fetch(page.urls.devices, { credentials: "same-origin" });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    card.replaceChildren(...fresh.querySelector("[data-push-devices]").childNodes);
  } catch (error) {
    console.warn("push.js: the list of devices could not be renewed", error);
  }
}
