// Tells the form which time zone this browser is in: [data-time-zone] is a hidden field without a value.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const input of document.querySelectorAll("input[data-time-zone]")) {
  if (zone && !input.value) input.value = zone;
}
