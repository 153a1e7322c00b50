// What is opened or marked as read in the page need not stay on the screen's list of notifications.

import { tell } from "push/departure.js";

export function startReading() {
  for (const type of ["submit", "click"]) {
    document.addEventListener(type, ({ target }) => {
      const element = target.closest(`${type === "submit" ? "form" : "a"}[data-push-reading]`);
      if (element) tell({ close: element.dataset.pushReading });
    });
  }
}
