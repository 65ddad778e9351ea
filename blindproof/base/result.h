// Errors that come from outside (files, proofs, models, requests) travel as values.
//
// `Result<T>` holds a T or an Error. An Error has a code (what kind), a place (which file, field or
// check) and a detail (what was wrong and what to do). Programming errors use check.h instead.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "blindproof/base/check.h"

namespace blindproof::base {

enum class ErrorCode {
  kIo,               // the operating system said no: open, read, write, rename
  kMalformed,        // bytes that are not a canonical encoding of what they claim to be
  kUnsupported,      // well formed, but outside what this program can do
  kLimit,            // larger than the stated bound
  kInvalidArgument,  // the caller's own options or values make no sense
  kMismatch,         // two good artifacts that don't belong together
  kRejected,         // a verifier's check failed; `place` names the check
};

/// Stable lower-case name: "io", "malformed", ...
std::string_view error_code_name(ErrorCode code) noexcept;

struct Error {
  ErrorCode code;
  std::string place;   // "model.bpm: layer 3", "lookup.root"
  std::string detail;  // one sentence, what was wrong and what to do

  /// "place: detail".
  std::string message() const;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  const T& value() const& {
    BLINDPROOF_CHECK(ok(), "value() of a failed Result");
    return std::get<0>(state_);
  }
  T& value() & {
    BLINDPROOF_CHECK(ok(), "value() of a failed Result");
    return std::get<0>(state_);
  }
  /// By value, so that `for (x : *f())` keeps what it iterates over.
  T value() && {
    BLINDPROOF_CHECK(ok(), "value() of a failed Result");
    return std::get<0>(std::move(state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Error& error() const& {
    BLINDPROOF_CHECK(!ok(), "error() of a good Result");
    return std::get<1>(state_);
  }
  Error&& error() && {
    BLINDPROOF_CHECK(!ok(), "error() of a good Result");
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

/// A Result without a value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}
  static Status good() { return {}; }

  bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  const Error& error() const& {
    BLINDPROOF_CHECK(!ok(), "error() of a good Status");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

inline Error error(ErrorCode code, std::string place, std::string detail) {
  return Error{code, std::move(place), std::move(detail)};
}

}  // namespace blindproof::base

#define BLINDPROOF_CONCAT_(a, b) a##b
#define BLINDPROOF_CONCAT(a, b) BLINDPROOF_CONCAT_(a, b)

/// Returns the error of `expression` (a Status or Result) from the enclosing function, if it has one.
#define BLINDPROOF_TRY(expression)                                                       \
  do {                                                                                   \
    if (auto blindproof_status = (expression); !blindproof_status.ok())                  \
      return ::blindproof::base::Error(blindproof_status.error());                       \
  } while (false)

/// `BLINDPROOF_ASSIGN(auto x, f());`: unpacks a Result or returns its error.
#define BLINDPROOF_ASSIGN(declaration, expression) \
  BLINDPROOF_ASSIGN_(BLINDPROOF_CONCAT(blindproof_result_, __LINE__), declaration, expression)
#define BLINDPROOF_ASSIGN_(name, declaration, expression)               \
  auto name = (expression);                                             \
  if (!name.ok()) return ::blindproof::base::Error(std::move(name).error()); \
  declaration = std::move(name).value()
