#include "blindproof/service/http/problem.h"

namespace blindproof::service::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
  }
  return "Status";
}

Response json_response(const Json& body, int status) {
  // Texts from outside were checked to be UTF-8 when they were parsed; those of files might not be.
  return {status, {{"Content-Type", "application/json"}}, body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Response problem(int status, const std::string& type, const std::string& detail) {
  Response response = json_response(
      {{"type", "urn:blindproof:problem:" + type}, {"title", reason_phrase(status)}, {"status", status}, {"detail", detail}}, status);
  response.headers = {{"Content-Type", "application/problem+json"}};
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

Response problem_of(const base::Error& error) {
  using base::ErrorCode;
  switch (error.code) {
    case ErrorCode::kIo: return problem(503, "unavailable", "storage can't be reached; nothing was changed");
    case ErrorCode::kMalformed: return problem(400, "malformed", error.message());
    case ErrorCode::kUnsupported: return problem(422, "unsupported", error.message());
    case ErrorCode::kLimit: return problem(413, "too-large", error.message());
    case ErrorCode::kInvalidArgument: return problem(422, "invalid", error.message());
    case ErrorCode::kMismatch: return problem(409, "mismatch", error.message());
    case ErrorCode::kRejected: return problem(422, "rejected", error.message());
  }
  return problem(500, "internal", "the request failed");
}

}  // namespace blindproof::service::http
