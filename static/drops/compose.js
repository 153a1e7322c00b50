// The form for a new Drop: Ctrl+Enter sends; a text that is too long is said so before it travels.

const form = document.querySelector("[data-drop-form]");

function start() {
  const text = form.elements.text;
  const error = form.querySelector("[data-drop-error]");
  const limit = Number(text.dataset.limit);
  const tooLong = form.querySelector("[data-drop-too-long]").content.textContent;
  const count = new Intl.NumberFormat(document.documentElement.lang);

  // Characters as the server counts them: code points, line ends as one.
  const length = () => (text.value.length > limit ? [...text.value].length : text.value.length);

  function check() {
    const over = length() > limit;
    text.classList.toggle("is-invalid", over);
    text.setAttribute("aria-invalid", String(over));
    error.textContent = over
      ? tooLong.replace("{limit}", count.format(limit)).replace("{length}", count.format(length()))
      : "";
    return !over;
  }

  text.addEventListener("input", check);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    if (check()) return;
    event.preventDefault();
    text.focus();
  });
}

if (form) start();
