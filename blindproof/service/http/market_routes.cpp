#include <algorithm>
#include <array>

#include "blindproof/service/http/api.h"
#include "blindproof/service/http/decimal.h"

namespace blindproof::service::http {
namespace {

constexpr std::size_t kMaxTitle = 200, kMaxText = 4000;
constexpr std::int64_t kMaxSamples = std::int64_t{1} << 40;
constexpr std::array<const char*, 3> kLevels = {"zkml", "fhe", "hybrid"};

/// {"zkml": "0.05", ...} for levels that the version has.
std::optional<std::string> problem_of_prices(const Json& prices, const store::ModelVersion& version) {
  if (prices.empty()) return "prices: must name at least one level";
  for (const auto& [level, price] : prices.items()) {
    if (std::ranges::find(kLevels, level) == kLevels.end()) return "prices: are of the levels zkml, fhe, hybrid";
    if ((level == "zkml" && version.model_key_blob.empty()) || (level == "fhe" && version.program_blob.empty()) || (level == "hybrid" && version.hybrid_program_blob.empty())) {
      return "prices: the model's newest version doesn't have the level " + level;
    }
    if (!price.is_string() || !parse_decimal(price.get<std::string>())) return "prices: must be decimal texts such as \"0.05\", with up to 9 decimals";
  }
  return std::nullopt;
}

bool is_currency(const std::string& text) {
  return !text.empty() && text.size() <= 12 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

Json figures_json(const store::ListingFigures& figures) {
  Json json = {{"verified", figures.verified}, {"refused", figures.refused}, {"reviews", figures.reviews}, {"levels", Json::object()}};
  const std::int64_t verifications = figures.verified + figures.refused;
  json["privacy_score"] = verifications ? Json(static_cast<double>(figures.verified) / static_cast<double>(verifications)) : Json();
  json["mean_rating"] = figures.reviews ? Json(figures.mean_rating) : Json();
  for (const store::LevelFigures& level : figures.levels) {
    Json& entry = json["levels"][level.level] = {{"inferences", level.inferences}, {"mean_latency_ms", level.mean_latency_ms}};
    if (level.level != "fhe") entry["mean_prove_ms"] = level.mean_prove_ms;
  }
  return json;
}

}  // namespace

base::Result<Json> Api::listing_json(const store::Listing& listing) {
  BLINDPROOF_ASSIGN(const auto seller, data_.store->tenant(listing.tenant));
  BLINDPROOF_ASSIGN(const store::ListingFigures figures, data_.store->listing_figures(listing.model));
  const Json prices = Json::parse(listing.prices, nullptr, false);
  return Json{{"id", listing.id}, {"model", listing.model}, {"seller", seller ? seller->name : ""}, {"title", listing.title},
              {"description", listing.description}, {"currency", prices["currency"]}, {"prices", prices["levels"]}, {"published", listing.published},
              {"max_samples_per_day", listing.max_samples_per_day}, {"created_ms", listing.created_ms}, {"measured", figures_json(figures)},
              {"links", {{"model", "/ml/models/" + listing.model}, {"client_spec", "/ml/models/" + listing.model + "/client-spec"},
                         {"reviews", "/marketplace/listings/" + listing.id + "/reviews"}}}};
}

/// Fields of the body into a listing; the problem, if there is one.
base::Result<std::optional<Response>> Api::fill_listing(const Call& call, store::Listing& listing) {
  const auto refuse = [](const std::string& detail) { return std::optional<Response>(problem(422, "invalid", detail)); };
  listing.title = call.body.value("title", listing.title);
  listing.description = call.body.value("description", listing.description);
  listing.published = call.body.value("published", listing.published);
  listing.max_samples_per_day = call.body.value("max_samples_per_day", listing.max_samples_per_day);
  if (listing.title.empty() || listing.title.size() > kMaxTitle) return refuse("title: must have 1 to 200 bytes");
  if (listing.description.size() > kMaxText) return refuse("description: has more than 4000 bytes");
  if (listing.max_samples_per_day < 1 || listing.max_samples_per_day > kMaxSamples) return refuse("max_samples_per_day: is out of range");
  Json prices = listing.prices.empty() ? Json{{"currency", "USD"}} : Json::parse(listing.prices, nullptr, false);
  if (call.body.contains("currency")) prices["currency"] = call.body["currency"];
  if (call.body.contains("prices")) prices["levels"] = call.body["prices"];
  if (!is_currency(prices["currency"])) return refuse("currency: must be up to 12 capital letters");
  BLINDPROOF_ASSIGN(const auto version, data_.store->latest_version(listing.model));
  if (!version) return refuse("model: has no version that is ready");
  if (const auto detail = problem_of_prices(prices["levels"], *version)) return refuse(*detail);
  listing.prices = prices.dump();
  return std::optional<Response>();
}

Api::Reply Api::create_listing(Call& call) {
  call.path = {call.body["model"].get<std::string>()};
  BLINDPROOF_ASSIGN(const auto model, find_model(call, true));
  if (!model) return not_found();
  store::Listing listing;
  listing.created_ms = jobs::now_ms();
  listing.id = store::make_id(listing.created_ms);
  listing.tenant = call.caller.tenant;
  listing.model = model->id;
  BLINDPROOF_ASSIGN(std::optional<Response> refused, fill_listing(call, listing));
  if (refused) return *std::move(refused);
  BLINDPROOF_ASSIGN(const store::Insert made, data_.store->create_listing(listing));
  if (made == store::Insert::kExists) return problem(409, "exists", "this model has a listing");
  BLINDPROOF_TRY(audit(call, "listing.create", listing.id, listing.published ? "published" : ""));
  BLINDPROOF_ASSIGN(const Json body, listing_json(listing));
  Response response = json_response(body, 201);
  response.headers.emplace_back("Location", "/marketplace/listings/" + listing.id);
  return response;
}

Api::Reply Api::update_listing(Call& call) {
  BLINDPROOF_ASSIGN(auto listing, data_.store->listing(call.path[0]));
  if (!listing || listing->tenant != call.caller.tenant) return not_found();
  BLINDPROOF_ASSIGN(std::optional<Response> refused, fill_listing(call, *listing));
  if (refused) return *std::move(refused);
  BLINDPROOF_ASSIGN(const bool updated, data_.store->update_listing(*listing));
  if (!updated) return not_found();
  BLINDPROOF_TRY(audit(call, "listing.update", listing->id, listing->published ? "published" : "withdrawn"));
  BLINDPROOF_ASSIGN(const Json body, listing_json(*listing));
  return json_response(body);
}

base::Result<std::optional<store::Listing>> Api::find_listing(const Call& call) {
  BLINDPROOF_ASSIGN(auto listing, data_.store->listing(call.path[0]));
  if (listing && !listing->published && listing->tenant != call.caller.tenant) listing.reset();
  return listing;
}

Api::Reply Api::get_listing(Call& call) {
  BLINDPROOF_ASSIGN(const auto listing, find_listing(call));
  if (!listing) return not_found();
  BLINDPROOF_ASSIGN(const Json body, listing_json(*listing));
  return json_response(body);
}

Api::Reply Api::search_listings(Call& call) {
  const store::Page page = page_of(call);
  const auto text = call.query.find("q");
  BLINDPROOF_ASSIGN(const auto list, data_.store->search_listings(text == call.query.end() ? "" : text->second, page));
  Json items = Json::array();
  for (const store::Listing& listing : list) {
    BLINDPROOF_ASSIGN(Json item, listing_json(listing));
    items.push_back(std::move(item));
  }
  return page_response(call, std::move(items), page.limit, list.empty() ? "" : list.back().id);
}

Api::Reply Api::put_review(Call& call) {
  BLINDPROOF_ASSIGN(const auto listing, find_listing(call));
  if (!listing) return not_found();
  if (listing->tenant == call.caller.tenant) return problem(403, "review", "one's own listing can't be reviewed");
  BLINDPROOF_ASSIGN(const bool used, data_.store->has_used(call.caller.tenant, listing->model));
  if (!used) return problem(403, "review", "only those who used the model review it");
  const store::Review review{listing->id, call.caller.tenant, call.body.value("text", std::string()), call.body["rating"], jobs::now_ms()};
  if (review.rating < 1 || review.rating > 5) return problem(422, "invalid", "rating: must be 1 to 5");
  if (review.text.size() > kMaxText) return problem(422, "invalid", "text: has more than 4000 bytes");
  BLINDPROOF_TRY(data_.store->put_review(review));
  BLINDPROOF_TRY(audit(call, "listing.review", listing->id));
  return Response{204};
}

Api::Reply Api::list_reviews(Call& call) {
  BLINDPROOF_ASSIGN(const auto listing, find_listing(call));
  if (!listing) return not_found();
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto list, data_.store->reviews(listing->id, page));
  Json items = Json::array();
  for (const store::Review& review : list) items.push_back({{"rating", review.rating}, {"text", review.text}, {"created_ms", review.created_ms}});
  return page_response(call, std::move(items), page.limit, list.empty() ? "" : list.back().tenant);
}

}  // namespace blindproof::service::http
