// Patient, lesion, body site: the lesions offered are always those of the patient typed, and a site is asked for only
// of a new lesion. One listener serves every form, also those that come later.

function lesionOf(form) {
  return form?.querySelector("[data-lesion]");
}

export function showSite(form) {
  const lesion = lesionOf(form);
  const site = form?.querySelector("[data-new-lesion]");
  if (lesion && site) site.hidden = lesion.value !== "";
}

export function startPlaces() {
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-patient-code]")) return;
    const { form } = event.target;
    // Until the server answers, none of the patient before can be chosen.
    const lesion = lesionOf(form);
    if (lesion) lesion.length = Math.min(lesion.length, 1);
    showSite(form);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-lesion]")) showSite(event.target.form);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.matches("[data-lesion]")) showSite(event.target.form);
  });
  for (const form of document.querySelectorAll("form")) showSite(form);
}
