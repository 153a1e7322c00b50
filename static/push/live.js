// Follows the server while the page is open: what is unread, and what has become of this device's subscription.

import { page } from "push/page.js";
import { ask, follow } from "push/reconcile.js";

export function startLive() {
  if (!page.events || !("EventSource" in window)) return;
  const stream = new EventSource(`${page.urls.events}?token=${encodeURIComponent(page.events)}`);
  stream.addEventListener("state", ({ data }) => {
    const { unread, subscription } = JSON.parse(data);
    tellUnread(unread);
    follow(subscription);
  });
  // Refused, not merely interrupted: the session is over, or the token is a day old.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) ask();
  });
  // A page that is kept for the Back button must not keep a stream.
  window.addEventListener("pagehide", () => stream.close());
}

export function tellUnread(unread) {
  page.unread = unread;
  document.dispatchEvent(new CustomEvent("push:unread", { detail: { unread } }));
  if (!navigator.setAppBadge) return;
  const done = unread ? navigator.setAppBadge(unread) : navigator.clearAppBadge();
  done.catch((error) => console.info("push.js: no app badge here", error));
}
