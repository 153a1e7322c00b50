/* An administrator watches an announcement: its progress is read anew while something moves. */

const EVERY = 2000; // milliseconds
const REGIONS = ["announcement-progress", "announcement-actions"];

const find = (page, id) => page.getElementById(id);

async function refresh() {
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) {
    throw new Error(`the page answers ${response.status}`);
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of REGIONS) {
    const shown = find(document, id);
    const fresh = find(page, id);
    const isInUse = shown?.querySelector("details[open]");
    if (shown && fresh && !isInUse && shown.innerHTML !== fresh.innerHTML) {
      shown.replaceWith(document.adoptNode(fresh));
    }
  }
}

const isMoving = () => document.querySelector("[data-announcement-moving]") !== null;

async function watch() {
  if (!document.hidden) {
    try {
      await refresh();
    } catch (error) {
      console.warn("push.js: the progress could not be read", error);
    }
  }
  if (isMoving()) {
    setTimeout(watch, EVERY);
  }
}

setTimeout(watch, EVERY);
