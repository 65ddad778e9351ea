#include "blindproof/service/http/static_files.h"

#include <array>
#include <system_error>

#include "blindproof/base/file.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::service::http {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 26, kMaxFiles = 1000;

std::string_view type_of(const fs::path& path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTypes = {{
      {".html", "text/html; charset=utf-8"}, {".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"}, {".svg", "image/svg+xml"}, {".png", "image/png"}, {".ico", "image/x-icon"}, {".wasm", "application/wasm"},
      {".woff2", "font/woff2"}, {".webmanifest", "application/manifest+json"}, {".txt", "text/plain; charset=utf-8"},
  }};
  const std::string extension = path.extension().string();
  for (const auto& [name, type] : kTypes) {
    if (extension == name) return type;
  }
  return {};
}

// Scripts are the page's own files, and nothing goes anywhere else: what it decrypts can't leave through it. WebAssembly needs its word.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace

base::Result<StaticFiles> StaticFiles::open(const fs::path& folder) {
  StaticFiles result;
  std::error_code code;
  for (auto entry = fs::recursive_directory_iterator(folder, code); !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
    const std::string_view type = type_of(entry->path());
    if (type.empty() || !entry->is_regular_file()) continue;
    if (result.files_.size() == kMaxFiles) return base::error(ErrorCode::kInvalidArgument, folder.string(), "has too many files for a web page");
    BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(entry->path(), kMaxFileBytes));
    const crypto::Digest256 digest = crypto::sha256(bytes);
    File file{entry->path(), std::nullopt, std::string(type), "\"" + base::to_hex(std::span(digest).first(16)) + "\""};
    if (fs::path gzip = entry->path().string() + ".gz"; fs::is_regular_file(gzip)) file.gzip = std::move(gzip);
    result.files_["/" + fs::relative(entry->path(), folder).generic_string()] = std::move(file);
  }
  if (code) return base::error(ErrorCode::kIo, folder.string(), "can't be read: " + code.message());
  const auto index = result.files_.find("/index.html");
  if (index == result.files_.end()) return base::error(ErrorCode::kInvalidArgument, folder.string(), "has no index.html: this is not the web page's folder");
  result.files_["/"] = index->second;
  return result;
}

std::optional<Response> StaticFiles::find(std::string_view path, const RequestHead& head) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return std::nullopt;
  const File& file = found->second;
  Response response;
  response.headers = {{"Content-Type", file.type},
                      {"ETag", file.etag},
                      {"Cache-Control", "no-cache"},  // asked for again, and answered 304
                      {"Vary", "Accept-Encoding"},
                      {"Content-Security-Policy", kPolicy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Embedder-Policy", "require-corp"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (head.header("if-none-match").find(file.etag) != std::string::npos) {
    response.status = 304;
    return response;
  }
  const bool gzip = file.gzip && head.header("accept-encoding").find("gzip") != std::string::npos;
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.file = gzip ? *file.gzip : file.path;
  return response;
}

}  // namespace blindproof::service::http
