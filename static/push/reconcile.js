// Holds what the browser has against what the server knows, mends what differs, and tells the page: `push:situation`.

import { call } from "push/api.js";
import { detect } from "push/browser.js";
import { page } from "push/page.js";
import { situation } from "push/situation.js";
import * as subscription from "push/subscription.js";

const browser = detect(window);

// One tab at a time; the others find the work done.
const alone = (work) => (navigator.locks ? navigator.locks.request("fastlinkit-push", work) : work());

async function look() {
  const seen = { ...browser, browser, key: page.key, facts: page.facts, matches: false, held: null };
  if (!page.key || browser.support !== "ok") return seen;
  seen.permission = Notification.permission;
  seen.needsTap = browser.ios; // there, subscribe() wants a tap even when push is allowed
  try {
    seen.held = await subscription.held();
  } catch (problem) {
    return { ...seen, support: "no-worker" };
  }
  const { state, current, hash } = page.facts;
  seen.matches = state === "active" && current && seen.held?.current === true && seen.held.hash === hash;
  return seen;
}

function publish(seen) {
  document.dispatchEvent(new CustomEvent("push:situation", { detail: situation(seen) }));
  return seen;
}

export const refresh = async () => publish(await look());

function whatToMend({ support, key, permission, facts, matches, held, needsTap }) {
  if (!key || support !== "ok") return null;
  if (permission === "denied") return facts.wanted ? "deny" : null;
  if (!facts.wanted) return held ? "leave" : null;
  return permission === "granted" && !matches && !needsTap && facts.repairs_left ? "repair" : null;
}

async function mend(seen) {
  const todo = whatToMend(seen);
  if (todo === "deny") await call("POST", page.urls.permission, { state: "denied" });
  if (todo === "leave") await subscription.drop();
  if (todo === "repair") {
    publish({ ...seen, repairing: true });
    await subscription.register({ anew: true, repair: true });
  }
}

// What the server says now; false when nobody is signed in here any more. `subscribed` tells a sign-out in another
// tab, which ends push, from a session that merely expired.
async function renew() {
  const { push, subscribed } = await call("GET", page.urls.subscription);
  if (subscribed === false) page.facts = { ...page.facts, state: "none", hash: "", wanted: false };
  return Boolean(push);
}

export async function reconcile() {
  const seen = await look();
  if (whatToMend(seen)) {
    try {
      await alone(async () => {
        if (await renew()) await mend(await look()); // another tab may have been quicker
      });
    } catch (problem) {
      console.warn("push.js: what differs could not be mended", problem);
    }
    return refresh();
  }
  return publish(seen);
}

// From a click: permission, subscription, and the account's switch.
export async function enable() {
  try {
    await subscription.ask();
    await alone(() => subscription.register({ anew: page.facts.wanted && page.facts.state !== "active", repair: false }));
  } finally {
    await refresh();
  }
}

export async function disable() {
  await alone(async () => {
    await call("DELETE", page.urls.subscription);
    await subscription.drop();
  });
  await refresh();
}

export async function setMaster(enabled) {
  await call("POST", page.urls.master, { enabled });
  await refresh();
}

// The server says that something has changed. Mending waits for the next page load.
export async function follow(state) {
  if (state === page.facts.state) return;
  try {
    await renew();
  } catch {
    page.facts = { ...page.facts, state };
  }
  await refresh();
}

// The server tells nothing any more by itself, so it is asked. What is shown stays while it does not answer.
export async function ask() {
  const answered = await renew().then(() => true, () => false);
  if (answered) await refresh();
}

// Unblocking in the browser's settings is seen at once, where the browser tells.
export async function watchPermission() {
  if (browser.support !== "ok" || !page.key) return;
  try {
    const status = await navigator.permissions.query({ name: "notifications" });
    status.addEventListener("change", reconcile);
  } catch (error) {
    console.info("push.js: permission changes are seen at the next page load", error);
  }
}

