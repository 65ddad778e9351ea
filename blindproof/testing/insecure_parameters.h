// Parameters that hide nothing: small rings, so that tests can compare with slow oracles.
#pragma once

#include "blindproof/base/check.h"
#include "blindproof/fhe/bfv/context.h"
#include "blindproof/fhe/bgv/context.h"
#include "blindproof/fhe/ckks/context.h"

namespace blindproof::testing {

struct InsecureParameters {
  /// Any parameters, without the check of security.
  static base::Result<fhe::ckks::ContextPtr> ckks(const fhe::ckks::Parameters& parameters) {
    return fhe::ckks::Context::make(parameters, false);
  }
  static base::Result<fhe::bgv::ContextPtr> bgv(const fhe::bgv::Parameters& parameters) {
    return fhe::bgv::Context::make(parameters, false);
  }
  static base::Result<fhe::bfv::ContextPtr> bfv(const fhe::bfv::Parameters& parameters) {
    return fhe::bfv::Context::make(parameters, false);
  }
};

}  // namespace blindproof::testing
