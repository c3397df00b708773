// The admin's theme follows the choice made on the site's pages, which is a cookie; the theme's scripts read it from here.

const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)/);
localStorage.setItem("adminTheme", JSON.stringify(chosen ? chosen[1] : "auto"));
