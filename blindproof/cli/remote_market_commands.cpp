// blindproof remote listings, blindproof remote receipts.
#include <memory>

#include "blindproof/base/file.h"
#include "blindproof/chain/receipt.h"
#include "blindproof/cli/remote_commands.h"
#include "blindproof/cli/remote_infer.h"
#include "blindproof/cli/remote_options.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using service::client::Client;
using service::client::percent_encode;

Result<std::string> listing_path(const std::string& id) {
  BLINDPROOF_ASSIGN(const std::string name, segment("listing", id));
  return "/marketplace/listings/" + name;
}

/// What a listing says; what isn't given stays as it is.
struct ListingArguments {
  std::string id;  // of the model, or of the listing
  std::optional<std::string> title, description, currency;
  std::vector<std::string> prices;
  std::optional<std::int64_t> samples;
  bool publish = false, withdraw = false;

  void add_to(CLI::App& command, bool is_new) {
    CLI::Option* text = command.add_option("--title", title, "Up to 200 bytes");
    if (is_new) text->required();
    command.add_option("--description", description, "Up to 4000 bytes");
    CLI::Option* price = command.add_option("--price", prices, "LEVEL=PRICE of a sample, for each level that is offered, e.g. zkml=0.05");
    if (is_new) price->required();
    command.add_option("--currency", currency, "Capital letters (default: USD)");
    command.add_option("--max-samples-per-day", samples, "Of each buyer: exact answers reveal small models (default: 10000)")->check(CLI::PositiveNumber);
    CLI::Option* shown = command.add_flag("--publish", publish, "Let others see and use it");
    if (!is_new) command.add_flag("--withdraw", withdraw, "Let others neither see nor use it any more")->excludes(shown);
  }

  Result<service::client::Json> body() const {
    service::client::Json json = service::client::Json::object();
    if (title) json["title"] = *title;
    if (description) json["description"] = *description;
    if (currency) json["currency"] = *currency;
    if (samples) json["max_samples_per_day"] = *samples;
    if (publish || withdraw) json["published"] = publish;
    for (const std::string& price : prices) {
      const std::size_t sign = price.find('=');
      if (sign == std::string::npos || sign == 0 || sign + 1 == price.size()) {
        return base::error(ErrorCode::kInvalidArgument, "--price", "must be LEVEL=PRICE, e.g. zkml=0.05");
      }
      json["prices"][price.substr(0, sign)] = price.substr(sign + 1);
    }
    return json;
  }
};

void add_listings(CLI::App& listings, Session& session) {
  struct Search {
    PageOption page;
    std::string text;
  };
  const auto search = std::make_shared<Search>();
  CLI::App& list = *listings.add_subcommand("list", "Published listings");
  list.add_option("--text", search->text, "Of those with this in title or description");
  search->page.add_to(list);
  list.footer("Example:\n  blindproof remote listings list --text digits");
  add_remote_command(
      list, session,
      [search](Client& client) -> Result<Json> {
        const std::string text = search->text.empty() ? "" : "q=" + percent_encode(search->text);
        BLINDPROOF_ASSIGN(const auto answer, client.get("/marketplace/listings" + search->page.query(text)));
        return rendered(answer);
      },
      {.columns = {"id", "title", "seller", "prices", "currency", "model"}});

  const auto show = std::make_shared<std::string>();
  CLI::App& show_command = *listings.add_subcommand("show", "A listing, with what was measured at the service");
  show_command.add_option("listing", *show, "Its id")->required();
  show_command.footer("Example:\n  blindproof remote listings show LISTING");
  add_remote_command(show_command, session, [show](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, listing_path(*show));
    BLINDPROOF_ASSIGN(const auto answer, client.get(path));
    return rendered(answer);
  });

  const auto create = std::make_shared<ListingArguments>();
  CLI::App& create_command = *listings.add_subcommand("create", "Offer a model to others");
  create_command.add_option("model", create->id, "The model's id")->required();
  create->add_to(create_command, true);
  create_command.footer("Example:\n  blindproof remote listings create MODEL --title \"Digits\" --price zkml=0.05 --price fhe=0.50 --publish");
  add_remote_command(create_command, session, [create](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(auto body, create->body());
    body["model"] = create->id;
    BLINDPROOF_ASSIGN(const auto answer, client.post("/marketplace/listings", body));
    return rendered(answer);
  });

  const auto update = std::make_shared<ListingArguments>();
  CLI::App& update_command = *listings.add_subcommand("update", "Change your listing; what isn't given stays");
  update_command.add_option("listing", update->id, "Its id")->required();
  update->add_to(update_command, false);
  update_command.footer("Example:\n  blindproof remote listings update LISTING --price zkml=0.04\n  blindproof remote listings update LISTING --withdraw");
  add_remote_command(update_command, session, [update](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, listing_path(update->id));
    BLINDPROOF_ASSIGN(const auto body, update->body());
    if (body.empty()) return base::error(ErrorCode::kInvalidArgument, "arguments", "say what to change: see --help");
    BLINDPROOF_ASSIGN(const auto answer, client.put(path, body));
    return rendered(answer);
  });

  struct Reviews {
    PageOption page;
    std::string listing;
  };
  const auto reviews = std::make_shared<Reviews>();
  CLI::App& reviews_command = *listings.add_subcommand("reviews", "What those say who used a listing's model");
  reviews_command.add_option("listing", reviews->listing, "Its id")->required();
  reviews->page.add_to(reviews_command);
  reviews_command.footer("Example:\n  blindproof remote listings reviews LISTING");
  add_remote_command(
      reviews_command, session,
      [reviews](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const std::string path, listing_path(reviews->listing));
        BLINDPROOF_ASSIGN(const auto answer, client.get(path + "/reviews" + reviews->page.query()));
        return rendered(answer);
      },
      {.columns = {"rating", "text"}});

  struct Review {
    std::string listing, text;
    int rating = 0;
  };
  const auto review = std::make_shared<Review>();
  CLI::App& review_command = *listings.add_subcommand("review", "Review a model that you used; replaces your earlier review");
  review_command.add_option("listing", review->listing, "Its id")->required();
  review_command.add_option("--rating", review->rating, "1 to 5")->required()->check(CLI::Range(1, 5));
  review_command.add_option("--text", review->text, "Up to 4000 bytes");
  review_command.footer("Example:\n  blindproof remote listings review LISTING --rating 5 --text \"Fast, and every proof held\"");
  add_remote_command(review_command, session, [review](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, listing_path(review->listing));
    service::client::Json body = {{"rating", review->rating}};
    if (!review->text.empty()) body["text"] = review->text;
    BLINDPROOF_TRY(client.put(path + "/review", body));
    return Json{{"listing", review->listing}, {"rating", review->rating}};
  });
}

void add_receipts(CLI::App& receipts, Session& session) {
  struct Receipt {
    std::string job;
    fs::path file;
  };
  const auto download = std::make_shared<Receipt>();
  CLI::App& download_command = *receipts.add_subcommand("download", "The signed receipt of a finished job with a listing's model");
  download_command.add_option("job", download->job, "The job's id")->required();
  download_command.add_option("--out", download->file, "R.json")->required();
  download_command.footer("Example:\n  blindproof remote receipts download JOB --out r.json\n  blindproof remote receipts key --out service.pub\n"
                          "  blindproof receipt verify r.json --key service.pub");
  add_remote_command(download_command, session, [download](Client& client) -> Result<Json> {
    BLINDPROOF_TRY(segment("job", download->job));
    BLINDPROOF_TRY(client.download(job_path(download->job) + "/receipt", download->file, chain::kMaxReceiptBytes));
    return Json{{"receipt", download->file.string()}};
  });

  const auto show = std::make_shared<Receipt>();
  CLI::App& show_command = *receipts.add_subcommand("show", "The same, shown");
  show_command.add_option("job", show->job, "The job's id")->required();
  show_command.footer("Example:\n  blindproof remote receipts show JOB --json");
  add_remote_command(show_command, session, [show](Client& client) -> Result<Json> {
    BLINDPROOF_TRY(segment("job", show->job));
    BLINDPROOF_ASSIGN(const auto answer, client.get(job_path(show->job) + "/receipt"));
    return rendered(answer);
  });

  const auto submit = std::make_shared<Receipt>();
  CLI::App& submit_command = *receipts.add_subcommand("submit", "Have the service submit a receipt on chain, where it is connected to one");
  submit_command.add_option("job", submit->job, "The job's id")->required();
  submit_command.footer("Example:\n  blindproof remote receipts submit JOB");
  add_remote_command(submit_command, session, [submit](Client& client) -> Result<Json> {
    BLINDPROOF_TRY(segment("job", submit->job));
    BLINDPROOF_ASSIGN(const auto answer, client.post(job_path(submit->job) + "/receipt/submission"));
    return rendered(answer);
  });

  const auto key = std::make_shared<fs::path>();
  CLI::App& key_command = *receipts.add_subcommand("key", "Download the public key that the service signs receipts with");
  key_command.add_option("--out", *key, "SERVICE.pub")->required();
  key_command.footer("Example:\n  blindproof remote receipts key --out service.pub");
  add_remote_command(
      key_command, session,
      [key](Client& client) -> Result<Json> {
        BLINDPROOF_TRY(client.download("/ml/receipts/key", *key, chain::kMaxReceiptBytes));
        return Json{{"public_key", key->string()}};
      },
      {.columns = {}, .text_member = {}, .needs_key = false});

  const auto verify = std::make_shared<fs::path>();
  CLI::App& verify_command = *receipts.add_subcommand("verify", "Ask the service whether it signed a receipt; exit code 1 if it didn't");
  verify_command.add_option("receipt", *verify, "R.json")->required()->check(CLI::ExistingFile);
  verify_command.footer("Example:\n  blindproof remote receipts verify r.json");
  add_remote_command(verify_command, session, [verify](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(*verify, chain::kMaxReceiptBytes));
    BLINDPROOF_ASSIGN(const auto answer, client.post("/ml/receipts/verify", {{"receipt", std::string(text.begin(), text.end())}}));
    Json verdict = rendered(answer);
    if (verdict.is_object() && verdict.value("is_valid", Json()) == true) return verdict;
    const std::string check = text_of(verdict, "refused_by");
    return base::error(ErrorCode::kRejected, verify->string(), "is refused by check " + (check.empty() ? "(unnamed)" : check));
  });
}

}  // namespace

void add_remote_market_commands(CLI::App& remote, Session& session) {
  CLI::App& listings = *remote.add_subcommand("listings", "The marketplace: offer models, find them, review them");
  listings.require_subcommand(1);
  add_listings(listings, session);
  CLI::App& receipts = *remote.add_subcommand("receipts", "Signed receipts of jobs");
  receipts.require_subcommand(1);
  add_receipts(receipts, session);
}

}  // namespace blindproof::cli
