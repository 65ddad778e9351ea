// Errors as RFC 9457 problem details.
#pragma once

#include <string>

#include "blindproof/base/result.h"
#include "blindproof/envelope/json.h"
#include "blindproof/service/http/message.h"

namespace blindproof::service::http {

using envelope::Json;

/// `type` is one word, stable, for programs; `detail` is for people.
Response problem(int status, const std::string& type, const std::string& detail);
/// What an error means to who asked. Those of this machine (kIo) lose their text.
Response problem_of(const base::Error& error);

Response json_response(const Json& body, int status = 200);

std::string_view reason_phrase(int status);

}  // namespace blindproof::service::http
