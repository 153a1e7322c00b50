// What the server has put into the page for these modules. `page` is null for whoever is signed out.

const element = document.querySelector("[data-push-page]");

function read({ key, csrf, events, unread, facts, urls }) {
  return { key, csrf, events, unread: Number(unread), facts: JSON.parse(facts), urls: JSON.parse(urls) };
}

export const page = element ? read(element.dataset) : null;

// A copy of a piece of the page that the server wrote for later: `<template data-push-text="…">`.
export function piece(name) {
  const template = document.querySelector(`template[data-push-text="${name}"]`);
  return template ? template.content.cloneNode(true) : document.createDocumentFragment();
}

// Something went wrong that the person should hear of: `code` names a text of the page, `message` is the server's own.
export class Problem extends Error {
  constructor(code, message = "") {
    super(message || code);
    this.code = code;
    this.said = message;
  }
}

export function explain(problem, slot) {
  console.warn("push.js:", problem);
  const code = problem instanceof Problem ? problem.code : "unknown";
  slot.replaceChildren(problem.said ? document.createTextNode(problem.said) : piece(`problem-${code}`));
  slot.hidden = false;
}

// Runs what a button does: no second press meanwhile, and a failure is told in `slot`.
export async function press(button, slot, action) {
  if (button.getAttribute("aria-busy") === "true") return false;
  button.setAttribute("aria-busy", "true");
  button.classList.add("push-busy");
  slot.hidden = true;
  slot.replaceChildren();
  try {
    await action();
    return true;
  } catch (problem) {
    explain(problem, slot);
    return false;
  } finally {
    button.removeAttribute("aria-busy");
    button.classList.remove("push-busy");
  }
}
