// What every engine must do. An engine's test instantiates StoreContract with a function that makes a fresh database.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "blindproof/service/store/store.h"

namespace blindproof::service::store {

/// A database of its own, to which several connections can be opened.
struct TestDatabase {
  std::function<std::unique_ptr<Store>()> connect;
  std::shared_ptr<void> owner;  // removes it
};

class StoreContract : public testing::TestWithParam<std::function<TestDatabase()>> {
 protected:
  StoreContract() : database_(GetParam()()), store_(database_.connect()) {}

  std::string add_tenant(const std::string& name);
  std::string add_model(const std::string& tenant, const std::string& name);
  /// A version that is ready.
  void make_ready(const std::string& tenant, const std::string& model);
  Job job_of(const std::string& tenant, const std::string& model);

  TestDatabase database_;
  std::unique_ptr<Store> store_;
};

}  // namespace blindproof::service::store
