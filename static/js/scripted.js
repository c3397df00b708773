// Runs before the page is drawn: what needs scripts shows, what stands in for them does not.
document.documentElement.classList.add("scripted");
