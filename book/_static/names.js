// Two controls of the theme that a reader who hears the page, or speaks to it, could not name.
document.addEventListener("DOMContentLoaded", () => {
  // The arrow that opens a part of the table of contents holds a picture only.
  document.querySelectorAll("nav li.has-children > details > summary").forEach((arrow) => {
    arrow.ariaLabel = `Pages under ${arrow.closest("li").querySelector("a").textContent.trim()}`;
  });
  // The search button shows its key, too; what it shows is its name.
  document.querySelectorAll(".search-button-field[aria-label]").forEach((button) => button.removeAttribute("aria-label"));
});
