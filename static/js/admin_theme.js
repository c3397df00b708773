// The admin's theme follows the choice made on the site's pages, which is a cookie; the theme's scripts read it from here.

const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)/);
localStorage.setItem("adminTheme", JSON.stringify(chosen ? chosen[1] : "auto"));

// Two parts of a page scroll: each gets a name of its own before the theme's script names both alike.
document.addEventListener("DOMContentLoaded", () => {
  const menu = document.querySelector("#nav-sidebar-apps");
  menu?.setAttribute("data-simplebar-aria-label", document.querySelector("[data-menu-button]").ariaLabel);
});
