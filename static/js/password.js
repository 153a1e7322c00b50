// A "Show" button beside a password: [data-password-toggle] names the input in aria-controls.
for (const button of document.querySelectorAll("[data-password-toggle]")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  if (!input) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.textContent = show ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-pressed", String(show));
    input.focus();
  });
  // Never leave a password readable in what the browser keeps or submits.
  input.form?.addEventListener("submit", () => (input.type = "password"));
}
