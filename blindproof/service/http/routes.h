// The table that requests are matched against and /openapi.json is made from.
#pragma once

#include "blindproof/service/http/api.h"

namespace blindproof::service::http {

enum class FieldType { kText, kInteger, kBoolean, kObject, kArray, kVersion };  // kVersion: a number or an alias

/// A member of a JSON body.
struct Api::Field {
  const char* name;
  FieldType type;
  bool required;
  const char* meaning;
};

enum class BodyKind { kNone, kJson, kFile };

struct Api::Route {
  const char* method;
  const char* pattern;     // "/ml/models/{model}": parameters are whole segments
  std::uint32_t scope;     // 0: no key needed
  const char* summary;
  int success;
  Reply (Api::*handler)(Call&);
  std::vector<Field> fields = {};  // of a JSON body
  BodyKind body = BodyKind::kNone;
  base::Result<Upload> (Api::*begin)(Call&) = nullptr;  // of files: before the body is read
};

}  // namespace blindproof::service::http
