// Before anything is shown: no flash of the other theme.
document.documentElement.setAttribute("data-theme", localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
