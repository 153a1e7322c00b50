// The Copy button of a Drop. Where the clipboard is denied, the text is selected and the person told how to go on.

const status = document.querySelector("[data-copy-status]");

function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function write(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    return true;
  } catch {
    // No clipboard on plain http, or the browser said no: the older way works from a click.
    select(node);
    return document.execCommand("copy");
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  button.addEventListener("click", async () => {
    const copied = await write(text);
    status.textContent = copied ? status.dataset.copied : status.dataset.refused;
    if (!copied) {
      select(text);
      text.focus();
    }
  });
  if (button.autofocus) button.focus();
}
