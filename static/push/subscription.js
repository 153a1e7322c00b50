// The browser's own half: worker, permission and subscription. What it holds is told to the server in `register`.

import { call } from "push/api.js";
import { page, Problem } from "push/page.js";

const PATIENCE = 15000; // milliseconds; a browser that cannot reach its push service never answers

let registering = null;

export function worker() {
  registering ||= navigator.serviceWorker
    .register(page.urls.worker, { scope: "/", updateViaCache: "none" })
    .catch((error) => {
      console.warn("push.js: the service worker cannot be registered", error);
      registering = null;
      throw new Problem("worker");
    });
  return registering;
}

// The subscription that the browser holds, null if none: { hash, current }, `current` with the server's key.
export async function held() {
  const { pushManager } = await worker();
  const subscription = await pushManager.getSubscription();
  return subscription && { hash: await digest(subscription.endpoint), current: hasKey(subscription) };
}

export async function drop() {
  const { pushManager } = await worker();
  const subscription = await pushManager.getSubscription();
  if (subscription) await subscription.unsubscribe();
}

// Must run in a click: browsers ask nobody who did not ask first.
export async function ask() {
  const permission = await Notification.requestPermission();
  if (permission === "denied") await call("POST", page.urls.permission, { state: "denied" });
  if (permission !== "granted") throw new Problem(permission === "denied" ? "denied" : "dismissed");
}

export async function register({ anew, repair }) {
  const subscription = await subscribe(anew);
  const { endpoint, keys } = subscription.toJSON();
  try {
    await call("PUT", page.urls.subscription, { endpoint, keys, key: page.key, repair });
  } catch (problem) {
    if (problem.reason === "endpoint_gone" && !anew) return register({ anew: true, repair });
    await subscription.unsubscribe();
    throw problem;
  }
}

async function subscribe(anew) {
  const { pushManager } = await active();
  const old = await pushManager.getSubscription();
  if (old && !anew && hasKey(old)) return old;
  if (old) await old.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: bytes(page.key) };
  try {
    return await within(PATIENCE, pushManager.subscribe(options));
  } catch (error) {
    throw error instanceof Problem ? error : problemOf(error);
  }
}

async function active() {
  await worker();
  return within(PATIENCE, navigator.serviceWorker.ready);
}

function problemOf(error) {
  console.warn("push.js: the browser does not subscribe", error);
  if (error.name === "NotAllowedError") return new Problem("refused");
  if (error.name === "AbortError" || error.name === "NetworkError") return new Problem(unreachable());
  return new Problem("unknown");
}

function unreachable() {
  return navigator.brave ? "service-brave" : "service";
}

function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Problem(unreachable())), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function hasKey({ options }) {
  const key = options?.applicationServerKey;
  return !key || bytes(page.key).every((byte, index) => byte === new Uint8Array(key)[index]);
}

function bytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function digest(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
