// Which browser this is, and whether push can work in it at all. Nothing here touches the service worker.

const NAMES = [
  ["samsung", /SamsungBrowser\//],
  ["edge", /Edg(A|iOS)?\//],
  ["opera", /OPR\/|OPiOS\//],
  ["firefox", /Firefox\/|FxiOS\//],
  ["chrome", /Chrome\/|CriOS\//],
  ["safari", /Safari\//],
];
const NOT_SAFARI = /CriOS|FxiOS|EdgiOS|OPiOS|OPT\/|DuckDuckGo|GSA\//;

export function detect(window) {
  const { navigator } = window;
  const agent = navigator.userAgent;
  // An iPad calls itself a Macintosh; Macintoshes have no touch screen.
  const ios = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
  const standalone = navigator.standalone === true || window.matchMedia("(display-mode: standalone)").matches;
  const installFirst = (ios && !standalone) || (navigator.standalone === false && !("PushManager" in window));
  const name = navigator.brave ? "brave" : (NAMES.find(([, pattern]) => pattern.test(agent)) || ["other"])[0];
  return {
    name,
    ios: ios || installFirst,
    android: /Android/.test(agent),
    support: support(window, { installFirst, ios, other: NOT_SAFARI.test(agent) || name === "brave" }),
  };
}

function support(window, { installFirst, ios, other }) {
  if (!window.isSecureContext) return "insecure";
  if (installFirst) return other ? "ios-browser" : "ios-tab";
  if (!window.navigator.serviceWorker) return "no-worker";
  if (!("PushManager" in window) || !("Notification" in window)) return ios ? "ios-update" : "unsupported";
  return "ok";
}

// Whose steps to follow in order to unblock: the name of a block in the card.
export function stepsFor({ name, ios, android }) {
  if (ios) return "ios";
  return android && ["chrome", "firefox", "edge", "brave", "opera"].includes(name) ? `${name}-android` : name;
}
