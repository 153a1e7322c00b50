// Whoever comes next to this browser sees nothing of who was here before: notifications closed, badge cleared.
// A session that merely expired is no departure; the device cookie tells the server which of the two it was.

const KEY = "push-device";
const PRESENCE = "/push/subscription";

const kept = {
  get: () => attempt(() => localStorage.getItem(KEY)),
  set: (device) => attempt(() => localStorage.setItem(KEY, device)),
  forget: () => attempt(() => localStorage.removeItem(KEY)),
};

function attempt(action) {
  try {
    return action();
  } catch {
    return null; // storage is switched off
  }
}

export async function tell(message) {
  const registration = await navigator.serviceWorker?.getRegistration("/");
  registration?.active?.postMessage(message);
  return registration;
}

export async function signedIn(device) {
  const before = kept.get();
  if (before && before !== device) await tell({ close: "all", badge: 0 });
  if (before !== device) kept.set(device);
}

export async function signedOut() {
  if (!kept.get()) return;
  const response = await fetch(PRESENCE, { credentials: "same-origin" });
  if (!response.ok || (await response.json()).subscribed !== false) return;
  const registration = await tell({ close: "all", badge: 0 });
  const left = await registration?.pushManager?.getSubscription();
  await left?.unsubscribe();
  kept.forget();
}
