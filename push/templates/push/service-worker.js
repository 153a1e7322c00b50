{% load i18n %}{% translate "New notification" as fallback_title %}{% translate "Open FastLinkIt to see what happened." as fallback_body %}"use strict";
// Shows pushes. Messages are Declarative Web Push (W3C Push API); fields that this script does not know are left alone.

const FALLBACK = { title: "{{ fallback_title|escapejs }}", body: "{{ fallback_body|escapejs }}" };
const ICON = "{{ icon|escapejs }}";
const BADGE = "{{ badge|escapejs }}";
const PUBLIC_KEY = "{{ public_key|escapejs }}";
const RECEIPTS_URL = "{{ receipts_url|escapejs }}";
const CHANGE_URL = "{{ change_url|escapejs }}";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// Browsers punish invisible pushes: whatever came, something is shown, and before anything else is tried.
self.addEventListener("push", (event) => event.waitUntil(receive(read(event.data))));

async function receive(message) {
  const { title, options } = notification(message);
  try {
    await self.registration.showNotification(title, options);
  } catch {
    await self.registration.showNotification(FALLBACK.title, { body: FALLBACK.body, data: options.data });
  }
  await Promise.allSettled([setBadge(message.app_badge), send(options.data, "shown")]);
}

function read(data) {
  try {
    const message = data.json();
    return message !== null && typeof message === "object" ? message : {};
  } catch {
    return {};
  }
}

function notification(message) {
  const said = message.notification !== null && typeof message.notification === "object" ? message.notification : {};
  const known = typeof said.title === "string" && said.title !== "";
  const actions = Array.isArray(said.actions) ? said.actions.filter((action) => action && action.action && action.title) : [];
  const options = {
    body: typeof said.body === "string" && known ? said.body : FALLBACK.body,
    lang: typeof said.lang === "string" ? said.lang : "",
    dir: ["ltr", "rtl"].includes(said.dir) ? said.dir : "auto",
    icon: said.icon || ICON,
    badge: said.badge || BADGE,
    timestamp: Number.isFinite(said.timestamp) ? said.timestamp : Date.now(),
    actions: actions.map(({ action, title }) => ({ action: String(action), title: String(title) })),
    data: {
      ...(said.data !== null && typeof said.data === "object" ? said.data : {}),
      navigate: said.navigate,
      actions: Object.fromEntries(actions.map(({ action, navigate }) => [action, navigate])),
    },
  };
  if (typeof said.tag === "string" && said.tag) options.tag = said.tag;
  return { title: known ? said.title : FALLBACK.title, options };
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const data = event.notification.data || {};
  const target = address((data.actions || {})[event.action] || data.navigate);
  event.waitUntil(Promise.allSettled([open(target), send(data, "tapped")]));
});

self.addEventListener("notificationclose", (event) => event.waitUntil(send(event.notification.data, "closed")));

function address(target) {
  try {
    const url = new URL(typeof target === "string" && target ? target : "/", self.location.origin);
    return url.origin === self.location.origin ? url.href : self.location.origin + "/";
  } catch {
    return self.location.origin + "/";
  }
}

async function open(url) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = tabs.find((tab) => tab.url === url);
  if (there) return there.focus();
  for (const tab of tabs) {
    try {
      // Only a tab that this worker controls can be sent elsewhere; focus() gives the tab that has come to the front.
      return await (await tab.focus()).navigate(url);
    } catch {
      continue;
    }
  }
  return self.clients.openWindow(url);
}

async function setBadge(count) {
  if (!Number.isInteger(count) || count < 0 || !self.navigator.setAppBadge) return;
  await (count ? self.navigator.setAppBadge(count) : self.navigator.clearAppBadge());
}

async function send(data, event) {
  const token = data && data.receipts && data.receipts[event];
  if (token) await post(RECEIPTS_URL, { token }, "omit");
}

function post(url, body, credentials) {
  const headers = { "Content-Type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body), credentials, keepalive: true });
}

// Unreliable in every browser: pages reconcile at each load. Where it does fire, nothing is missed meanwhile.
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function renew(event) {
  if (!event.oldSubscription || !PUBLIC_KEY) return;
  const options = { userVisibleOnly: true, applicationServerKey: PUBLIC_KEY };
  const renewed = event.newSubscription || (await self.registration.pushManager.subscribe(options));
  const { endpoint, keys } = renewed.toJSON();
  const made_with = renewed.options.applicationServerKey;
  const key = made_with ? btoa(String.fromCharCode(...new Uint8Array(made_with))) : PUBLIC_KEY;
  await post(CHANGE_URL, { old_endpoint: event.oldSubscription.endpoint, endpoint, keys, key }, "same-origin");
}

// Pages say what is no longer news: {close: "all"}, {close: tag}, {seen: path}, {badge: count}.
self.addEventListener("message", (event) => event.waitUntil(tidy(event.data || {})));

async function tidy({ close, seen, badge }) {
  const shown = await self.registration.getNotifications();
  const path = (one) => new URL(address(one.data?.navigate)).pathname;
  const old = (one) => close === "all" || (close && one.tag === close) || (seen && path(one) === seen);
  shown.filter(old).forEach((one) => one.close());
  if (badge !== undefined) await setBadge(badge);
}
