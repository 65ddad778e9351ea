// What others offer, with what was measured here; one's own listings; reviews.
import { announce, countText, facts, field, h, problemBox, secondsText, table, timeText } from "../dom.js";
import * as api from "../api.js";
import { levelTags } from "./models.js";

export const title = "Marketplace";

const LEVELS = ["zkml", "fhe", "hybrid"];

export async function render(id) {
  if (!api.key()) return [h("h1", {}, "Marketplace"), h("div", { class: "box note" }, h("p", {}, "To look around, ", h("a", { href: "#/account" }, "enter an API key"), "."))];
  return id ? one(id) : list();
}

const price = (listing) => Object.entries(listing.prices).map(([level, amount]) => `${level} ${amount} ${listing.currency}`).join(" · ");
const score = (measured) => measured.privacy_score === null ? "no proof verified yet" : `${countText(measured.verified)} of ${countText(measured.verified + measured.refused)} verifications good`;

async function list() {
  const found = h("div"), query = h("input", { type: "search", placeholder: "Text in title or description" });
  const search = async () => {
    try {
      const listings = await api.all(`/marketplace/listings?q=${encodeURIComponent(query.value)}`);
      announce(`${listings.length} listings`);
      found.replaceChildren(listings.length ? h("div", { class: "cards" }, listings.map((listing) => h("article", { class: "box" }, h("h3", {}, h("a", { href: `#/market/${listing.id}` }, listing.title)),
        h("p", { class: "small soft" }, `by ${listing.seller} · ${score(listing.measured)}`), h("p", { class: "small" }, listing.description.slice(0, 160)), h("p", { class: "small" }, price(listing)), levelTags(Object.keys(listing.prices)))))
        : h("p", { class: "soft" }, "No listing fits."));
    } catch (error) {
      found.replaceChildren(problemBox(error));
    }
  };
  await search();
  const models = await api.all("/ml/models");
  return [h("h1", {}, "Marketplace"), h("p", { class: "lead" }, "Latencies, proof times and verification counts come from jobs that ran here, never from the seller."),
    h("form", { class: "row", role: "search", onsubmit: (event) => { event.preventDefault(); search(); } }, h("label", { class: "visually-hidden", for: "market-query" }, "Search"), Object.assign(query, { id: "market-query" }), h("button", {}, "Search")),
    h("h2", {}, "Offers"), found,
    models.length > 0 && [h("h2", {}, "Offer one of your models"), editor(null, models)]];
}

function editor(listing, models) {
  const title = h("input", { type: "text", required: true, maxlength: "200", value: listing?.title ?? "" }), description = h("textarea", { rows: "4", maxlength: "4000" });
  description.value = listing?.description ?? "";
  const model = models && h("select", {}, models.map((each) => h("option", { value: each.id }, each.name)));
  const prices = LEVELS.map((level) => [level, h("input", { type: "text", inputmode: "decimal", pattern: "[0-9]+([.][0-9]{1,9})?", placeholder: "not offered", value: listing?.prices[level] ?? "" })]);
  const currency = h("input", { type: "text", pattern: "[A-Z]{1,12}", value: listing?.currency ?? "USD" }), samples = h("input", { type: "number", min: "1", value: String(listing?.max_samples_per_day ?? 10000) });
  const published = h("input", { type: "checkbox", checked: listing?.published ?? false }), result = h("div");
  return h("form", { class: "box", onsubmit: async (event) => {
    event.preventDefault();
    try {
      const body = { title: title.value, description: description.value, currency: currency.value, max_samples_per_day: Number(samples.value), published: published.checked,
        prices: Object.fromEntries(prices.filter(([, input]) => input.value).map(([level, input]) => [level, input.value])) };
      const saved = listing ? await api.put(`/marketplace/listings/${listing.id}`, body) : await api.post("/marketplace/listings", { model: model.value, ...body });
      location.hash = `#/market/${saved.id}`;
      if (listing) dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      result.replaceChildren(problemBox(error));
    }
  } }, model && field("Model", model), field("Title", title), field("Description", description, "Say how inputs must be prepared."),
  h("div", { class: "fields" }, prices.map(([level, input]) => field(`Price of a sample, ${level}`, input)), field("Currency", currency), field("Samples a day", samples, "For each buyer: exact answers reveal small models.")),
  h("label", { class: "choice" }, published, "Published: others see and use it"), h("button", {}, listing ? "Save" : "Offer it"), result);
}

async function one(id) {
  const path = `/marketplace/listings/${encodeURIComponent(id)}`;
  const [listing, reviews, mine] = await Promise.all([api.get(path), api.all(`${path}/reviews`), api.all("/ml/models")]);
  const own = mine.some((model) => model.id === listing.model);
  const measured = Object.entries(listing.measured.levels);
  return [h("p", {}, h("a", { href: "#/market" }, "← Marketplace")), h("h1", {}, listing.title), h("p", { class: "lead" }, `by ${listing.seller}`, !listing.published && " · not published"),
    h("div", { class: "box" }, h("p", {}, listing.description || "No description."), facts([["Prices", price(listing)], ["Limit", `${countText(listing.max_samples_per_day)} samples a day`], ["Verifications", score(listing.measured)],
      ["Rating", listing.measured.mean_rating === null ? "none yet" : `${listing.measured.mean_rating.toFixed(1)} of 5, ${listing.measured.reviews} ${listing.measured.reviews === 1 ? "review" : "reviews"}`]]), h("p", {}, h("a", { class: "button", href: `#/models/${listing.model}` }, "Use it"))),
    h("h2", {}, "Measured here"), measured.length ? table(["Level", "Answers", "Mean latency", "Mean time to prove"], measured.map(([level, m]) => [level, countText(m.inferences), secondsText(m.mean_latency_ms / 1000), m.mean_prove_ms ? secondsText(m.mean_prove_ms / 1000) : "–"]), [1, 2, 3])
      : h("p", { class: "soft" }, "Nobody used it yet."),
    h("h2", {}, "Reviews"), reviews.length ? reviews.map((review) => h("div", { class: "box" }, h("p", {}, "★".repeat(review.rating), h("span", { class: "visually-hidden" }, `${review.rating} of 5`)), h("p", {}, review.text), h("p", { class: "small soft" }, timeText(review.created_ms)))) : h("p", { class: "soft" }, "None yet."),
    own ? [h("h2", {}, "Edit"), editor(listing, null)] : reviewForm(path)];
}

function reviewForm(path) {
  const rating = h("select", {}, [5, 4, 3, 2, 1].map((value) => h("option", { value: String(value) }, `${value} of 5`))), words = h("textarea", { rows: "3", maxlength: "4000" }), result = h("div");
  return h("form", { class: "box", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await api.put(`${path}/review`, { rating: Number(rating.value), text: words.value });
      dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      result.replaceChildren(problemBox(error));
    }
  } }, h("h3", {}, "Your review"), field("Rating", rating), field("Text", words, "Only who used the model reviews it."), h("button", {}, "Send"), result);
}
