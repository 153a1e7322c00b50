// From what browser and server know to what the person sees: state of the card, colour of the dot, banner or not.

export function situation(seen) {
  return { ...seen, state: stateOf(seen), dot: dotOf(seen), banner: hasBanner(seen), canEnable: canEnable(seen) };
}

function stateOf({ support, key, permission, facts, matches, repairing, needsTap }) {
  if (!key) return "unconfigured";
  if (support !== "ok") return support;
  if (permission === "denied") return "denied";
  if (matches) return facts.master ? "subscribed" : "paused";
  if (repairing) return "repairing";
  if (facts.wanted) return permission === "granted" && !needsTap && !facts.repairs_left ? "stopped" : "lost";
  if (facts.others) return "elsewhere";
  return permission === "granted" ? "allowed" : "not-asked";
}

// The first that holds.
function dotOf({ support, key, permission, facts, matches }) {
  if (!key || support !== "ok") return "none";
  if (permission === "denied") return "red";
  if (!facts.master) return "none";
  return matches ? "green" : "yellow";
}

function canEnable({ support, key, permission, matches }) {
  return Boolean(key) && support === "ok" && permission !== "denied" && !matches;
}

function hasBanner(seen) {
  return canEnable(seen) && seen.facts.master && !seen.facts.dismissed && !seen.repairing;
}
