// The banner "Enable now": subscribes in place; dismissed, it stays away from this device for 30 days.

import { call } from "push/api.js";
import { page, press } from "push/page.js";
import { enable, refresh } from "push/reconcile.js";

export function startBanner(banner) {
  const problem = banner.querySelector("[data-push-problem]");
  const actions = {
    enable,
    dismiss: async () => {
      await call("POST", page.urls.dismissal, {});
      await refresh();
    },
  };

  document.addEventListener("push:situation", ({ detail }) => {
    banner.classList.toggle("d-flex", detail.banner);
    banner.classList.toggle("d-none", !detail.banner);
  });
  banner.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-push-action]");
    if (button) press(button, problem, actions[button.dataset.pushAction]);
  });
}
