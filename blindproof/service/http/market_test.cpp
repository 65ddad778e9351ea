#include "blindproof/chain/receipt.h"
#include "blindproof/service/http/api_fixture_test.h"

namespace blindproof::service::http {
namespace {

class MarketTest : public ApiTest {
 protected:
  MarketTest() : seller_(tenant_key("seller")), buyer_(tenant_key("buyer")), model_(ready_model(seller_)) {}

  Json listing_body(bool published = true) const {
    return {{"model", model_}, {"title", "Digits"}, {"description", "reads digits"}, {"prices", {{"zkml", "0.05"}}}, {"published", published}};
  }
  /// The id of the listing.
  std::string list(const Json& body) {
    const Response made = post("/marketplace/listings", seller_, body);
    EXPECT_EQ(made.status, 201) << made.body;
    return json(made)["id"];
  }
  /// The id of a finished job of the buyer.
  std::string use() {
    const Response accepted = post("/ml/models/" + model_ + "/inference", buyer_, {{"privacy_level", "zkml"}, {"input", input()}});
    EXPECT_EQ(accepted.status, 202) << accepted.body;
    work();
    return json(accepted)["job_id"];
  }

  std::string seller_, buyer_, model_;
};

TEST_F(MarketTest, APublishedListingLetsOthersUseAModelAndShowsWhatHappened) {
  const std::string at = "/marketplace/listings/" + list(listing_body(false));
  EXPECT_EQ(get(at, buyer_).status, 404) << "not published";
  EXPECT_EQ(get(at, seller_).status, 200);
  EXPECT_EQ(put(at, buyer_, {{"published", true}}).status, 404);
  EXPECT_EQ(put(at, seller_, {{"published", true}}).status, 200);
  Json listing = json(get(at, buyer_));
  EXPECT_EQ(listing["prices"]["zkml"], "0.05");
  EXPECT_EQ(listing["seller"], "seller");
  EXPECT_TRUE(listing["measured"]["privacy_score"].is_null()) << "nothing was verified yet";

  const std::string job = use();
  const std::string proof = json(get("/ml/jobs/" + job, buyer_))["links"]["proof"];
  EXPECT_EQ(json(post(proof + "/verify", buyer_, Json::object()))["is_valid"], true);
  listing = json(get(at, buyer_));
  EXPECT_EQ(listing["measured"]["verified"], 1);
  EXPECT_EQ(listing["measured"]["refused"], 0);
  EXPECT_EQ(listing["measured"]["privacy_score"], 1.0);
  EXPECT_EQ(listing["measured"]["levels"]["zkml"]["inferences"], 1);
  EXPECT_TRUE(listing["measured"]["levels"]["zkml"].contains("mean_prove_ms"));

  EXPECT_EQ(put(at, seller_, {{"published", false}}).status, 200);
  EXPECT_EQ(post("/ml/models/" + model_ + "/inference", buyer_, {{"privacy_level", "zkml"}, {"input", input()}}).status, 404);
}

TEST_F(MarketTest, ListingsAreFoundByTheirTexts) {
  list(listing_body());
  const auto found = [&](const std::string& query) { return json(get("/marketplace/listings" + query, buyer_))["items"].size(); };
  EXPECT_EQ(found(""), 1u);
  EXPECT_EQ(found("?q=DIGIT"), 1u);
  EXPECT_EQ(found("?q=letters"), 0u);
  EXPECT_EQ(found("?q=%25"), 0u) << "no wildcard";
  EXPECT_EQ(found("?q=%27%20OR%201%3D1"), 0u);
}

TEST_F(MarketTest, ListingsThatMakeNoSenseAreRefused) {
  const auto status = [&](const char* field, const Json& value) {
    Json body = listing_body();
    body[field] = value;
    return post("/marketplace/listings", seller_, body).status;
  };
  EXPECT_EQ(status("title", ""), 422);
  EXPECT_EQ(status("title", std::string(300, 'x')), 422);
  EXPECT_EQ(status("currency", "usd"), 422);
  EXPECT_EQ(status("prices", Json::object()), 422);
  EXPECT_EQ(status("prices", {{"zkml", 0.05}}), 422);
  EXPECT_EQ(status("prices", {{"zkml", "-1"}}), 422);
  EXPECT_EQ(status("prices", {{"plain", "1"}}), 422);
  EXPECT_EQ(status("prices", {{"fhe", "1"}}), 422) << "the model doesn't have that level";
  EXPECT_EQ(status("max_samples_per_day", 0), 422);
  EXPECT_EQ(status("model", "none"), 404);
  EXPECT_EQ(post("/marketplace/listings", buyer_, listing_body()).status, 404) << "another's model";
  list(listing_body());
  EXPECT_EQ(post("/marketplace/listings", seller_, listing_body()).status, 409);
}

TEST_F(MarketTest, OnlyOfferedLevelsAndSoManySamplesAreSold) {
  Json body = listing_body();
  body["max_samples_per_day"] = 1;
  list(body);
  const Response fhe = upload("/ml/models/" + model_ + "/inference?privacy_level=fhe&keys=x", buyer_, "BPCTxxxx");
  EXPECT_EQ(fhe.status, 422);
  use();
  const Response second = post("/ml/models/" + model_ + "/inference", buyer_, {{"privacy_level", "zkml"}, {"input", input()}});
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(post("/ml/models/" + model_ + "/inference", seller_, {{"privacy_level", "zkml"}, {"input", input()}}).status, 202) << "its owner may";
}

TEST_F(MarketTest, OnlyThoseWhoUsedAModelReviewIt) {
  const std::string at = "/marketplace/listings/" + list(listing_body());
  const Json review = {{"rating", 4}, {"text", "good"}};
  EXPECT_EQ(put(at + "/review", buyer_, review).status, 403);
  use();
  EXPECT_EQ(put(at + "/review", buyer_, review).status, 204);
  EXPECT_EQ(put(at + "/review", buyer_, {{"rating", 2}}).status, 204) << "replaces the first";
  EXPECT_EQ(put(at + "/review", seller_, review).status, 403);
  for (int rating : {0, 6, -1}) EXPECT_EQ(put(at + "/review", buyer_, {{"rating", rating}}).status, 422);
  const Json reviews = json(get(at + "/reviews", seller_));
  ASSERT_EQ(reviews["items"].size(), 1u);
  EXPECT_EQ(reviews["items"][0]["rating"], 2);
  EXPECT_EQ(json(get(at, buyer_))["measured"]["mean_rating"], 2.0);
}

TEST_F(MarketTest, AFinishedJobHasOneReceiptThatAnybodyVerifies) {
  Json body = listing_body();
  body["currency"] = "EUR";
  list(body);
  const std::string job = "/ml/jobs/" + use();
  const Json done = json(get(job, buyer_));
  const Response made = get(done["links"]["receipt"], buyer_);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(get(job + "/receipt", buyer_).body, made.body) << "the same each time";
  EXPECT_EQ(get(job + "/receipt", seller_).status, 404);

  const auto key = chain::parse_public_key(base::as_bytes(get("/ml/receipts/key", "").body), "key");
  ASSERT_TRUE(key.ok());
  const auto receipt = chain::Receipt::parse(base::as_bytes(made.body), "receipt");
  ASSERT_TRUE(receipt.ok()) << receipt.error().message();
  EXPECT_TRUE(receipt->verify(*key).ok());
  const Json fields = Json::parse(made.body);
  EXPECT_EQ(fields["price"], "0.05");
  EXPECT_EQ(fields["units"], 1);
  EXPECT_EQ(fields["client"], tenants_["buyer"]);
  EXPECT_EQ(fields["provider"], tenants_["seller"]);
  EXPECT_EQ(fields["metadata"]["currency"], "EUR");
  const std::string proof = content_of(get(done["links"]["proof"].get<std::string>() + "/proof.bpp", buyer_));
  EXPECT_EQ(fields["artifact_hash"], base::to_hex(crypto::sha256(base::as_bytes(proof))));

  const auto verify = [&](const std::string& text) { return post("/ml/receipts/verify", buyer_, {{"receipt", text}}); };
  EXPECT_EQ(json(verify(made.body))["is_valid"], true);
  std::string other = made.body;
  other.replace(other.find("\"0.05\""), 6, "\"0.04\"");
  EXPECT_EQ(json(verify(other))["is_valid"], false);
  EXPECT_EQ(json(verify(other))["refused_by"], "receipt.hash");
  EXPECT_EQ(verify("{}").status, 400);
  EXPECT_EQ(verify("").status, 400);

  const Response submitted = request("POST", job + "/receipt/submission", buyer_);
  EXPECT_EQ(submitted.status, 409);
  EXPECT_NE(submitted.body.find("no chain"), std::string::npos);
}

TEST_F(MarketTest, ReceiptsAreForFinishedJobsOfListings) {
  list(listing_body());
  const Json own = json(post("/ml/models/" + model_ + "/inference", seller_, {{"privacy_level", "zkml"}, {"input", input()}}));
  const Json waiting = json(post("/ml/models/" + model_ + "/inference", buyer_, {{"privacy_level", "zkml"}, {"input", input()}}));
  EXPECT_EQ(get("/ml/jobs/" + waiting["job_id"].get<std::string>() + "/receipt", buyer_).status, 409);
  work();
  EXPECT_EQ(get("/ml/jobs/" + own["job_id"].get<std::string>() + "/receipt", seller_).status, 404);
  EXPECT_EQ(get("/ml/jobs/" + waiting["job_id"].get<std::string>() + "/receipt", buyer_).status, 200);
}

// The price is the one at the time of the request.
TEST_F(MarketTest, LaterPricesChangeNoReceipt) {
  const std::string at = "/marketplace/listings/" + list(listing_body());
  const std::string job = use();
  ASSERT_EQ(put(at, seller_, {{"prices", {{"zkml", "9"}}}}).status, 200);
  EXPECT_EQ(json(get("/ml/jobs/" + job + "/receipt", buyer_))["price"], "0.05");
}

}  // namespace
}  // namespace blindproof::service::http
