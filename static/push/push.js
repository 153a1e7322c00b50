// Push in the page: starts card, bell, banner and devices where they are, then reconciles browser and server.

import { startBanner } from "push/banner.js";
import { startBell } from "push/bell.js";
import { startCard } from "push/card.js";
import { signedIn, signedOut, tell } from "push/departure.js";
import { startDevices } from "push/devices.js";
import { startLive, tellUnread } from "push/live.js";
import { page } from "push/page.js";
import { startReading } from "push/reading.js";
import { reconcile, watchPermission } from "push/reconcile.js";

const PARTS = [
  ["[data-push-card]", startCard],
  ["[data-push-bell]", startBell],
  ["[data-push-banner]", startBanner],
  ["[data-push-devices]", startDevices],
];

async function start() {
  if (!page) return signedOut();
  for (const [selector, startPart] of PARTS) {
    const element = document.querySelector(selector);
    if (element) startPart(element);
  }
  startReading();
  await signedIn(page.facts.device);
  const { support } = await reconcile();
  startLive();
  watchPermission();
  tellUnread(page.unread);
  if (support === "ok") await tell({ seen: location.pathname });
}

// A page that comes back by the Back button may be hours old: the stream's first word brings it up to date.
window.addEventListener("pageshow", (event) => event.persisted && page && startLive());

start().catch((error) => console.error("push.js: push could not be started on this page", error));
