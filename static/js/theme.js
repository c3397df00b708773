// Light, dark or as the system says. The choice is a cookie, so that the server sends the right page at once.

const YEAR = 365 * 24 * 60 * 60;

function chosen() {
  return document.documentElement.dataset.theme ?? "";
}

function choose(theme) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (theme) {
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  } else {
    delete document.documentElement.dataset.theme;
    document.cookie = `theme=; Path=/; Max-Age=0; SameSite=Lax${secure}`;
  }
}

export function startTheme() {
  const choice = document.querySelector("[data-theme-choice]");
  if (!choice) return;
  const buttons = [...choice.querySelectorAll("[data-theme-value]")];
  const show = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.themeValue === chosen()));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      choose(button.dataset.themeValue);
      show();
    });
  }
  choice.hidden = false;
  show();
}
